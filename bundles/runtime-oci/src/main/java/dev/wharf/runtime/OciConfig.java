package dev.wharf.runtime;

import static dev.wharf.spi.DriverException.failure;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Command;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ContainerSpec.Security;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Resources;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.runtime.RuntimeSpec.BoundMount;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes OCI configurations: config.json for a container, process.json for an exec (OCI runtime spec 1.0). What this host
 * cannot give is given as far as it goes, and said so in the log.
 */
final class OciConfig {
    /** Groups that whatever runs in the container gets, by name or number: a note to ourselves, which runtimes pass over. */
    private static final String ADDED_GROUPS = "dev.wharf.added-groups";

    private static final Logger LOG = LoggerFactory.getLogger(OciConfig.class);

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String VERSION = "1.0.2";
    private static final String PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final int ACCOUNTS_LIMIT = 1 << 20;
    private static final long USUAL_SHM_BYTES = 64L << 20;
    private static final long CPU_PERIOD_MICROS = 100_000;
    private static final long NANOS_PER_CPU = 1_000_000_000;
    private static final String INIT_INSIDE = "/sbin/docker-init";

    /** The cgroup that ours are in, at the root or in a slice of systemd. */
    private static final String CGROUP_PARENT = "wharf";

    private static final String SLICE = ".slice";

    private final FileCalls files;
    private final Places places;
    private final Abilities abilities;
    private final Cgroups cgroups;
    private final Seccomp seccomp;
    private final DeviceNodes devices;
    private final boolean apparmor;

    OciConfig(FileCalls files, Places places, Abilities abilities, Cgroups cgroups, Seccomp seccomp) {
        this.files = files;
        this.places = places;
        this.abilities = abilities;
        this.cgroups = cgroups;
        this.seccomp = seccomp;
        this.devices = new DeviceNodes(files);
        this.apparmor = Files.exists(Path.of("/sys/kernel/security/apparmor"));
    }

    /**
     * The path of a container's cgroup below the root of each hierarchy. Dots in a parent never lead out of it: crun makes
     * directories and files wherever it is sent.
     */
    static String cgroup(ContainerSpec spec, ContainerId container) {
        return parent(spec.resources().cgroupParent())
                .resolve(container.value())
                .toString();
    }

    /**
     * Who is in a slice of systemd has one of ours around it there, as at the root: systemd takes controllers from whatever lies in
     * what is its own when no unit needs them, and with them the limits of a container. What is below, it cannot.
     */
    private static Path parent(String wanted) {
        Path named = Path.of("/", wanted).normalize();
        if (!wanted.isEmpty() && !wanted.endsWith(SLICE)) {
            return named;
        }
        return (wanted.contains("/") ? named : slice(wanted)).resolve(CGROUP_PARENT);
    }

    /** A slice lies in those that the beginnings of its name name: a-b.slice in a.slice (systemd.slice(5)). */
    private static Path slice(String name) {
        Path path = Path.of("/");
        for (int dash = name.indexOf('-', 1); dash > 0; dash = name.indexOf('-', dash + 1)) {
            path = path.resolve(name.substring(0, dash) + SLICE);
        }
        return name.equals("-" + SLICE) ? path : path.resolve(name);
    }

    /** The same for a container of which nothing else is known. */
    static String usualCgroup(ContainerId container) {
        return parent("").resolve(container.value()).toString();
    }

    /** The config.json of a container. Makes the working directory where the image has none. */
    ObjectNode container(RuntimeSpec spec, BooleanSupplier readOnlyBelow) throws DriverException, IOException {
        ContainerSpec wanted = spec.spec();
        ObjectNode config = JSON.createObjectNode();
        config.put("ociVersion", VERSION);
        config.set("process", process(spec));
        config.putObject("root")
                .put("path", spec.rootfs().toString())
                .put("readonly", wanted.security().readOnlyRootfs());
        if (ownsUts(spec)) {
            if (!wanted.hostname().isEmpty()) {
                config.put("hostname", wanted.hostname());
            }
        }
        config.set("mounts", mounts(spec, readOnlyBelow));
        ObjectNode annotations = config.putObject("annotations");
        wanted.annotations().forEach((name, value) -> {
            // crun takes orders in these, such as files to write into; they are for us to give.
            if (!name.startsWith("run.oci.")) {
                annotations.put(name, value);
            }
        });
        config.set("linux", linux(spec));
        return config;
    }

