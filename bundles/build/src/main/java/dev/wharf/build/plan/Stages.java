package dev.wharf.build.plan;

import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.dockerfile.Words;
import dev.wharf.model.Platform;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * A Dockerfile as a graph: its stages, and which of them the wanted one needs. A stage only ever refers to stages before it, so
 * the graph has no circles; what refers to itself or ahead is refused.
 *
 * @param global the ARGs before the first FROM
 * @param target the stage whose image is wanted
 * @param wanted the target and every stage that it needs, by number
 */
public record Stages(
        Dockerfile dockerfile,
        List<Instruction> global,
        List<Stage> all,
        Stage target,
        Set<Integer> wanted,
        Variables outer) {
    /** What FROM calls no image at all. */
    public static final String SCRATCH = "scratch";

    public Stages {
        global = List.copyOf(global);
        all = List.copyOf(all);
        wanted = new TreeSet<>(wanted);
    }

    /**
     * @param arguments what the client gave
     * @param target the name or number of the wanted stage; empty for the last
     */
    public static Stages of(
            Dockerfile dockerfile, Map<String, String> arguments, String target, Platform platform, Contexts contexts)
            throws DockerfileException {
        Words words = new Words(dockerfile.escape());
        Variables outer = Variables.outermost(arguments, platform, target);
        List<Instruction> global = new ArrayList<>();
        List<Instruction> heads = new ArrayList<>();
        List<List<Instruction>> bodies = new ArrayList<>();
        for (Instruction one : dockerfile.instructions()) {
            if (one.word().equals("FROM")) {
                heads.add(one);
                bodies.add(new ArrayList<>());
            } else if (!heads.isEmpty()) {
                bodies.get(bodies.size() - 1).add(one);
            } else if (one.word().equals("ARG")) {
                global.add(one);
                declare(one, outer, words, Map.of());
            } else {
                throw DockerfileException.at(one, "no build stage in current context");
            }
        }
        if (heads.isEmpty()) {
            throw DockerfileException.of("no build stage in current context: " + dockerfile.name() + " has no FROM");
        }
        List<Stage> all = new ArrayList<>();
        List<String> names = new ArrayList<>();
        for (Instruction head : heads) {
            names.add(name(head));
        }
        for (int i = 0; i < heads.size(); i++) {
            boolean replaced = contexts.has(names.get(i));
            all.add(stage(
                    all, heads.get(i), replaced ? List.of() : bodies.get(i), names, outer, words, contexts, replaced));
        }
        Stage wanted = target(all, target);
        Set<Integer> needed = new TreeSet<>();
        need(all, wanted.index(), needed);
        return new Stages(dockerfile, global, all, wanted, needed, outer);
    }

    static void declare(Instruction arg, Variables variables, Words words, Map<String, String> environment)
            throws DockerfileException {
        for (String one : arg.words()) {
            int equals = one.indexOf('=');
            String name = equals < 0 ? one : one.substring(0, equals);
            if (name.isEmpty()) {
                throw DockerfileException.at(arg, "ARG names can not be blank");
            }
            Optional<String> value = equals < 0
                    ? Optional.empty()
                    : Optional.of(expand(arg, one.substring(equals + 1), words, environment, variables));
            variables.declare(name, value);
        }
    }

    static String expand(Instruction at, String text, Words words, Map<String, String> environment, Variables variables)
            throws DockerfileException {
        try {
            return words.expand(text, Variables.over(environment, variables));
        } catch (Words.ExpansionException e) {
            throw DockerfileException.at(
                    at, "failed to process " + GoWords.quoted(shortened(text)) + ": " + e.getMessage());
        }
    }

    static String shortened(String text) {
        return text.length() > 200 ? text.substring(0, 200) + "..." : text;
    }

    private static String name(Instruction head) throws DockerfileException {
        if (head.words().size() < 3) {
            return "";
        }
        String name = head.words().get(2).toLowerCase(Locale.ROOT);
        if (!name.matches("[a-z][a-z0-9-_.]*")) {
            throw DockerfileException.at(
                    head,
                    "invalid name for build stage: \"" + head.words().get(2)
                            + "\", name can't start with a number or contain symbols");
        }
        return name;
    }

    private static Stage stage(
            List<Stage> before,
            Instruction head,
            List<Instruction> body,
            List<String> names,
            Variables outer,
            Words words,
            Contexts contexts,
            boolean replaced)
            throws DockerfileException {
        int index = before.size();
        String written = head.words().get(0);
        // A context goes before the stage whose name it has.
        String base = replaced ? names.get(index) : expand(head, written, words, Map.of(), outer);
        if (base.isEmpty()) {
            throw DockerfileException.at(head, "base name (" + written + ") should not be blank");
        }
        String platform = head.flag("platform").isPresent()
                ? expand(head, head.flag("platform").orElse(""), words, Map.of(), outer)
                : "";
        Optional<Integer> baseStage = earlier(names, index, base);
        if (baseStage.isEmpty() && names.get(index).equals(base.toLowerCase(Locale.ROOT)) && !base.contains("/")) {
            // FROM x AS x takes an image called x, as Docker does.
            baseStage = Optional.empty();
        }
        List<Instruction> own = body;
        if (baseStage.isEmpty() && contexts.isFolder(base)) {
            own = new ArrayList<>(List.of(Dockerfile.trigger("COPY --from=" + base + " . /")));
            own.addAll(body);
            base = SCRATCH;
        }
        Set<Integer> needs = new LinkedHashSet<>();
        baseStage.ifPresent(needs::add);
        List<Instruction> steps = new ArrayList<>(own);
        if (baseStage.isPresent()) {
            // Its triggers fire here, and may take from stages that nothing else takes from.
            for (Instruction one : before.get(baseStage.get()).body()) {
                if (one.word().equals("ONBUILD")) {
                    steps.add(Dockerfile.trigger(one.rest()));
                }
            }
        }
        for (Instruction one : steps) {
            for (String from : sources(one)) {
                if (!contexts.isFolder(from)) {
                    stageOf(one, from, names, index).ifPresent(needs::add);
                }
            }
        }
        return new Stage(index, names.get(index), head, base, baseStage, platform, own, needs);
    }

    /** What other stages or images an instruction takes from. */
    static List<String> sources(Instruction one) {
        List<String> from = new ArrayList<>();
        if (one.word().equals("COPY")) {
            one.flag("from").ifPresent(from::add);
        }
        for (String mount : one.flags("mount")) {
            Optional.ofNullable(MountWords.of(mount).get("from")).ifPresent(from::add);
        }
        return from;
    }

    /** The stage that {@code --from} means; empty where it means an image. */
    public static Optional<Integer> stageOf(Instruction one, String from, List<String> names, int index)
            throws DockerfileException {
        if (from.matches("[0-9]{1,6}")) {
            int number = Integer.parseInt(from);
            if (number == index) {
                throw DockerfileException.at(
                        one, "invalid from flag value " + from + ": refers to current build block");
            }
            if (number > index) {
                throw DockerfileException.at(
                        one, "invalid from flag value " + from + ": there is no such stage before this one");
            }
            return Optional.of(number);
        }
        Optional<Integer> stage = earlier(names, index, from);
        if (stage.isPresent()) {
            return stage;
        }
        int ahead = names.subList(index, names.size()).indexOf(from.toLowerCase(Locale.ROOT));
        if (ahead == 0) {
            throw DockerfileException.at(one, "invalid from flag value " + from + ": refers to current build block");
        }
        if (ahead > 0) {
            throw DockerfileException.at(
                    one, "circular dependency detected on stage: " + from + " comes after the stage that needs it");
        }
        return Optional.empty();
    }

    /** The last stage of that name before {@code index}. */
    private static Optional<Integer> earlier(List<String> names, int index, String name) {
        int found = names.subList(0, index).lastIndexOf(name.toLowerCase(Locale.ROOT));
        return found < 0 || name.isEmpty() ? Optional.empty() : Optional.of(found);
    }

    public List<String> names() {
        return all.stream().map(Stage::name).toList();
    }

    private static Stage target(List<Stage> all, String target) throws DockerfileException {
        if (target.isEmpty()) {
            return all.get(all.size() - 1);
        }
        for (int i = all.size() - 1; i >= 0; i--) {
            if (all.get(i).name().equals(target.toLowerCase(Locale.ROOT))) {
                return all.get(i);
            }
        }
        if (target.matches("[0-9]{1,6}") && Integer.parseInt(target) < all.size()) {
            return all.get(Integer.parseInt(target));
        }
        throw DockerfileException.of("target stage " + GoWords.quoted(target) + " could not be found");
    }

    private static void need(List<Stage> all, int index, Set<Integer> needed) {
        Deque<Integer> ahead = new ArrayDeque<>(List.of(index));
        while (!ahead.isEmpty()) {
            int next = ahead.pop();
            if (needed.add(next)) {
                ahead.addAll(all.get(next).needs());
            }
        }
    }
}
