package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.dockerfile.Words;
import dev.wharf.model.Digest;
import dev.wharf.model.GoDuration;
import dev.wharf.model.Healthcheck;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.Signal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * An image's config while a stage makes it, changed instruction by instruction. What each leaves in the config and in the
 * history is what Docker's classic builder leaves. One thread at a time.
 */
public final class Draft {
    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    /** What an image can have of anything; more is an attack or a mistake. */
    private static final int MANY = 10_000;

    private final Words words;
    private final Variables arguments;
    private Platform platform;
    private String author = "";
    private String user = "";
    private final Map<String, String> env = new LinkedHashMap<>();
    private List<String> entrypoint = List.of();
    private List<String> cmd = List.of();
    private boolean cmdSet;
    private String workingDir = "";
    private final Set<String> volumes = new TreeSet<>();
    private final Set<String> ports = new TreeSet<>();
    private final Map<String, String> labels = new TreeMap<>();
    private String stopSignal = "";
    private Optional<Healthcheck> healthcheck = Optional.empty();
    private List<String> shell = List.of();
    private final List<String> onBuild = new ArrayList<>();
    private final List<LayerSpec> layers = new ArrayList<>();
    private final List<ImageConfig.History> history = new ArrayList<>();
    private String created = "";
    private Digest key;

    private Draft(Words words, Variables arguments, Platform platform, Digest key) {
        this.words = words;
        this.arguments = arguments;
        this.platform = platform;
        this.key = key;
    }

    /** Nothing at all. */
    public static Draft scratch(Stages stages, Platform platform) {
        Draft draft = new Draft(
                new Words(stages.dockerfile().escape()),
                stages.outer().stage(),
                platform,
                Digest.sha256("scratch " + platform));
        draft.env.put("PATH", PATH);
        return draft;
    }

    /** On an image; {@code identity} is what it is called in keys. */
    public static Draft on(Stages stages, ImageConfig base, List<LayerSpec> layers, Digest identity) {
        Draft draft = new Draft(
                new Words(stages.dockerfile().escape()), stages.outer().stage(), base.platform(), identity);
        draft.take(base, layers);
        // Said in the image, so that ENV PATH=$PATH:/more adds to something; without it a container would get it
        // anyway.
        draft.env.putIfAbsent("PATH", PATH);
        return draft;
    }

    /** A config whose settings are changed without a stage around it: no arguments, no layers. */
    static Draft alone(ImageConfig base) {
        Variables none = Variables.outermost(Map.of(), base.platform(), "").stage();
        Draft draft = new Draft(new Words('\\'), none, base.platform(), Digest.sha256("changes"));
        draft.take(base, List.of());
        return draft;
    }

    /** On what another stage made, whose arguments end with it. */
    public Draft child(Stages stages) {
        Draft draft = new Draft(words, stages.outer().stage(), platform, key);
        draft.take(config(), layers);
        return draft;
    }

    /** The same, with the arguments that are known there. */
    public Draft heir(Stages stages) {
        Draft draft = new Draft(words, stages.outer().stage(arguments), platform, key);
        draft.take(config(), layers);
        return draft;
    }

    private void take(ImageConfig base, List<LayerSpec> below) {
        author = base.author();
        user = base.user();
        base.env().forEach(one -> {
            int equals = one.indexOf('=');
            env.put(equals < 0 ? one : one.substring(0, equals), equals < 0 ? "" : one.substring(equals + 1));
        });
        entrypoint = base.entrypoint();
        cmd = base.cmd();
        workingDir = base.workingDir();
        volumes.addAll(base.volumes());
        ports.addAll(base.exposedPorts());
        labels.putAll(base.labels());
        stopSignal = base.stopSignal();
        healthcheck = base.healthcheck();
        shell = base.shell();
        onBuild.addAll(base.onBuild());
        layers.addAll(below);
        history.addAll(base.history());
        created = base.created();
    }

    /** The triggers of the base, which fire once and are gone then. */
    public List<String> takeTriggers() {
        List<String> triggers = List.copyOf(onBuild);
        onBuild.clear();
        return triggers;
    }

