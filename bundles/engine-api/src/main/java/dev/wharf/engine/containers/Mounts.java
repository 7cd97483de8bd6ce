package dev.wharf.engine.containers;

import dev.wharf.core.command.Entropy;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.model.MountSpec;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads the three ways in which Docker's clients ask for mounts: {@code Binds}, {@code Tmpfs} and {@code Mounts}. */
final class Mounts {
    private static final Set<String> PROPAGATION =
            Set.of("private", "rprivate", "shared", "rshared", "slave", "rslave");

    private final Entropy entropy;
    private int anonymous;

    Mounts(Entropy entropy) {
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
            return anonymous(target(parts[0], text));
        }
        if (parts.length > 3 || parts[0].isEmpty() || parts[1].isEmpty()) {
            throw Problem.invalid("invalid volume specification: '" + text + "'");
        }
        Map<String, String> options = new LinkedHashMap<>();
        boolean readOnly = false;
        for (String option : parts.length == 3 ? List.of(parts[2].split(",")) : List.<String>of()) {
            switch (option) {
                case "ro" -> readOnly = true;
                case "rw", "z", "Z", "consistent", "cached", "delegated", "" -> {}
                case "nocopy" -> options.put("nocopy", "");
                default -> {
                    if (!PROPAGATION.contains(option)) {
                        throw Problem.invalid("invalid mode: " + parts[2]);
                    }
                    options.put("propagation", option);
                }
            }
        }
        if (parts.length == 3 && !parts[2].isEmpty()) {
            options.put("mode-words", parts[2]);
        }
        String target = target(parts[1], text);
        if (parts[0].startsWith("/")) {
            return new MountSpec(MountSpec.Kind.BIND, normal(parts[0]), target, readOnly, true, options);
        }
        if (parts[0].length() < 2 || !parts[0].matches("[a-zA-Z0-9][a-zA-Z0-9_.-]*")) {
            throw Problem.invalid("invalid volume specification: '" + text + "': \"" + parts[0]
                    + "\" includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are"
                    + " allowed. If you intended to pass a host directory, use absolute path");
        }
        return new MountSpec(MountSpec.Kind.VOLUME, parts[0], target, readOnly, false, options);
    }

    private static String target(String target, String text) {
        if (!target.startsWith("/")) {
            throw Problem.invalid("invalid volume specification: '" + text + "': invalid mount path: '" + target
                    + "' mount path must be absolute");
        }
        String normal = normal(target);
        if (normal.equals("/")) {
            throw Problem.invalid(
                    "invalid volume specification: '" + text + "': invalid specification: destination can't be '/'");
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
            if (option.equals("ro")) {
                readOnly = true;
            } else if (!option.equals("rw")) {
                options.put(
                        equals < 0 ? option : option.substring(0, equals),
                        equals < 0 ? "" : option.substring(equals + 1));
            }
        }
        return new MountSpec(MountSpec.Kind.TMPFS, "", target(target, target), readOnly, false, options);
    }

    MountSpec mount(Body mount) {
        String target = mount.text("Target");
        if (target.isEmpty()) {
            throw Problem.invalid(
                    "invalid mount config for type \"" + mount.text("Type") + "\": field Target must not be empty");
        }
        target = target(target, target);
        boolean readOnly = mount.flag("ReadOnly");
        String source = mount.text("Source");
        Map<String, String> options = new LinkedHashMap<>();
        options.put("mount", "");
        return switch (mount.text("Type")) {
            case "bind" -> {
                Body bind = mount.body("BindOptions");
                if (!source.startsWith("/")) {
                    throw Problem.invalid("invalid mount config for type \"bind\": invalid mount path: '" + source
                            + "' mount path must be absolute");
                }
                boolean create = bind.flag("CreateMountpoint");
                if (!create && !Files.exists(Path.of(source))) {
                    throw Problem.invalid(
                            "invalid mount config for type \"bind\": bind source path does not exist: " + source);
                }
                String propagation = bind.text("Propagation");
                if (!propagation.isEmpty()) {
                    if (!PROPAGATION.contains(propagation)) {
                        throw Problem.invalid(
                                "invalid mount config for type \"bind\": invalid propagation mode: " + propagation);
                    }
                    options.put("propagation", propagation);
                }
                if (bind.flag("NonRecursive")) {
                    options.put("nonrecursive", "");
                }
                yield new MountSpec(MountSpec.Kind.BIND, normal(source), target, readOnly, create, options);
            }
            case "volume" -> {
                Body volume = mount.body("VolumeOptions");
                if (volume.flag("NoCopy")) {
                    options.put("nocopy", "");
                }
                String subpath = volume.text("Subpath");
                if (!subpath.isEmpty()) {
                    if (subpath.startsWith("/") || List.of(subpath.split("/")).contains("..")) {
                        throw Problem.invalid(
                                "invalid mount config for type \"volume\": subpath must be a relative path within the volume");
                    }
                    options.put("subpath", subpath);
                }
                if (source.isEmpty()) {
                    options.put("anonymous", "");
                    source = entropy.hex("volume/" + anonymous++ + target);
                }
                yield new MountSpec(MountSpec.Kind.VOLUME, source, target, readOnly, false, options);
            }
            case "tmpfs" -> {
                if (!source.isEmpty()) {
                    throw Problem.invalid(
                            "invalid mount config for type \"tmpfs\": field Source must not be specified");
                }
                Body tmpfs = mount.body("TmpfsOptions");
                tmpfs.optionalNumber("SizeBytes")
                        .filter(s -> s > 0)
                        .ifPresent(s -> options.put("size", Long.toString(s)));
                tmpfs.optionalNumber("Mode")
                        .filter(m -> m > 0)
                        .ifPresent(m -> options.put("mode", Long.toOctalString(m)));
                yield new MountSpec(MountSpec.Kind.TMPFS, "", target, readOnly, false, options);
            }
            case "image" ->
                throw Problem.unsupported("image mounts are not served yet; use a volume filled from the image");
            default -> throw Problem.invalid("mount type unknown: \"" + mount.text("Type") + "\"");
        };
    }

    /** The texts of {@code Binds} that would make these mounts again. */
    static List<String> binds(List<MountSpec> mounts) {
        List<String> binds = new ArrayList<>();
        for (MountSpec mount : mounts) {
            boolean bind = mount.kind() == MountSpec.Kind.BIND || mount.kind() == MountSpec.Kind.VOLUME;
            if (bind
                    && !mount.options().containsKey("anonymous")
                    && !mount.options().containsKey("mount")) {
                String words = mount.options().getOrDefault("mode-words", "");
                binds.add(mount.source() + ":" + mount.target() + (words.isEmpty() ? "" : ":" + words));
            }
        }
        return binds;
    }
}
