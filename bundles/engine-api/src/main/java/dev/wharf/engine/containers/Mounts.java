package dev.wharf.engine.containers;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.engine.json.Json;
import dev.wharf.model.MountSpec;
import dev.wharf.model.VolumeSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the three ways in which Docker's clients ask for mounts: {@code Binds}, {@code Tmpfs} and {@code Mounts}. */
final class Mounts {
    private static final Set<String> PROPAGATION =
            Set.of("private", "rprivate", "shared", "rshared", "slave", "rslave");

    private static final Set<String> ACCESS = Set.of("ro", "rw");
    private static final Set<String> LABELS = Set.of("z", "Z");

    /** What tmpfs(5) and mount(8) know, as far as Docker lets it through. */
    private static final Set<String> TMPFS_FLAGS = Set.of(
            "exec",
            "noexec",
            "suid",
            "nosuid",
            "dev",
            "nodev",
            "sync",
            "async",
            "dirsync",
            "remount",
            "mand",
            "nomand",
            "atime",
            "noatime",
            "diratime",
            "nodiratime",
            "bind",
            "rbind",
            "relatime",
            "norelatime",
            "strictatime",
            "nostrictatime",
            "private",
            "rprivate",
            "shared",
            "rshared",
            "slave",
            "rslave");

    private static final Set<String> TMPFS_VALUES =
            Set.of("size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol");

    /** The field that holds the options of each type of mount. */
    private static final Map<String, String> OPTIONS =
            Map.of("bind", "BindOptions", "volume", "VolumeOptions", "tmpfs", "TmpfsOptions", "image", "ImageOptions");

    private final Host host;
    private final Entropy entropy;
    private final Optional<Path> dataRoot;
    private final boolean deep;
    private int anonymous;

    /**
     * @param dataRoot the agent's own directory, where binds are held against it
     * @param deep whether a read-only bind means what is mounted below it, too: before API 1.44 it did not
     */
    Mounts(Host host, Entropy entropy, Optional<Path> dataRoot, boolean deep) {
        this.dataRoot = dataRoot;
        this.deep = deep;
        this.host = host;
        this.entropy = entropy;
    }

    /** A volume that a container makes for itself. */
    MountSpec anonymous(String target) {
        String name = entropy.hex("volume/" + anonymous++ + target);
        return new MountSpec(MountSpec.Kind.VOLUME, name, target, false, false, Map.of("anonymous", ""));
    }

    /** {@code source:target[:options]}; a source that begins with a slash is a path of the host, any other a volume. */
    MountSpec bind(String text) {
        String[] parts = text.split(":", -1);
        if (parts.length == 1) {
            return anonymous(target(parts[0], badBind(text)));
        }
        if (parts.length > 3 || parts[0].isEmpty() || parts[1].isEmpty()) {
            throw Problem.invalid("invalid volume specification: '" + text + "'");
        }
        boolean path = parts[0].startsWith("/");
        Map<String, String> options = new LinkedHashMap<>();
        List<String> words = parts.length == 3 ? List.of(parts[2].split(",", -1)) : List.of();
        for (String word : words) {
            if (word.equals("nocopy")) {
                options.put("nocopy", "");
            } else if (PROPAGATION.contains(word)) {
                options.put("propagation", word);
            } else if (!ACCESS.contains(word)
                    && !LABELS.contains(word)
                    && !Set.of("consistent", "cached", "delegated", "").contains(word)) {
                throw Problem.invalid("invalid mode: " + parts[2]);
            }
        }
        for (Set<String> exclusive : List.of(ACCESS, LABELS, PROPAGATION, Set.of("nocopy"))) {
            if (words.stream().filter(exclusive::contains).count() > 1) {
                throw Problem.invalid("invalid mode: " + parts[2]);
            }
        }
        if (parts.length == 3 && !parts[2].isEmpty()) {
            options.put("mode-words", parts[2]);
        }
        boolean readOnly = words.contains("ro");
        String target = target(parts[1], badBind(text));
        if (path) {
            if (options.containsKey("nocopy")) {
                throw Problem.invalid(badBind(text) + badMount("bind") + "field VolumeOptions must not be specified");
            }
            besideDataRoot(parts[0], options);
            if (readOnly && !deep) {
                options.put("readonly-submounts", "no");
            }
            return new MountSpec(MountSpec.Kind.BIND, normal(parts[0]), target, readOnly, true, options);
        }
        if (!isVolumeName(parts[0])) {
            throw Problem.invalid("create " + parts[0] + ": " + badName(parts[0]));
        }
        if (options.containsKey("propagation")) {
            throw Problem.invalid(badBind(text) + badMount("volume") + "field BindOptions must not be specified");
        }
        return new MountSpec(MountSpec.Kind.VOLUME, parts[0], target, readOnly, false, options);
    }