    // ---- what it is now

    public ImageConfig config() {
        return new ImageConfig(
                platform,
                created,
                author,
                user,
                env.entrySet().stream()
                        .map(e -> e.getKey() + "=" + e.getValue())
                        .toList(),
                entrypoint,
                cmd,
                workingDir,
                List.copyOf(volumes),
                List.copyOf(ports),
                labels,
                stopSignal,
                healthcheck,
                shell,
                onBuild,
                layers.stream().map(LayerSpec::diffId).toList(),
                history);
    }

    public List<LayerSpec> layers() {
        return List.copyOf(layers);
    }

    /** What stands for everything that was done so far. */
    public Digest key() {
        return key;
    }

    public String user() {
        return user;
    }

    /** Where relative paths begin. */
    public String workingDir() {
        return workingDir.isEmpty() ? "/" : absolute(workingDir);
    }

    /** What would be asked after the health of a container of this; empty where nothing would. */
    public List<String> healthTest() {
        return healthcheck.map(Healthcheck::test).orElse(List.of());
    }

    public Variables arguments() {
        return arguments;
    }

    /** A RUN's environment: the image's, and the arguments it does not hide. */
    public List<String> environment() {
        List<String> all = new ArrayList<>();
        env.forEach((name, value) -> all.add(name + "=" + value));
        arguments.seen(env.keySet()).forEach((name, value) -> all.add(name + "=" + value));
        return all;
    }

    /** The shell that runs what is no array. */
    public List<String> shell() {
        return shell.isEmpty() ? List.of("/bin/sh", "-c") : shell;
    }

    public String expand(Instruction at, String text) throws DockerfileException {
        return Stages.expand(at, text, words, env, arguments);
    }

    /** A here-document's text as it is meant. */
    public String expandBody(Instruction at, String text) throws DockerfileException {
        try {
            return words.expandBody(text, Variables.over(env, arguments));
        } catch (Words.ExpansionException e) {
            throw DockerfileException.at(at, "failed to process here-document: " + e.getMessage());
        }
    }

    /** A path as seen from the working directory, without dots in it. */
    public String absolute(String path) {
        List<String> clean = new ArrayList<>();
        for (String part : (path.startsWith("/") ? path : workingDir() + "/" + path).split("/")) {
            if (part.equals("..")) {
                if (!clean.isEmpty()) {
                    clean.remove(clean.size() - 1);
                }
            } else if (!part.isEmpty() && !part.equals(".")) {
                clean.add(part);
            }
        }
        return "/" + String.join("/", clean);
    }

    // ---- steps that change the config and nothing else

    /** Whether an instruction changes the config only. */
    public static boolean isSettings(Instruction one) {
        return !Set.of("RUN", "COPY", "ADD", "WORKDIR").contains(one.word());
    }

    /** Does what an instruction says of the config, and answers with its words for the history. */
    public String settings(Instruction one) throws DockerfileException {
        return switch (one.word()) {
            case "ARG" -> arg(one);
            case "CMD" -> {
                cmd = command(one, one.words(), one.json());
                cmdSet = true;
                yield "CMD " + quoted(cmd);
            }
            case "ENTRYPOINT" -> {
                entrypoint = one.words().isEmpty() ? List.of() : command(one, one.words(), one.json());
                if (!cmdSet) {
                    cmd = List.of();
                }
                yield "ENTRYPOINT " + quoted(entrypoint);
            }
            case "ENV" -> {
                // All values see the variables as they were before.
                Map<String, String> changed = pairs(one);
                changed.forEach(env::put);
                yield told("ENV", changed);
            }
            case "LABEL" -> {
                Map<String, String> changed = pairs(one);
                labels.putAll(changed);
                yield told("LABEL", changed);
            }
            case "EXPOSE" -> expose(one);
            case "HEALTHCHECK" -> healthcheck(one);
            case "MAINTAINER" -> {
                author = one.rest();
                yield "MAINTAINER " + author;
            }
            case "ONBUILD" -> {
                onBuild.add(one.rest());
                yield "ONBUILD " + one.rest();
            }
            case "SHELL" -> {
                shell = one.words();
                yield "SHELL [" + String.join(" ", shell) + "]";
            }
            case "STOPSIGNAL" -> {
                String signal = expand(one, one.rest());
                try {
                    Signal.parse(signal);
                } catch (IllegalArgumentException e) {
                    throw DockerfileException.at(one, "invalid signal: " + signal);
                }
                stopSignal = signal;
                yield "STOPSIGNAL " + signal;
            }
            case "USER" -> {
                user = expand(one, one.rest());
                yield "USER " + user;
            }
            case "VOLUME" -> volume(one);
            default -> throw new IllegalStateException("no settings: " + one.word());
        };
    }

