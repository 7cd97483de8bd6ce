package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.Copying;
import dev.wharf.build.context.Sources;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.dockerfile.Suggestion;
import dev.wharf.build.plan.Draft;
import dev.wharf.build.plan.MountWords;
import dev.wharf.build.plan.Stages;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.FileCalls;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A RUN: a container of this engine that runs to its end, and what it changed. */
final class RunStep {
    /** What a mount says that its secret is to be a variable by. */
    private static final String ENV = "env";

    /** What a step's shell reads such secrets from. */
    private static final String VARIABLES = "/run/secrets/.variables";

    private static final Pattern SIZE = Pattern.compile("([0-9]{1,15})([kmgKMG]?)(?:i?[bB])?");

    private static final AtomicInteger SOCKETS = new AtomicInteger();

    private final StageRun run;
    private final Instruction one;
    private final Draft draft;
    private final List<Job.Bind> binds = new ArrayList<>();
    private final Map<String, String> tmpfs = new LinkedHashMap<>();
    private final List<String> targets = new ArrayList<>();
    private final List<String> env = new ArrayList<>();
    private final ByteArrayOutputStream variables = new ByteArrayOutputStream();
    private final List<Path> lent = new ArrayList<>();
    private final List<Relay> relays = new ArrayList<>();

    RunStep(StageRun run, Instruction one) {
        this.run = run;
        this.one = one;
        this.draft = run.draft();
    }