    /**
     * A bind that shows the agent's own mounts would keep them mounted after the agent let them go, so it must follow the
     * host; where nobody says how, it does if the host's mount can be followed at all.
     */
    private void besideDataRoot(String source, Map<String, String> options) {
        Path shown = Path.of(source).normalize();
        if (dataRoot.filter(root -> shown.startsWith(root) || root.startsWith(shown))
                .isEmpty()) {
            return;
        }
        String mode = options.get("propagation");
        if (mode == null) {
            options.put("propagation", "rslave");
            options.put(MountSpec.PROPAGATION_IF_POSSIBLE, "");
        } else if (!mode.equals("rslave") && !mode.equals("rshared")) {
            throw wrong(
                    "bind",
                    "must use either propagation mode \"rslave\" or \"rshared\" when mount source is within the daemon"
                            + " root, daemon root: \"" + dataRoot.get() + "\", bind mount source: \"" + source
                            + "\", propagation: \"" + mode + "\"");
        }
    }

    private static boolean isVolumeName(String name) {
        return name.length() >= 2 && name.matches("[a-zA-Z0-9][a-zA-Z0-9_.-]*");
    }

    private static String badName(String name) {
        return name.length() < 2
                ? "volume name is too short, names should be at least two alphanumeric characters"
                : "\"" + name + "\" includes invalid characters for a local volume name, only"
                        + " \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use"
                        + " absolute path";
    }

    /** The path of a volume that a client asks for by nothing but where it shall be, which is seen from the root. */
    static String target(String target) {
        return target("/" + target, badBind(target));
    }

    /** A target made plain; {@code refusal} is what comes before the reason where there is none. */
    private static String target(String target, String refusal) {
        if (!target.startsWith("/")) {
            throw Problem.invalid(refusal + "invalid mount path: '" + target + "' mount path must be absolute");
        }
        String normal = normal(target);
        if (normal.equals("/")) {
            throw Problem.invalid(refusal + "invalid specification: destination can't be '/'");
        }
        forbidProc(normal);
        return normal;
    }

    /** Mounts over /proc would undo what keeps a container from the host's kernel. */
    private static void forbidProc(String target) {
        if (target.equals("/proc") || target.startsWith("/proc/") && !target.equals("/proc/sys/fs/binfmt_misc")) {
            throw Problem.invalid("invalid mount path: '" + target + "' cannot be mounted because it is inside /proc");
        }
    }

    static String normal(String path) {
        return Path.of(path).normalize().toString();
    }

    MountSpec tmpfs(String target, String text) {
        Map<String, String> options = new LinkedHashMap<>();
        boolean readOnly = false;
        for (String option : text.isEmpty() ? new String[0] : text.split(",")) {
            int equals = option.indexOf('=');
            String name = equals < 0 ? option : option.substring(0, equals);
            if (option.equals("ro")) {
                readOnly = true;
            } else if (!option.equals("rw")) {
                if (!isTmpfsOption(name, equals >= 0)) {
                    throw Problem.invalid("Invalid tmpfs option \"" + name + "\"");
                }
                options.put(name, equals < 0 ? "" : option.substring(equals + 1));
            }
        }
        return new MountSpec(MountSpec.Kind.TMPFS, "", target(target), readOnly, false, options);
    }

    private static boolean isTmpfsOption(String name, boolean hasValue) {
        return (hasValue ? TMPFS_VALUES : TMPFS_FLAGS).contains(name);
    }