    private static boolean ownsUts(RuntimeSpec spec) {
        Namespace.Kind kind = spec.spec().namespaces().uts().kind();
        return kind == Namespace.Kind.PRIVATE && !spec.joined().containsKey("uts");
    }

    // --- process ---

    private ObjectNode process(RuntimeSpec spec) throws DriverException, IOException {
        ContainerSpec wanted = spec.spec();
        Command command = wanted.command();
        List<String> arguments = new ArrayList<>(command.arguments());
        if (arguments.isEmpty()) {
            throw failure(Kind.INVALID, "no command specified");
        }
        if (beginsWithInit(wanted)) {
            arguments.addAll(0, List.of(INIT_INSIDE, "--"));
        }
        Users.Identity who = users(spec.rootfs()).resolve(command.user(), command.additionalGroups());
        String directory = command.workingDir().isEmpty() ? "/" : command.workingDir();
        makeDirectory(spec.rootfs(), directory);

        ObjectNode process =
                JSON.createObjectNode().put("terminal", wanted.stdio().tty());
        if (wanted.stdio().tty() && wanted.stdio().rows() > 0) {
            process.putObject("consoleSize")
                    .put("height", wanted.stdio().rows())
                    .put("width", wanted.stdio().columns());
        }
        ObjectNode user = user(who);
        if (!command.additionalGroups().isEmpty()) {
            command.additionalGroups().forEach(user.putArray(ADDED_GROUPS)::add);
        }
        process.set("user", user);
        arguments.forEach(process.putArray("args")::add);
        environment(wanted.hostname(), wanted.stdio().tty(), command.env(), who.home())
                .forEach(process.putArray("env")::add);
        process.put("cwd", directory);
        Security security = wanted.security();
        process.set("capabilities", capabilities(security.privileged(), security.capabilities()));
        ArrayNode limits = process.putArray("rlimits");
        for (Resources.Ulimit limit : wanted.resources().ulimits()) {
            limits.add(limit(limit));
        }
        process.put("noNewPrivileges", security.noNewPrivileges());
        if (apparmor && !security.apparmor().isEmpty() && !security.apparmor().equals("unconfined")) {
            process.put("apparmorProfile", security.apparmor());
        }
        process.put("oomScoreAdj", wanted.resources().oomScoreAdj());
        return process;
    }

    /**
     * The process.json of an exec in a container with this config.json: as the container's own process, but for what the
     * specification says otherwise.
     */
    byte[] exec(byte[] config, ExecSpec spec) throws DriverException, IOException {
        JsonNode container = head(config);
        JsonNode init = container.path("process");
        if (spec.arguments().isEmpty()) {
            throw failure(Kind.INVALID, "no exec command specified");
        }
        if (!spec.workingDir().isEmpty() && !spec.workingDir().startsWith("/")) {
            throw failure(Kind.INVALID, "OCI runtime exec failed: exec failed: Cwd must be an absolute path: unknown");
        }
        ObjectNode process = JSON.createObjectNode().put("terminal", spec.tty());
        if (spec.tty() && spec.rows() > 0) {
            process.putObject("consoleSize").put("height", spec.rows()).put("width", spec.columns());
        }
        String home = "";
        if (spec.user().isEmpty()) {
            process.set("user", init.path("user"));
        } else {
            Users users = users(Path.of(container.path("root").path("path").asText("/")));
            List<String> added = new ArrayList<>();
            init.path("user").path(ADDED_GROUPS).forEach(group -> added.add(group.asText()));
            Users.Identity who = users.resolve(spec.user(), added);
            process.set("user", user(who));
            home = who.home();
        }
        spec.arguments().forEach(process.putArray("args")::add);
        process.set("env", execEnvironment(init.path("env"), spec, home));
        process.put("cwd", spec.workingDir().isEmpty() ? init.path("cwd").asText("/") : spec.workingDir());
        List<String> bounding = new ArrayList<>();
        init.path("capabilities").path("bounding").forEach(name -> bounding.add(name.asText()));
        process.set("capabilities", capabilities(spec.privileged(), bounding));
        if (init.has("rlimits")) {
            process.set("rlimits", init.path("rlimits"));
        }
        process.put(
                "noNewPrivileges",
                !spec.privileged() && init.path("noNewPrivileges").asBoolean());
        if (init.has("apparmorProfile") && !spec.privileged()) {
            process.set("apparmorProfile", init.path("apparmorProfile"));
        }
        if (init.has("oomScoreAdj")) {
            process.set("oomScoreAdj", init.path("oomScoreAdj"));
        }
        return JSON.writeValueAsBytes(process);
    }