    private List<String> command(Instruction one, List<String> written, boolean json) {
        if (json) {
            return written;
        }
        List<String> all = new ArrayList<>(shell());
        all.addAll(written);
        return all;
    }

    private String arg(Instruction one) throws DockerfileException {
        Stages.declare(one, arguments, words, env);
        StringBuilder told = new StringBuilder("ARG");
        for (String text : one.words()) {
            int equals = text.indexOf('=');
            told.append(' ')
                    .append(
                            equals < 0
                                    ? text
                                    : text.substring(0, equals + 1) + expand(one, text.substring(equals + 1)));
        }
        return told.toString();
    }

    private Map<String, String> pairs(Instruction one) throws DockerfileException {
        Map<String, String> pairs = new LinkedHashMap<>();
        for (int i = 0; i + 1 < one.words().size(); i += 2) {
            String name = expand(one, one.words().get(i));
            if (name.isEmpty()) {
                throw DockerfileException.at(one, one.word() + " names can not be blank");
            }
            pairs.put(name, expand(one, one.words().get(i + 1)));
        }
        if (pairs.size() + env.size() + labels.size() > MANY) {
            throw DockerfileException.at(one, "more than " + MANY + " names are set");
        }
        return pairs;
    }

    private static String told(String word, Map<String, String> pairs) {
        StringBuilder told = new StringBuilder(word);
        pairs.forEach((name, value) -> told.append(' ').append(name).append('=').append(value));
        return told.toString();
    }

    private String expose(Instruction one) throws DockerfileException {
        List<String> written = new ArrayList<>();
        for (String word : one.words()) {
            try {
                written.addAll(words.expandAll(word, Variables.over(env, arguments)));
            } catch (Words.ExpansionException e) {
                throw DockerfileException.at(one, "failed to process " + GoWords.quoted(word) + ": " + e.getMessage());
            }
        }
        written.sort(null);
        for (String port : written) {
            ports.addAll(PortWords.read(one, port));
        }
        return "EXPOSE " + String.join(" ", written);
    }

    private String volume(Instruction one) throws DockerfileException {
        List<String> paths = new ArrayList<>();
        for (String word : one.words()) {
            String path = expand(one, word).strip();
            if (path.isEmpty()) {
                throw DockerfileException.at(one, "VOLUME specified can not be an empty string");
            }
            paths.add(path);
        }
        volumes.addAll(paths);
        return "VOLUME [" + String.join(" ", paths) + "]";
    }

    private String healthcheck(Instruction one) {
        String kind = one.words().get(0);
        Healthcheck check;
        if (kind.equals("NONE")) {
            check = new Healthcheck(List.of("NONE"), Duration.ZERO, Duration.ZERO, Duration.ZERO, Duration.ZERO, 0);
        } else {
            List<String> command = one.words().subList(1, one.words().size());
            List<String> test = new ArrayList<>(List.of(one.json() ? "CMD" : "CMD-SHELL"));
            test.addAll(command);
            check = new Healthcheck(
                    test,
                    span(one, "interval"),
                    span(one, "timeout"),
                    span(one, "start-period"),
                    span(one, "start-interval"),
                    one.flag("retries")
                            .filter(retries -> !retries.isEmpty())
                            .map(Integer::valueOf)
                            .orElse(0));
        }
        // What it does not say stays as it was: Docker commits each step over the image before it.
        healthcheck = Optional.of(healthcheck.map(check::over).orElse(check));
        return "HEALTHCHECK &{" + quoted(check.test()) + " \"" + GoDuration.text(check.interval()) + "\" \""
                + GoDuration.text(check.timeout()) + "\" \"" + GoDuration.text(check.startPeriod()) + "\" \""
                + GoDuration.text(check.startInterval()) + "\" "
                + GoWords.rune(check.retries()) + "}";
    }