    MountSpec mount(Body mount) {
        String type = mount.text("Type");
        if (mount.text("Target").isEmpty()) {
            throw wrong(type, "field Target must not be empty");
        }
        if (!Set.of("bind", "volume", "tmpfs", "image").contains(type)) {
            throw wrong(type, "mount type unknown");
        }
        OPTIONS.forEach((kind, field) -> {
            if (!kind.equals(type) && mount.has(field)) {
                throw kind.equals("image")
                        ? wrong(type, "field " + field + " must not be specified")
                        : Problem.invalid(field + " must not be specified on mount type \"" + type + "\"");
            }
        });
        String target = target(mount.text("Target"), badMount(type));
        return switch (type) {
            case "bind" -> bind(mount, target);
            case "volume" -> volume(mount, target);
            case "tmpfs" -> tmpfs(mount, target);
            default -> image(mount, target);
        };
    }

    private static RuntimeException wrong(String type, String why) {
        return Problem.invalid(badMount(type) + why);
    }

    private static String badMount(String type) {
        return "invalid mount config for type \"" + type + "\": ";
    }

    private static String badBind(String text) {
        return "invalid volume specification: '" + text + "': ";
    }

    private static Map<String, String> asked() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("mount", "");
        return options;
    }

    private MountSpec bind(Body mount, String target) {
        String source = mount.text("Source");
        boolean readOnly = mount.flag("ReadOnly");
        Body bind = mount.body("BindOptions");
        Map<String, String> options = asked();
        if (source.isEmpty()) {
            throw wrong("bind", "field Source must not be empty");
        }
        if (!source.startsWith("/")) {
            throw wrong("bind", "invalid mount path: '" + source + "' mount path must be absolute");
        }
        boolean create = bind.flag("CreateMountpoint");
        if (!create && !Files.exists(Path.of(source))) {
            throw wrong("bind", "bind source path does not exist: " + source);
        }
        String propagation = bind.text("Propagation");
        if (!propagation.isEmpty()) {
            if (!PROPAGATION.contains(propagation)) {
                throw wrong("bind", "invalid propagation mode: " + propagation);
            }
            options.put("propagation", propagation);
        }
        boolean shallow = deep ? bind.flag("ReadOnlyNonRecursive") : readOnly;
        boolean all = deep && bind.flag("ReadOnlyForceRecursive");
        if ((shallow || all) && !readOnly) {
            throw wrong("bind", "a mount that may be written to has no read-only submounts");
        }
        if (shallow && all) {
            throw wrong("bind", "ReadOnlyNonRecursive and ReadOnlyForceRecursive exclude each other");
        }
        if (bind.flag("NonRecursive")) {
            if (all) {
                throw wrong("bind", "without submounts there are none to be read-only");
            }
            options.put("nonrecursive", "");
        }
        if (shallow || all) {
            options.put("readonly-submounts", all ? "required" : "no");
        }
        besideDataRoot(source, options);
        return new MountSpec(MountSpec.Kind.BIND, normal(source), target, readOnly, create, options);
    }

    private MountSpec volume(Body mount, String target) {
        Body volume = mount.body("VolumeOptions");
        Map<String, String> options = asked();
        if (volume.flag("NoCopy")) {
            options.put("nocopy", "");
        }
        subpath(volume, "volume", options);
        localOnly(volume.body("DriverConfig").text("Name"));
        volume.body("DriverConfig").map("Options").forEach((name, value) -> options.put("volume-opt." + name, value));
        volume.map("Labels").forEach((name, value) -> options.put("volume-label." + name, value));
        String source = mount.text("Source");
        if (source.isEmpty()) {
            if (options.containsKey("subpath")) {
                throw wrong("volume", "must not set Subpath when using anonymous volumes");
            }
            if (mount.flag("ReadOnly")) {
                throw wrong("volume", "must not set ReadOnly mode when using anonymous volumes");
            }
            options.put("anonymous", "");
            source = entropy.hex("volume/" + anonymous++ + target);
        } else if (!isVolumeName(source)) {
            throw Problem.invalid("create " + source + ": " + badName(source));
        }
        return new MountSpec(MountSpec.Kind.VOLUME, source, target, mount.flag("ReadOnly"), false, options);
    }

    private static void subpath(Body options, String type, Map<String, String> into) {
        String subpath = options.text("Subpath");
        if (!subpath.isEmpty()) {
            if (subpath.startsWith("/") || List.of(subpath.split("/")).contains("..")) {
                throw wrong(type, "subpath must be a relative path within the volume");
            }
            into.put("subpath", subpath);
        }
    }

    private static MountSpec tmpfs(Body mount, String target) {
        if (!mount.text("Source").isEmpty()) {
            throw wrong("tmpfs", "field Source must not be specified");
        }
        Body tmpfs = mount.body("TmpfsOptions");
        Map<String, String> options = asked();
        long size = tmpfs.number("SizeBytes");
        long mode = tmpfs.number("Mode");
        if (size < 0) {
            throw wrong("tmpfs", "field SizeBytes must not be negative");
        }
        if (mode < 0 || mode > 07777) {
            throw wrong("tmpfs", "field Mode must be the permission bits of a file");
        }
        if (size > 0) {
            options.put("size", Long.toString(size));
        }
        if (mode > 0) {
            options.put("mode", Long.toOctalString(mode));
        }
        for (JsonNode option : tmpfs.raw("Options")) {
            if (option.isArray() && option.size() >= 1 && option.size() <= 2) {
                String name = option.get(0).asText();
                if (!isTmpfsOption(name, option.size() == 2)) {
                    throw wrong("tmpfs", "invalid option: " + name);
                }
                options.put(name, option.size() == 2 ? option.get(1).asText() : "");
            } else {
                throw wrong("tmpfs", "invalid option array length");
            }
        }
        return new MountSpec(MountSpec.Kind.TMPFS, "", target, mount.flag("ReadOnly"), false, options);
    }

    private MountSpec image(Body mount, String target) {
        String source = mount.text("Source");
        if (source.isEmpty()) {
            throw wrong("image", "field Source must not be empty");
        }
        Map<String, String> options = asked();
        subpath(mount.body("ImageOptions"), "image", options);
        options.put("reference", source);
        return new MountSpec(
                MountSpec.Kind.IMAGE, ImageLookup.get(host, source).image().id().value(), target, true, false, options);
    }

    /** The driver of a volume that is to be made. */
    static void localOnly(String driver) {
        if (!driver.isEmpty() && !driver.equals("local")) {
            throw Problem.missing("error looking up volume plugin " + driver + ": plugin \"" + driver + "\" not found");
        }
    }

    /** What in {@code Mounts} would make these mounts again. */
    static ArrayNode asked(List<MountSpec> mounts) {
        ArrayNode all = Json.array();
        mounts.stream().filter(m -> m.options().containsKey("mount")).forEach(m -> all.add(asked(m)));
        return all;
    }

    /** The same in its creator's own words and order, where it is read from. */
    static ArrayNode asked(List<MountSpec> mounts, List<Body> bodies) {
        ArrayNode all = Json.array();
        for (Body body : bodies) {
            String target = normal(body.text("Target"));
            mounts.stream()
                    .filter(m -> m.target().equals(target))
                    .forEach(m -> all.add(inWordsOf(body, asked(m).put("Target", body.text("Target")))));
        }
        return all;
    }

    /** With what changes nothing, down to options of which none is set. */
    private static ObjectNode inWordsOf(Body body, ObjectNode node) {
        words(body, "Consistency", node);
        String field = OPTIONS.getOrDefault(body.text("Type"), "");
        if (body.has(field)) {
            Body said = body.body(field);
            ObjectNode options = node.withObject(field);
            if (said.has("DriverConfig")) {
                words(said.body("DriverConfig"), "Name", options.withObject("DriverConfig"));
            }
            if (!said.raw("Options").isEmpty()) {
                options.set("Options", said.raw("Options"));
            }
        }
        return node;
    }

    private static void words(Body body, String field, ObjectNode into) {
        String said = body.text(field);
        if (!said.isEmpty()) {
            into.put(field, said);
        }
    }

    private static ObjectNode asked(MountSpec mount) {
        Map<String, String> options = mount.options();
        boolean image = mount.kind() == MountSpec.Kind.IMAGE;
        ObjectNode node = Json.object().put("Type", mount.kind().name().toLowerCase(Locale.ROOT));
        String source = image ? options.getOrDefault("reference", "") : mount.source();
        if (!source.isEmpty() && !options.containsKey("anonymous")) {
            node.put("Source", source);
        }
        node.put("Target", mount.target());
        if (mount.readOnly() && !image) {
            node.put("ReadOnly", true);
        }
        ObjectNode own = Json.object();
        switch (mount.kind()) {
            case BIND -> {
                if (!options.containsKey(MountSpec.PROPAGATION_IF_POSSIBLE)) {
                    put(own, "Propagation", options.get("propagation"));
                }
                flag(own, "NonRecursive", options.containsKey("nonrecursive"));
                flag(own, "CreateMountpoint", mount.createSource());
                flag(own, "ReadOnlyNonRecursive", "no".equals(options.get("readonly-submounts")));
                flag(own, "ReadOnlyForceRecursive", "required".equals(options.get("readonly-submounts")));
            }
            case VOLUME -> {
                flag(own, "NoCopy", options.containsKey("nocopy"));
                put(own, "Subpath", options.get("subpath"));
                VolumeSpec volume = mount.volume();
                if (!volume.labels().isEmpty()) {
                    own.set("Labels", Json.map(volume.labels()));
                }
                if (!volume.options().isEmpty()) {
                    own.putObject("DriverConfig").set("Options", Json.map(volume.options()));
                }
            }
            case TMPFS -> {
                if (options.getOrDefault("size", "").matches("[0-9]{1,18}")) {
                    own.put("SizeBytes", Long.parseLong(options.get("size")));
                }
                if (options.getOrDefault("mode", "").matches("[0-7]{1,6}")) {
                    own.put("Mode", Long.parseLong(options.get("mode"), 8));
                }
            }
            case IMAGE -> put(own, "Subpath", options.get("subpath"));
        }
        if (!own.isEmpty()) {
            String type = mount.kind().name();
            node.set(type.charAt(0) + type.substring(1).toLowerCase(Locale.ROOT) + "Options", own);
        }
        return node;
    }

    private static void put(ObjectNode node, String field, @Nullable String value) {
        if (value != null) {
            node.put(field, value);
        }
    }

    private static void flag(ObjectNode node, String field, boolean value) {
        if (value) {
            node.put(field, true);
        }
    }

    /** The texts of {@code VolumesFrom} that some of these mounts came by. */
    static List<String> lenders(List<MountSpec> mounts) {
        return mounts.stream()
                .flatMap(mount -> Optional.ofNullable(mount.options().get("from")).stream())
                .distinct()
                .toList();
    }

    /** The texts of {@code Binds} that would make these mounts again. */
    static ArrayNode binds(List<MountSpec> mounts) {
        ArrayNode binds = Json.array();
        for (MountSpec mount : mounts) {
            boolean bind = mount.kind() == MountSpec.Kind.BIND || mount.kind() == MountSpec.Kind.VOLUME;
            if (bind
                    && !mount.options().containsKey("anonymous")
                    && !mount.options().containsKey("from")
                    && !mount.options().containsKey("mount")) {
                String words = mount.options().getOrDefault("mode-words", "");
                binds.add(mount.source() + ":" + mount.target() + (words.isEmpty() ? "" : ":" + words));
            }
        }
        return binds;
    }

    /** What in {@code Tmpfs} would make these mounts again. */
    static ObjectNode tmpfs(List<MountSpec> mounts) {
        ObjectNode tmpfs = Json.object();
        for (MountSpec mount : mounts) {
            if (mount.kind() == MountSpec.Kind.TMPFS && !mount.options().containsKey("mount")) {
                tmpfs.put(mount.target(), words(mount));
            }
        }
        return tmpfs;
    }

    private static String words(MountSpec mount) {
        List<String> words = new ArrayList<>();
        mount.options().forEach((key, value) -> words.add(value.isEmpty() ? key : key + "=" + value));
        if (mount.readOnly()) {
            words.add("ro");
        }
        return String.join(",", words);
    }

    /** What in {@code Volumes} would make these mounts again. Those of {@code HostConfig.Mounts} are told of there. */
    static ObjectNode volumes(List<MountSpec> mounts) {
        ObjectNode volumes = Json.object();
        for (MountSpec mount : mounts) {
            if (mount.isVolumeOfConfig()) {
                volumes.putObject(mount.target());
            }
        }
        return volumes;
    }
}