    void run() throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        List<String> command = draft.command(one);
        String network = network();
        List<Asked> mounts = mounts();
        StringBuilder what = new StringBuilder(draft.toldRun(command));
        what.append("\nnetwork ").append(network);
        if (run.byBuildkit() && !draft.config().volumes().isEmpty()) {
            what.append("\nno volumes");
        }
        Map<String, String> inputs = new LinkedHashMap<>();
        inputs.put("command", Digest.sha256(command.toString()).toString());
        draft.told()
                .forEach((name, value) -> inputs.put(
                        "build-arg " + name, Digest.sha256(value).hex().substring(0, 16)));
        for (Asked mount : mounts) {
            String part = keyOf(mount);
            what.append("\nmount ").append(part);
            inputs.put(
                    "mount " + mount.word("target", mount.type()),
                    Digest.sha256(part).toString());
        }
        Digest key = draft.next(what.toString());
        run.layered(key, draft.toldRun(command), inputs, () -> execute(command, network, mounts));
    }

    private String network() throws DockerfileException {
        String asked = one.flag("network").orElse("default");
        if (!Set.of("default", "none", "host").contains(asked)) {
            throw DockerfileException.at(one, "invalid network mode \"" + asked + "\"; it is default, none or host");
        }
        if (one.flag("security").filter(s -> !s.equals("sandbox")).isPresent()) {
            throw DockerfileException.at(one, "RUN --security=insecure is not granted here");
        }
        if (!asked.equals("default")) {
            return asked;
        }
        // The classic builder takes a step from the cache whatever network it had.
        return run.byBuildkit() ? run.shared().order().network() : "";
    }

    private Optional<LayerSpec> execute(List<String> command, String network, List<Asked> mounts)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        try (CacheMounts caches = new CacheMounts(run.shared().site().caches())) {
            // In the order of their names, so that no two steps wait for each other.
            for (String id : new TreeSet<>(mounts.stream()
                    .filter(m -> m.type().equals("cache") && sharing(m).equals("locked"))
                    .map(RunStep::cacheId)
                    .toList())) {
                caches.alone(id);
            }
            for (Asked mount : mounts) {
                prepare(mount, caches);
            }
            return withImages(mounts, 0, () -> inContainer(command, network));
        } finally {
            takeBack();
        }
    }

    private Optional<LayerSpec> inContainer(List<String> command, String network)
            throws BuildException, DriverException, IOException, InterruptedException {
        Job plain = run.job(reading(command));
        List<String> seen = new ArrayList<>(plain.env());
        seen.addAll(env);
        Job job = new Job(
                plain.id(),
                plain.image(),
                plain.command(),
                seen,
                plain.labels(),
                plain.user(),
                plain.workingDir(),
                plain.volumes(),
                binds,
                tmpfs,
                network.isEmpty() ? Optional.empty() : Optional.of(network));
        Hands hands = run.shared().hands();
        Optional<LayerId> top = draft.top();
        Order.Keeping keeping = run.shared().order().keeping();
        boolean keeps = false;
        hands.create(job);
        try {
            List<Bare> bare = missing(job);
            run.voice().say(" ---> Running in " + job.id().shortForm() + "\n");
            int code = hands.run(job.id(), run::said);
            keeps = code == 0 ? keeping.done() : keeping.failed();
            if (code != 0) {
                throw BuildException.ended(command, code);
            }
            tidy(job, bare);
            return hands.layer(job.id(), top, run.epoch(), true, keeps ? Long.MAX_VALUE : Hands.WORTH_WAITING);
        } finally {
            if (keeps) {
                hands.leave(job.id());
            } else {
                hands.dismiss(job.id());
                run.voice()
                        .say(" ---> Removed intermediate container " + job.id().shortForm() + "\n");
            }
        }
    }

    // ---- mounts

    private List<Asked> mounts() throws DockerfileException {
        List<Asked> mounts = new ArrayList<>();
        for (String flag : one.flags("mount")) {
            Map<String, String> words = new HashMap<>();
            for (Map.Entry<String, String> word : MountWords.of(flag).entrySet()) {
                words.put(word.getKey(), draft.expand(one, word.getValue()));
            }
            for (String key : words.keySet()) {
                if (!MountWords.ALL.contains(key)) {
                    throw DockerfileException.at(
                            one,
                            "unexpected key '" + key + "' in --mount=" + flag + Suggestion.of(key, MountWords.ALL));
                }
            }
            String type = words.getOrDefault("type", "bind");
            if (!Set.of("bind", "cache", "tmpfs", "secret", "ssh").contains(type)) {
                throw DockerfileException.at(one, "unsupported mount type \"" + type + "\"");
            }
            if (Set.of("bind", "cache", "tmpfs").contains(type)) {
                String target = draft.absolute(words.getOrDefault("target", "/"));
                if (!words.containsKey("target")) {
                    throw DockerfileException.at(one, "target is required for mount type \"" + type + "\"");
                }
                if (target.equals("/")) {
                    throw DockerfileException.at(one, "invalid mount target \"/\"");
                }
                words.put("target", target);
            }
            mounts.add(new Asked(type, words));
        }
        return mounts;
    }

    /** One {@code --mount}. */
    private record Asked(String type, Map<String, String> words) {
        String word(String name, String byDefault) {
            return words.getOrDefault(name, byDefault);
        }

        boolean has(String name) {
            return words.containsKey(name);
        }

        String target() {
            return word("target", "");
        }
    }

    /** What of a mount counts for the cache: what is read from it, but neither what a cache holds nor any secret. */
    private String keyOf(Asked mount) throws BuildException, DockerfileException, IOException, InterruptedException {
        String type = mount.type();
        StringBuilder key = new StringBuilder(type + " " + mount.word("target", ""));
        if (mount.has(ENV)) {
            key.append(" as ").append(mount.word(ENV, ""));
        }
        if (type.equals("bind")) {
            Optional<String> from = Optional.of(mount.word("from", "")).filter(f -> !f.isEmpty());
            key.append(' ').append(mount.word("source", "/"));
            Optional<Sources> folder = folder(mount);
            if (folder.isPresent()) {
                for (Sources.Source source : folder.get().find(source(mount), false)) {
                    key.append(' ').append(folder.get().digests(source, dev.wharf.build.context.Patterns.NONE, false));
                }
            } else {
                key.append(' ').append(imageOf(from.get()).value());
            }
        }
        return key.toString();
    }

    /** The client's folder that a bind is from; empty where it is from an image. */
    private Optional<Sources> folder(Asked mount) {
        return mount.has("from")
                ? run.folder(mount.word("from", ""))
                : Optional.of(run.shared().context());
    }

    /** The path as it is, and no pattern. */
    private static String source(Asked mount) {
        return mount.word("source", "/").replaceAll("([*?\\[\\\\])", "\\\\$1");
    }

    private ImageId imageOf(String from) throws BuildException, DockerfileException, InterruptedException {
        Optional<Integer> stage = Stages.stageOf(
                one, from, run.shared().stages().names(), run.stage().index());
        if (stage.isPresent()) {
            return run.shared()
                    .others()
                    .stage(stage.get())
                    .holder()
                    .orElseThrow(() -> new BuildException("stage " + from + " holds no files"));
        }
        return run.image(from, run.shared().order().platform(), false).id();
    }

    private static String sharing(Asked mount) {
        return mount.word("sharing", "shared");
    }

    private static String cacheId(Asked mount) {
        return mount.word("id", mount.target());
    }

    private void prepare(Asked mount, CacheMounts caches)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        String target = mount.word("target", "");
        switch (mount.type()) {
            case "tmpfs" -> {
                tmpfs.put(target, mount.has("size") ? "size=" + size(mount.word("size", "")) : "");
                targets.add(target);
            }
            case "cache" -> {
                binds.add(new Job.Bind(cache(mount, caches), target, isReadOnly(mount)));
                targets.add(target);
            }
            case "bind" -> {
                targets.add(target);
                Optional<Sources> folder = folder(mount);
                if (folder.isPresent()) {
                    Sources.Source source =
                            folder.get().find(source(mount), false).get(0);
                    binds.add(new Job.Bind(
                            bound(folder.get().root().resolve(source.path()), mount), target, !isWritable(mount)));
                }
            }
            case "secret" -> secret(mount);
            default -> agent(mount);
        }
    }

    /** As docker writes sizes, and as tmpfs(5) reads them. */
    private String size(String text) throws DockerfileException {
        Matcher size = SIZE.matcher(text);
        if (!size.matches()) {
            throw DockerfileException.at(one, "invalid size of a tmpfs mount: \"" + text + "\"; write it as 64m or 1g");
        }
        return size.group(1) + size.group(2).toLowerCase(Locale.ROOT);
    }

    /** A file in memory that only this step's container sees, for as long as it runs. */
    private void secret(Asked mount) throws BuildException, DockerfileException, DriverException, IOException {
        String target = mount.target();
        String id = mount.word("id", target.substring(target.lastIndexOf('/') + 1));
        Optional<byte[]> secret = run.shared().site().offers().secret(id);
        if (secret.isEmpty()) {
            notOffered(mount, id, "--secret id=" + id + ",src=FILE");
            return;
        }
        if (mount.has(ENV)) {
            variable(mount.word(ENV, ""), secret.get());
        }
        if (mount.has(ENV) && target.isEmpty()) {
            return;
        }
        Path file = Files.createTempFile(run.shared().site().memory(), "", "");
        lent.add(file);
        Files.write(file, secret.get());
        dress(file, mount, "0400");
        String at = draft.absolute(target.isEmpty() ? "/run/secrets/" + id : target);
        binds.add(new Job.Bind(file, at, true));
        targets.add(at);
    }

    /** A secret that a shell reads into a variable before the step, since variables of containers are written down. */
    private void variable(String name, byte[] secret) throws DockerfileException {
        if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
            throw DockerfileException.at(one, "invalid name of a variable for a secret: \"" + name + "\"");
        }
        variables.writeBytes(("export " + name + "='").getBytes(StandardCharsets.UTF_8));
        for (byte letter : secret) {
            if (letter == '\'') {
                variables.writeBytes("'\\''".getBytes(StandardCharsets.UTF_8));
            } else {
                variables.write(letter);
            }
        }
        variables.writeBytes("'\n".getBytes(StandardCharsets.UTF_8));
    }

    /** The command, after a shell has read what is lent as variables: its own, or the image's where it has none. */
    private List<String> reading(List<String> command) throws DriverException, IOException {
        if (variables.size() == 0) {
            return command;
        }
        Path file = Files.createTempFile(run.shared().site().memory(), "", "");
        lent.add(file);
        Files.write(file, variables.toByteArray());
        run.shared().site().agent().streams().files().chmod(file, 0444);
        binds.add(new Job.Bind(file, VARIABLES, true));
        targets.add(VARIABLES);
        if (one.json()) {
            List<String> all = new ArrayList<>(draft.shell());
            all.addAll(List.of(". " + VARIABLES + "; exec \"$@\"", "sh"));
            all.addAll(command);
            return all;
        }
        List<String> all = new ArrayList<>(command);
        all.set(all.size() - 1, ". " + VARIABLES + "; " + all.get(all.size() - 1));
        return all;
    }

    private void agent(Asked mount) throws BuildException, DockerfileException, DriverException, IOException {
        String id = mount.word("id", "default");
        Optional<Offers.Agent> agent = run.shared().site().offers().agent(id);
        if (agent.isEmpty()) {
            notOffered(mount, id, "--ssh " + id);
            return;
        }
        // Paths of sockets have to be short (unix(7)).
        Path socket = run.shared().site().memory().resolve("s" + SOCKETS.incrementAndGet());
        lent.add(socket);
        relays.add(new Relay(agent.get(), socket));
        dress(socket, mount, "0600");
        String at = draft.absolute(mount.word("target", "/run/buildkit/ssh_agent." + (relays.size() - 1)));
        binds.add(new Job.Bind(socket, at, false));
        targets.add(at);
        if (relays.size() == 1) {
            env.add("SSH_AUTH_SOCK=" + at);
        }
    }

    /** A step that can do without goes on. */
    private void notOffered(Asked mount, String id, String flag) throws DockerfileException {
        if (mount.word("required", "false").equals("true")) {
            String help = run.byBuildkit()
                    ? "; lend it with " + flag
                    : ": the classic build API carries no "
                            + (mount.type().equals("secret") ? "secrets" : "ssh agent") + "; lend it with wharf build "
                            + flag;
            throw DockerfileException.at(one, mount.type() + " " + id + ": not found" + help);
        }
    }

    /** What was lent is gone when the step is over, however it ended. */
    private void takeBack() throws IOException {
        for (Relay relay : relays) {
            relay.close();
        }
        for (Path file : lent) {
            Files.deleteIfExists(file);
        }
    }

    private static boolean isReadOnly(Asked mount) {
        return mount.word("readonly", "false").equals("true");
    }

    private static boolean isWritable(Asked mount) {
        return mount.word("readwrite", "false").equals("true");
    }

    /** What may be written to is a copy, because a bind's changes are thrown away. */
    private Path bound(Path source, Asked mount) throws DriverException, IOException {
        if (!isWritable(mount)) {
            return source;
        }
        FileCalls files = run.shared().site().agent().streams().files();
        Path copies = Files.createDirectories(run.shared().site().folder().resolve("copies"));
        Path copy = Files.createTempDirectory(copies, "");
        if (Files.isDirectory(source)) {
            files.copyTree(source, copy);
            return copy;
        }
        return Files.copy(source, copy.resolve("file"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    }

    /** A folder that outlives the build, by its id; one that is new begins as what it is said to be from, or empty. */
    private Path cache(Asked mount, CacheMounts caches)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        String id = cacheId(mount);
        Path folder = switch (sharing(mount)) {
            case "shared" -> caches.share(id);
            case "private" -> caches.own(id);
            case "locked" -> caches.alone(id);
            default -> throw DockerfileException.at(one, "unsupported sharing value \"" + sharing(mount) + "\"");
        };
        if (Files.exists(folder)) {
            return folder;
        }
        Files.createDirectories(folder);
        if (mount.has("from")) {
            FileCalls files = run.shared().site().agent().streams().files();
            new FileStep(run, one).visit(imageOf(mount.word("from", "")), root -> {
                files.copyTree(files.resolveInRoot(root, mount.word("source", "/")), folder);
                return root;
            });
        }
        dress(folder, mount, "0755");
        return folder;
    }

    private void dress(Path path, Asked mount, String mode) throws DockerfileException, DriverException, IOException {
        FileCalls files = run.shared().site().agent().streams().files();
        try {
            files.chown(path, Long.parseLong(mount.word("uid", "0")), Long.parseLong(mount.word("gid", "0")));
            files.chmod(path, Integer.parseInt(mount.word("mode", mode), 8));
        } catch (NumberFormatException e) {
            throw DockerfileException.at(
                    one, "uid, gid and mode of a " + mount.type() + " mount are numbers: " + e.getMessage());
        }
    }

    private interface Work {
        Optional<LayerSpec> make()
                throws BuildException, DockerfileException, DriverException, IOException, InterruptedException;
    }

    /** Binds from other images hold while those are mounted, so they are entered one inside the other. */
    private Optional<LayerSpec> withImages(List<Asked> mounts, int next, Work work)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        int at = next;
        while (at < mounts.size()
                && !(mounts.get(at).type().equals("bind")
                        && folder(mounts.get(at)).isEmpty())) {
            at++;
        }
        if (at == mounts.size()) {
            return work.make();
        }
        Asked mount = mounts.get(at);
        int after = at + 1;
        List<LayerSpec> made = new ArrayList<>();
        new FileStep(run, one).visit(imageOf(mount.word("from", "")), root -> {
            String inside = mount.word("source", "/");
            Path source = run.shared().site().agent().streams().files().resolveInRoot(root, inside);
            if (!Files.exists(source)) {
                throw new ContextException("mount source " + inside + " is not in " + mount.word("from", ""));
            }
            binds.add(new Job.Bind(bound(source, mount), mount.target(), !isWritable(mount)));
            withImages(mounts, after, work).ifPresent(made::add);
            return root;
        });
        return made.stream().findFirst();
    }

    // ---- mount points, which are no part of the image

    /** A mount point that the image has not; {@code top} is the first directory that must be made for it. */
    private record Bare(String target, String top) {}

    /** Mount points that the image has not. */
    private List<Bare> missing(Job job) throws DriverException, IOException {
        if (targets.isEmpty() && job.volumes().isEmpty()) {
            return List.of();
        }
        return run.shared().site().agent().streams().rootfs(job.id(), rootfs -> {
            List<Bare> bare = new ArrayList<>();
            try (Dir root = run.shared().site().tree().open(rootfs)) {
                // Where a volume belongs stays a directory of the image.
                for (String volume : job.volumes()) {
                    FileStep.makeDirectory(root, volume, Copying.ROOT);
                }
                for (String target : targets) {
                    StringBuilder way = new StringBuilder();
                    for (String part : target.substring(1).split("/")) {
                        way.append('/').append(part);
                        if (!isThere(root, way.toString())) {
                            bare.add(new Bare(target, way.toString()));
                            break;
                        }
                    }
                }
            }
            return bare;
        });
    }

    private static boolean isThere(Dir root, String path) throws IOException {
        int slash = path.lastIndexOf('/');
        try (Dir parent = root.resolve(slash == 0 ? "." : path.substring(0, slash))) {
            return parent.look(path.substring(slash + 1)).isPresent();
        } catch (java.nio.file.FileSystemException e) {
            return false;
        }
    }

    /** Takes away what is left of mount points that were made for this step, as far as nothing was put beside them. */
    private void tidy(Job job, List<Bare> bare) throws DriverException, IOException {
        if (bare.isEmpty()) {
            return;
        }
        run.shared().site().agent().streams().rootfs(job.id(), rootfs -> {
            try (Dir root = run.shared().site().tree().open(rootfs)) {
                for (Bare one : bare) {
                    removeEmpty(root, one);
                }
            }
            return job;
        });
    }

    private static void removeEmpty(Dir root, Bare bare) throws IOException {
        for (String at = bare.target(); at.length() >= bare.top().length(); at = at.substring(0, at.lastIndexOf('/'))) {
            int slash = at.lastIndexOf('/');
            String name = at.substring(slash + 1);
            try (Dir parent = root.resolve(slash == 0 ? "." : at.substring(0, slash))) {
                Optional<Node> node = parent.look(name);
                boolean empty =
                        node.filter(n -> n.isRegular() && n.sizeBytes() == 0).isPresent();
                if (node.filter(Node::isDirectory).isPresent()) {
                    try (Dir dir = parent.enter(name)) {
                        empty = dir.names().isEmpty();
                    }
                }
                if (!empty) {
                    return;
                }
                Node before = parent.look(".").orElseThrow();
                parent.remove(name);
                parent.setTimes(".", before.modifiedSeconds(), before.modifiedNanos());
            } catch (java.nio.file.FileSystemException e) {
                // The step itself took it away.
                return;
            }
        }
    }
}