    /** What an exec takes from its container. What comes behind it, a long seccomp profile above all, is not even read. */
    private static JsonNode head(byte[] config) throws IOException {
        ObjectNode head = JSON.createObjectNode();
        try (JsonParser parser = JSON.createParser(config)) {
            parser.nextToken();
            while (head.size() < 2 && parser.nextToken() == JsonToken.FIELD_NAME) {
                String name = parser.currentName();
                parser.nextToken();
                if (name.equals("process") || name.equals("root")) {
                    head.set(name, parser.<JsonNode>readValueAsTree());
                } else {
                    parser.skipChildren();
                }
            }
        }
        return head;
    }

    private static ArrayNode execEnvironment(JsonNode inherited, ExecSpec spec, String home) {
        List<String> all = new ArrayList<>();
        for (JsonNode variable : inherited) {
            String text = variable.asText();
            boolean another = text.startsWith("TERM=") || (text.startsWith("HOME=") && !home.isEmpty());
            if (!another) {
                all.add(text);
            }
        }
        if (!home.isEmpty()) {
            all.add("HOME=" + home);
        }
        if (spec.tty()) {
            all.add("TERM=xterm");
        }
        all.addAll(spec.env());
        ArrayNode array = JSON.createArrayNode();
        lastOfEach(all).forEach(array::add);
        return array;
    }

    private Users users(Path rootfs) throws IOException {
        return Users.of(readInside(rootfs, "/etc/passwd"), readInside(rootfs, "/etc/group"));
    }

    private String readInside(Path rootfs, String file) throws IOException {
        try {
            return new String(files.readInRoot(rootfs, file, ACCOUNTS_LIMIT), StandardCharsets.UTF_8);
        } catch (NoSuchFileException e) {
            return "";
        }
    }

    /**
     * The primary group stands among the others, too, as Docker has it since CVE-2022-36109: a process that changes its group by
     * a setgid program would otherwise be rid of it, and of what is forbidden to that group.
     */
    private static ObjectNode user(Users.Identity who) {
        ObjectNode user = JSON.createObjectNode().put("uid", who.uid()).put("gid", who.gid());
        Set<Long> all = new LinkedHashSet<>();
        all.add(who.gid());
        all.addAll(who.groups());
        ArrayNode groups = user.putArray("additionalGids");
        all.forEach(groups::add);
        return user;
    }

    private static Collection<String> environment(String hostname, boolean tty, List<String> own, String home) {
        List<String> all = new ArrayList<>();
        all.add(PATH);
        if (!hostname.isEmpty()) {
            all.add("HOSTNAME=" + hostname);
        }
        if (tty) {
            all.add("TERM=xterm");
        }
        all.add("HOME=" + home);
        all.addAll(own);
        return lastOfEach(all);
    }

    /**
     * The last value of each name, in the order of their first; a name without a value is no variable. Nor is an empty home,
     * in whose place the runtime sets that of the user.
     */
    private static Collection<String> lastOfEach(List<String> variables) {
        Map<String, String> last = new LinkedHashMap<>();
        for (String variable : variables) {
            int equals = variable.indexOf('=');
            String name = equals > 0 ? variable.substring(0, equals) : variable;
            if (equals > 0 && !variable.equals("HOME=")) {
                last.put(name, variable);
            } else {
                last.remove(name);
            }
        }
        return last.values();
    }

    private ObjectNode capabilities(boolean privileged, List<String> wanted) {
        List<String> given = privileged
                ? abilities.all()
                : wanted.stream().filter(abilities::has).toList();
        if (!privileged && given.size() < wanted.size()) {
            LOG.warn(
                    "capabilities that this agent has not itself are left out missing={}",
                    wanted.stream().filter(name -> !abilities.has(name)).toList());
        }
        ObjectNode sets = JSON.createObjectNode();
        // A user who is not root loses the last two at execve(2), and gains them by a file's capabilities only.
        for (String set : List.of("bounding", "effective", "permitted")) {
            given.forEach(sets.putArray(set)::add);
        }
        sets.putArray("inheritable");
        sets.putArray("ambient");
        return sets;
    }