    private static Duration span(Instruction one, String flag) {
        return one.flag(flag).flatMap(GoDuration::parse).orElse(Duration.ZERO);
    }

    private static String quoted(List<String> words) {
        List<String> quoted = new ArrayList<>();
        words.forEach(word -> quoted.add(GoWords.quoted(word)));
        return "[" + String.join(" ", quoted) + "]";
    }

    // ---- steps that make layers

    /** Changes the working directory, and answers with it; an absolute one is kept as it is written, as Docker keeps it. */
    public String enter(Instruction one) throws DockerfileException {
        String path = expand(one, one.rest());
        if (path.isEmpty()) {
            throw DockerfileException.at(one, "WORKDIR requires exactly one argument; it became empty");
        }
        workingDir = path.startsWith("/") ? path : absolute(path);
        return workingDir;
    }

    /** What a RUN executes. */
    public List<String> command(Instruction run) throws DockerfileException {
        if (!run.heredocs().isEmpty()) {
            return heredocCommand(run);
        }
        return command(run, run.words(), run.json());
    }

    /** A here-document alone is a script for the shell; with more beside it, it is the shell's own. */
    private List<String> heredocCommand(Instruction run) {
        List<String> all = new ArrayList<>(shell());
        String rest = run.rest();
        if (run.heredocs().size() == 1 && rest.matches("<<-?[\"']?[^\\s\"']+[\"']?")) {
            all.add(run.heredocs().get(0).content());
            return all;
        }
        StringBuilder text = new StringBuilder(rest);
        for (var document : run.heredocs()) {
            text.append('\n').append(document.content()).append(document.name());
        }
        all.add(text.toString());
        return all;
    }

    /** The arguments that a RUN's line of the history tells. */
    public Map<String, String> told() {
        return arguments.told(env.keySet());
    }

    /** A RUN's words for the history. */
    public String toldRun(List<String> command) {
        Map<String, String> told = arguments.told(env.keySet());
        // Proxies that nobody declared are not told, but that there are arguments is.
        if (arguments.seen(env.keySet()).isEmpty()) {
            return String.join(" ", command);
        }
        StringBuilder text = new StringBuilder("|" + told.size());
        told.forEach((name, value) -> text.append(' ').append(name).append('=').append(value));
        return text + " " + String.join(" ", command);
    }

    /** What the history says of settings: the comment of a shell that does nothing. */
    public String toldSettings(String comment) {
        return String.join(" ", shell()) + " #(nop)  " + comment;
    }

    /** The same of what else is done without a process. */
    public String toldFiles(String comment) {
        return String.join(" ", shell()) + " #(nop) " + comment;
    }

    // ---- going on

    /** The key of what comes next. */
    public Digest next(String what) {
        return Digest.sha256(key + "\n" + what);
    }

    /**
     * Notes that a step was done.
     *
     * @param layer the changes it made, with its diff id, or empty where it made none
     */
    public void done(Digest stepKey, String toldAs, String at, Optional<LayerSpec> layer) {
        key = stepKey;
        created = at;
        layer.ifPresent(layers::add);
        history.add(new ImageConfig.History(at, toldAs, author, "", layer.isEmpty()));
    }

    public Optional<LayerId> top() {
        return layers.isEmpty()
                ? Optional.empty()
                : Optional.of(layers.get(layers.size() - 1).id());
    }
}