    private ObjectNode limit(Resources.Ulimit limit) {
        long most = abilities.mostOf(limit.name().toLowerCase(Locale.ROOT));
        long hard = limit.hard() < 0 ? Long.MAX_VALUE : limit.hard();
        long soft = limit.soft() < 0 ? Long.MAX_VALUE : limit.soft();
        if (hard > most) {
            LOG.warn(
                    "hard limit lowered to what this agent may give limit={} wanted={} given={}",
                    limit.name(),
                    hard,
                    most);
        }
        ObjectNode node =
                JSON.createObjectNode().put("type", "RLIMIT_" + limit.name().toUpperCase(Locale.ROOT));
        return put(put(node, "hard", Math.min(hard, most)), "soft", Math.min(soft, Math.min(hard, most)));
    }

    /** No limit is the largest unsigned number, RLIM_INFINITY, which a long cannot hold. */
    private static ObjectNode put(ObjectNode node, String name, long value) {
        return value == Long.MAX_VALUE
                ? node.put(name, new java.math.BigInteger("18446744073709551615"))
                : node.put(name, value);
    }

    /** Makes a directory and its parents inside a root file system, wherever its links lead in there. */
    private void makeDirectory(Path rootfs, String directory) throws DriverException, IOException {
        if (!directory.startsWith("/")) {
            throw failure(
                    Kind.INVALID,
                    "the working directory '" + directory + "' is invalid, it needs to be an absolute path");
        }
        StringBuilder path = new StringBuilder();
        for (String name : directory.split("/+")) {
            if (name.isEmpty()) {
                continue;
            }
            path.append('/').append(name);
            Path host = files.resolveInRoot(rootfs, path.toString());
            if (Files.isDirectory(host, LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            try {
                Files.createDirectory(host);
                files.chmod(host, 0755);
            } catch (FileAlreadyExistsException e) {
                throw failure(Kind.INVALID, "cannot use " + path + " as working directory: not a directory", e);
            }
        }
    }

    // --- mounts ---

    private ArrayNode mounts(RuntimeSpec spec, BooleanSupplier readOnlyBelow) throws DriverException, IOException {
        ContainerSpec wanted = spec.spec();
        boolean privileged = wanted.security().privileged();
        Map<String, ObjectNode> mounts = new LinkedHashMap<>();
        add(mounts, "/proc", "proc", "proc", "nosuid", "noexec", "nodev");
        add(mounts, "/dev", "tmpfs", "tmpfs", "nosuid", "strictatime", "mode=755", "size=65536k");
        add(
                mounts,
                "/dev/pts",
                "devpts",
                "devpts",
                "nosuid",
                "noexec",
                "newinstance",
                "ptmxmode=0666",
                "mode=0620",
                "gid=5");
        String access = privileged ? "rw" : "ro";
        add(mounts, "/sys", "sysfs", "sysfs", "nosuid", "noexec", "nodev", access);
        boolean ownCgroups = wanted.security().options().stream()
                .anyMatch(option -> option.matches("writable-cgroups(?:[=:]true)?"));
        String cgroupAccess = ownCgroups ? "rw" : access;
        add(mounts, "/sys/fs/cgroup", "cgroup", "cgroup", "nosuid", "noexec", "nodev", "relatime", cgroupAccess);
        ipcMounts(spec, mounts);
        Path shared = places.keep(spec.sharedFiles());
        String nameAccess = wanted.security().readOnlyRootfs() ? "ro" : "rw";
        nameFiles(mounts, shared, nameAccess);
        if (beginsWithInit(wanted)) {
            Path init = InitProgram.find().orElseThrow(() -> failure(Kind.INVALID, InitProgram.MISSING));
            ObjectNode mount = bind(INIT_INSIDE, init.toString());
            options(mount, List.of("bind", "ro"));
            mounts.put(INIT_INSIDE, mount);
        }
        // A mount hides what was mounted below its target before, so parents come first.
        List<BoundMount> sorted = spec.mounts().stream()
                .sorted(Comparator.comparingLong(mount -> depth(mount.target())))
                .toList();
        String host = sorted.stream().anyMatch(OciConfig::isBind) ? Propagation.mountinfo() : "";
        for (BoundMount mount : sorted) {
            // What people want somewhere takes the place of ours, with everything of ours below it.
            mounts.keySet().removeIf(ours -> ours.equals(mount.target()) || ours.startsWith(mount.target() + "/"));
            mounts.put(mount.target(), own(spec, mount, host, readOnlyBelow));
            // Names are still looked up in a container whose /etc is a volume: its files stand on what people want
            // there.
            if (mount.target().equals("/etc")) {
                nameFiles(mounts, shared, nameAccess);
            }
        }
        ArrayNode array = JSON.createArrayNode();
        mounts.values().forEach(array::add);
        return array;
    }

    /** The files by which a container finds names; one that may not write its own files may not write these. */
    private static void nameFiles(Map<String, ObjectNode> mounts, Path shared, String access) {
        bindFile(mounts, "/etc/resolv.conf", shared.resolve(HostFiles.RESOLV), access);
        bindFile(mounts, "/etc/hostname", shared.resolve(HostFiles.HOSTNAME), access);
        bindFile(mounts, "/etc/hosts", shared.resolve(HostFiles.HOSTS), access);
    }

    private static long depth(String path) {
        return path.chars().filter(c -> c == '/').count();
    }

    private void ipcMounts(RuntimeSpec spec, Map<String, ObjectNode> mounts) throws DriverException {
        Namespace ipc = spec.spec().namespaces().ipc();
        switch (ipc.kind()) {
            case HOST -> {
                // Mounted rather than bound: it shows the host's queues as well, and not every host has it mounted.
                add(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
                mounts.put("/dev/shm", options(bind("/dev/shm", "/dev/shm"), List.of("rbind", "rprivate")));
            }
            case CONTAINER -> {
                add(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
                Path theirs = sharedMemory(ipc.container().orElseThrow());
                if (!Files.isDirectory(theirs)) {
                    throw failure(
                            Kind.INVALID,
                            "cannot join IPC of container "
                                    + ipc.container().orElseThrow().shortForm()
                                    + ": non-shareable IPC (hint: use IpcMode:shareable for the donor container)");
                }
                mounts.put("/dev/shm", options(bind("/dev/shm", theirs.toString()), List.of("rbind", "rprivate")));
            }
            case SHAREABLE -> {
                add(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
                Path ours = sharedMemory(spec.container());
                try {
                    Files.createDirectories(ours);
                    files.chmod(ours, 01777);
                } catch (IOException e) {
                    throw failure(Kind.FAILED, "cannot make shared memory in " + ours + ": " + e.getMessage(), e);
                }
                mounts.put("/dev/shm", options(bind("/dev/shm", ours.toString()), List.of("rbind", "rprivate")));
            }
            case NONE -> add(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
            case PRIVATE -> {
                add(mounts, "/dev/mqueue", "mqueue", "mqueue", "nosuid", "noexec", "nodev");
                long size = spec.spec().resources().shmSizeBytes();
                add(
                        mounts,
                        "/dev/shm",
                        "tmpfs",
                        "shm",
                        "nosuid",
                        "noexec",
                        "nodev",
                        "mode=1777",
                        "size=" + (size > 0 ? size : USUAL_SHM_BYTES));
            }
        }
    }

    /** Shared memory that other containers may join lies in the bundle, for a namespace has no name on disk. */
    private Path sharedMemory(ContainerId container) {
        return places.bundle(container).resolve("shm");
    }

    static boolean isBind(BoundMount mount) {
        return mount.type().equals("bind");
    }

    private ObjectNode own(RuntimeSpec spec, BoundMount mount, String host, BooleanSupplier readOnlyBelow)
            throws DriverException, IOException {
        ObjectNode node = JSON.createObjectNode()
                .put("destination", mount.target())
                .put("type", mount.type())
                .put("source", mount.source().isEmpty() ? mount.type() : mount.source());
        List<String> words = new ArrayList<>(isBind(mount) ? Propagation.settled(mount, host) : mount.options());
        boolean maybe = words.remove(BoundMount.READ_ONLY_BELOW_IF_POSSIBLE);
        if (words.contains(BoundMount.READ_ONLY_BELOW) && !readOnlyBelow.getAsBoolean()) {
            throw failure(
                    Kind.UNSUPPORTED,
                    "mount " + mount.target() + " cannot be read-only with all that is mounted below: that needs Linux"
                            + " 5.12, and runc 1.1 or crun 1.4");
        }
        if (maybe && readOnlyBelow.getAsBoolean()) {
            words.add(BoundMount.READ_ONLY_BELOW);
        }
        if (isBind(mount) && !Files.isDirectory(Path.of(mount.source()))) {
            // Nothing can be mounted below a file, and crun takes the wish as one for a directory.
            words.replaceAll(word -> word.equals(BoundMount.READ_ONLY_BELOW) ? "ro" : word);
        }
        if (isBind(mount) && words.stream().noneMatch(word -> word.equals("bind") || word.equals("rbind"))) {
            words.add(0, "rbind");
        }
        if (mount.type().equals("tmpfs") && words.stream().noneMatch(word -> word.startsWith("mode="))) {
            modeOf(spec, mount.target()).ifPresent(mode -> words.add("mode=" + Integer.toOctalString(mode)));
        }
        if (words.contains("bind") && !words.contains("rbind")) {
            // It is one mount alone; and crun would take the "r" of how it follows others for a wish for all below.
            words.replaceAll(word -> word.matches("r(?:private|slave|shared|unbindable)") ? word.substring(1) : word);
        }
        return options(node, words);
    }

    /**
     * The mode of the directory that the image, or what is mounted above, has at a target. A tmpfs upon it has the same where
     * nobody says another, for else it would be open to everybody, and /root with it.
     */
    private OptionalInt modeOf(RuntimeSpec spec, String target) throws IOException {
        Optional<BoundMount> above = Groundwork.above(target, spec.mounts());
        if (above.isPresent() ? !isBind(above.get()) : !Groundwork.isOnRoot(target, spec.mounts())) {
            return OptionalInt.empty();
        }
        Path ground = above.map(mount -> Path.of(mount.source())).orElse(spec.rootfs());
        String inside =
                target.substring(above.map(mount -> mount.target().length()).orElse(0));
        try {
            Path place = files.resolveInRoot(ground, inside);
            if (above.isPresent() && !place.equals(ground.resolve(inside.substring(1)))) {
                // A link leads out of the mount, to where only the runtime finds the way.
                return OptionalInt.empty();
            }
            FileCalls.Stat stat = files.stat(place);
            return stat.isDirectory() ? OptionalInt.of(stat.mode() & 07777) : OptionalInt.empty();
        } catch (NoSuchFileException e) {
            return OptionalInt.empty();
        }
    }

    private static void bindFile(Map<String, ObjectNode> mounts, String target, Path source, String access) {
        if (Files.exists(source)) {
            mounts.put(target, options(bind(target, source.toString()), List.of("bind", "rprivate", access)));
        }
    }

    private static ObjectNode bind(String target, String source) {
        return JSON.createObjectNode()
                .put("destination", target)
                .put("type", "bind")
                .put("source", source);
    }

    private static void add(
            Map<String, ObjectNode> mounts, String target, String type, String source, String... words) {
        ObjectNode node = JSON.createObjectNode()
                .put("destination", target)
                .put("type", type)
                .put("source", source);
        mounts.put(target, options(node, List.of(words)));
    }

    private static ObjectNode options(ObjectNode mount, List<String> words) {
        words.forEach(mount.putArray("options")::add);
        return mount;
    }

    // --- linux ---

    private ObjectNode linux(RuntimeSpec spec) throws DriverException {
        ContainerSpec wanted = spec.spec();
        Security security = wanted.security();
        ObjectNode linux = JSON.createObjectNode();
        linux.set("namespaces", namespaces(spec));
        linux.put("cgroupsPath", cgroup(wanted, spec.container()));
        ObjectNode resources = resources(wanted.resources());
        ArrayNode nodes = JSON.createArrayNode();
        ArrayNode rules = resources.putArray("devices");
        if (security.privileged()) {
            devices.giveAll(nodes, rules);
        } else {
            devices.allowUsual(rules);
        }
        for (Resources.Device device : wanted.resources().devices()) {
            devices.give(device, nodes, rules);
        }
        for (String rule : wanted.resources().deviceCgroupRules()) {
            devices.allow(rules, rule);
        }
        if (!nodes.isEmpty()) {
            linux.set("devices", nodes);
        }
        linux.set("resources", resources);
        String filter =
                security.privileged() && security.seccomp().equals("default") ? "unconfined" : security.seccomp();
        List<String> capabilities = security.privileged() ? abilities.all() : security.capabilities();
        Optional<ObjectNode> profile = seccomp.profile(filter, capabilities);
        profile.ifPresent(node -> linux.set("seccomp", node));
        ObjectNode sysctl = linux.putObject("sysctl");
        sysctls(spec).forEach(sysctl::put);
        security.maskedPaths().forEach(linux.putArray("maskedPaths")::add);
        security.readOnlyPaths().forEach(linux.putArray("readonlyPaths")::add);
        propagation(spec).ifPresent(word -> linux.put("rootfsPropagation", word));
        return linux;
    }

    /** Mounts that travel out of the container or into it need a root that lets them through. */
    private static Optional<String> propagation(RuntimeSpec spec) {
        List<String> words = spec.mounts().stream()
                .flatMap(mount -> mount.options().stream())
                .toList();
        if (words.contains("shared") || words.contains("rshared")) {
            return Optional.of("shared");
        }
        return words.contains("slave") || words.contains("rslave") ? Optional.of("slave") : Optional.empty();
    }

    private static Map<String, String> sysctls(RuntimeSpec spec) {
        Map<String, String> all = new LinkedHashMap<>();
        Namespace.Kind sandbox = spec.spec().networking().sandbox().kind();
        if (sandbox == Namespace.Kind.PRIVATE || sandbox == Namespace.Kind.NONE) {
            // In a network of its own a container may bind low ports and send echo requests without being root.
            all.put("net.ipv4.ip_unprivileged_port_start", "0");
            all.put("net.ipv4.ping_group_range", "0 2147483647");
        }
        if (!spec.spec().domainname().isEmpty() && ownsUts(spec)) {
            all.put("kernel.domainname", spec.spec().domainname());
        }
        all.putAll(spec.spec().security().sysctls());
        return all;
    }

    private static ArrayNode namespaces(RuntimeSpec spec) {
        ContainerSpec.Namespaces wanted = spec.spec().namespaces();
        ArrayNode all = JSON.createArrayNode();
        all.addObject().put("type", "mount");
        if (!spec.networkNamespace().equals(Sandbox.HOST_PATH)) {
            all.addObject()
                    .put("type", "network")
                    .put("path", spec.networkNamespace().toString());
        }
        namespace(all, spec, "uts", wanted.uts());
        namespace(all, spec, "pid", wanted.pid());
        namespace(all, spec, "ipc", wanted.ipc());
        namespace(all, spec, "cgroup", wanted.cgroup());
        return all;
    }

    /** Among the processes of the host or another container an init would not be process 1, and so of no use. */
    private static boolean beginsWithInit(ContainerSpec wanted) {
        return wanted.command().init() && wanted.namespaces().pid().kind() == Namespace.Kind.PRIVATE;
    }

    private static void namespace(ArrayNode all, RuntimeSpec spec, String type, Namespace wanted) {
        Path joined = spec.joined().get(type);
        if (joined != null) {
            all.addObject().put("type", type).put("path", joined.toString());
        } else if (wanted.kind() != Namespace.Kind.HOST) {
            all.addObject().put("type", type);
        }
    }

    // --- resources ---

    /** The {@code linux.resources} of these limits, without devices. What this kernel has no control for is left out. */
    ObjectNode resources(Resources wanted) throws DriverException {
        ObjectNode resources = JSON.createObjectNode();
        ObjectNode memory = memory(wanted);
        if (!memory.isEmpty() && controls("memory")) {
            resources.set("memory", memory);
        }
        ObjectNode cpu = cpu(wanted);
        if (!cpu.isEmpty()) {
            resources.set("cpu", cpu);
        }
        if (wanted.pidsLimit() > 0 && controls("pids")) {
            resources.putObject("pids").put("limit", wanted.pidsLimit());
        }
        ObjectNode block = blockIo(wanted);
        if (!block.isEmpty() && controls("blkio")) {
            resources.set("blockIO", block);
        }
        return resources;
    }

    private ObjectNode memory(Resources wanted) {
        ObjectNode memory = JSON.createObjectNode();
        if (wanted.memoryBytes() > 0) {
            memory.put("limit", wanted.memoryBytes());
        }
        if (wanted.memoryReservationBytes() > 0) {
            memory.put("reservation", wanted.memoryReservationBytes());
        }
        // Who may swap without end misses nothing where swap is not limited.
        boolean limitsSwap = has("memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
        if (wanted.memorySwapBytes() < 0 && limitsSwap || wanted.memorySwapBytes() > 0 && told(limitsSwap, "swap")) {
            memory.put("swap", wanted.memorySwapBytes());
        }
        if (wanted.memorySwappiness() >= 0 && supports("memory", "memory.swappiness", "", "swappiness")) {
            memory.put("swappiness", wanted.memorySwappiness());
        }
        if (wanted.oomKillDisable() && supports("memory", "memory.oom_control", "", "oom-kill-disable")) {
            memory.put("disableOOMKiller", true);
        }
        return memory;
    }

    private ObjectNode cpu(Resources wanted) {
        ObjectNode time = JSON.createObjectNode();
        if (wanted.cpuShares() > 0) {
            time.put("shares", wanted.cpuShares());
        }
        if (wanted.nanoCpus() > 0) {
            time.put("period", CPU_PERIOD_MICROS);
            time.put("quota", wanted.nanoCpus() * CPU_PERIOD_MICROS / NANOS_PER_CPU);
        } else {
            if (wanted.cpuPeriodMicros() > 0) {
                time.put("period", wanted.cpuPeriodMicros());
            }
            if (wanted.cpuQuotaMicros() > 0) {
                time.put("quota", wanted.cpuQuotaMicros());
            }
        }
        ObjectNode sets = JSON.createObjectNode();
        if (!wanted.cpusetCpus().isEmpty()) {
            sets.put("cpus", wanted.cpusetCpus());
        }
        if (!wanted.cpusetMems().isEmpty()) {
            sets.put("mems", wanted.cpusetMems());
        }
        ObjectNode cpu = JSON.createObjectNode();
        if (!time.isEmpty() && controls("cpu")) {
            cpu.setAll(time);
        }
        if (!sets.isEmpty() && controls("cpuset")) {
            cpu.setAll(sets);
        }
        return cpu;
    }

    private ObjectNode blockIo(Resources wanted) throws DriverException {
        ObjectNode block = JSON.createObjectNode();
        if (wanted.blkioWeight() > 0 && supports("blkio", "blkio.weight", "io.weight", "blkio-weight")) {
            block.put("weight", wanted.blkioWeight());
        }
        for (Resources.BlockIo limit : wanted.blockIo()) {
            String list = switch (limit.kind()) {
                case "read-bps" -> "throttleReadBpsDevice";
                case "write-bps" -> "throttleWriteBpsDevice";
                case "read-iops" -> "throttleReadIOPSDevice";
                case "write-iops" -> "throttleWriteIOPSDevice";
                case "weight" -> "weightDevice";
                default -> throw failure(Kind.INVALID, "unknown block I/O limit " + limit.kind());
            };
            if (list.equals("weightDevice")
                    && !supports("blkio", "blkio.weight_device", "io.weight", "blkio-weight-device")) {
                continue;
            }
            int[] numbers = devices.numbers(limit.devicePath());
            ArrayNode limits = block.has(list) ? (ArrayNode) block.get(list) : block.putArray(list);
            limits.addObject()
                    .put("major", numbers[0])
                    .put("minor", numbers[1])
                    .put(list.equals("weightDevice") ? "weight" : "rate", limit.value());
        }
        return block;
    }

    private boolean has(String controller, String file1, String file2) {
        String file = cgroups.isVersion2() ? file2 : file1;
        return !file.isEmpty() && cgroups.has(controller, file);
    }

    private boolean supports(String controller, String file1, String file2, String what) {
        return told(has(controller, file1, file2), what);
    }

    private boolean controls(String controller) {
        return told(cgroups.controls(controller), controller);
    }

    private static boolean told(boolean supported, String what) {
        if (!supported) {
            LOG.warn("this kernel has no control for it, so it is left out limit={}", what);
        }
        return supported;
    }
}
