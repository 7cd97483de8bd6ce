package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the OCI runtime by what really works on this host: each candidate, the fastest first, runs one tiny container. What
 * was found is kept until host, runtimes or cgroups change, so that only the first start of an agent pays for it.
 *
 * <p>crun refuses a host where cgroup version 1 and 2 are mounted side by side and some controllers are in version 2. On a
 * host whose cgroups nobody else manages, these are mounted as version 1 like the rest, as Debian's cgroupfs-mount would.
 */
final class RuntimeChoice {
    private static final Logger LOG = LoggerFactory.getLogger(RuntimeChoice.class);

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final List<String> CANDIDATES = List.of("crun", "runc", "youki");
    private static final String TAKES_FILTERS = "takesFilters";
    private static final Duration TRIAL_PATIENCE = Duration.ofSeconds(10);

    private final Programs programs;
    private final Places places;
    private final Settings settings;

    RuntimeChoice(Programs programs, Places places, Settings settings) {
        this.programs = programs;
        this.places = places;
        this.settings = settings;
    }

    /** The runtime to use, or why there is none. */
    record Choice(Optional<RuntimeBinary> runtime, String why) {}

    Choice choose() throws IOException {
        List<RuntimeBinary> candidates = candidates();
        if (candidates.isEmpty()) {
            return new Choice(
                    Optional.empty(),
                    settings.path()
                            .map(path -> "OCI runtime " + path + " is not there or not executable")
                            .orElse("no OCI runtime found: install the package crun or runc"));
        }
        Cgroups cgroups = Cgroups.read();
        mount(cgroups, cgroups.astray(read(Path.of("/proc/self/cgroup"))));
        String key = key(candidates);
        Optional<RuntimeBinary> known = remembered(key, candidates);
        if (known.isPresent()) {
            return new Choice(known, "");
        }
        List<String> reasons = new ArrayList<>();
        for (RuntimeBinary hoped : candidates) {
            RuntimeBinary candidate = hoped;
            Optional<String> trouble = tryOut(candidate);
            if (trouble.isPresent() && mountMissingControllers()) {
                trouble = tryOut(candidate);
            }
            if (trouble.isPresent() && candidate.takesFilters()) {
                candidate = candidate(candidate.path(), false);
                trouble = tryOut(candidate);
            }
            if (trouble.isEmpty()) {
                LOG.info("OCI runtime chosen name={} path={}", candidate.name(), candidate.path());
                remember(key(candidates), candidate);
                return new Choice(Optional.of(candidate), "");
            }
            LOG.warn("OCI runtime does not work here name={} reason={}", candidate.name(), trouble.get());
            reasons.add(candidate.name() + ": " + trouble.get());
        }
        return new Choice(Optional.empty(), "no OCI runtime works on this host: " + String.join("; ", reasons));
    }

    private List<RuntimeBinary> candidates() {
        if (settings.path().isPresent()) {
            Path path = settings.path().get();
            return Files.isExecutable(path) ? List.of(hoped(path)) : List.of();
        }
        return CANDIDATES.stream()
                .flatMap(name -> Programs.find(name).stream())
                .map(this::hoped)
                .toList();
    }

    private RuntimeBinary hoped(Path path) {
        return candidate(path, path.getFileName().toString().equals("crun"));
    }

    private RuntimeBinary candidate(Path path, boolean takesFilters) {
        String name = path.getFileName().toString();
        return new RuntimeBinary(name, path, places.runtimeRoot(name), takesFilters);
    }

    /** Everything that the outcome of a trial depends on. */
    private static String key(List<RuntimeBinary> candidates) throws IOException {
        StringBuilder key = new StringBuilder();
        key.append(Files.readString(Path.of("/proc/sys/kernel/random/boot_id")).strip());
        for (RuntimeBinary candidate : candidates) {
            key.append(' ').append(candidate.path());
            key.append(' ').append(Files.getLastModifiedTime(candidate.path()).toMillis());
            key.append(' ').append(Files.size(candidate.path()));
        }
        Cgroups cgroups = Cgroups.read();
        cgroups.controllers().keySet().stream()
                .sorted()
                .forEach(name -> key.append(' ').append(name));
        cgroups.unified().ifPresent(root -> key.append(" 2:").append(root));
        return key.toString();
    }

    private Path memory() {
        return places.execRoot().resolve("oci").resolve("choice.json");
    }

    private Optional<RuntimeBinary> remembered(String key, List<RuntimeBinary> candidates) throws IOException {
        try {
            JsonNode node = JSON.readTree(Files.readAllBytes(memory()));
            return candidates.stream()
                    .filter(candidate -> node.path("key").asText().equals(key)
                            && node.path(TAKES_FILTERS).isBoolean()
                            && node.path("path")
                                    .asText()
                                    .equals(candidate.path().toString()))
                    .map(candidate ->
                            candidate(candidate.path(), node.path(TAKES_FILTERS).asBoolean()))
                    .findFirst();
        } catch (NoSuchFileException | com.fasterxml.jackson.core.JsonProcessingException e) {
            return Optional.empty();
        }
    }

    private void remember(String key, RuntimeBinary chosen) throws IOException {
        ObjectNode node = JSON.createObjectNode()
                .put("key", key)
                .put("path", chosen.path().toString())
                .put(TAKES_FILTERS, chosen.takesFilters());
        Files.write(memory(), JSON.writeValueAsBytes(node));
    }

    /** Runs a container that does nothing with the host's own programs; empty where that worked, else the reason. */
    private Optional<String> tryOut(RuntimeBinary candidate) throws IOException {
        Places.make(candidate.root());
        Path bundle = Places.make(places.execRoot().resolve("oci").resolve("trial"));
        String id = "trial-" + UUID.randomUUID();
        String cgroup = "/wharf/" + id;
        Files.createDirectories(bundle.resolve("rootfs"));
        Files.write(bundle.resolve("config.json"), JSON.writeValueAsBytes(trial(candidate, bundle, cgroup)));
        List<String> arguments = new ArrayList<>(candidate.globalArguments());
        arguments.addAll(List.of("run", "--bundle", bundle.toString(), id));
        try {
            Programs.Outcome outcome = programs.run(candidate.path(), arguments, TRIAL_PATIENCE);
            return outcome.code() == 0 ? Optional.empty() : Optional.of(outcome.words());
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } finally {
            if (Files.exists(candidate.state(id))) {
                List<String> delete = new ArrayList<>(candidate.globalArguments());
                delete.addAll(List.of("delete", "--force", id));
                programs.run(candidate.path(), delete, TRIAL_PATIENCE);
            }
            Cgroups.read().remove(cgroup);
        }
    }

    private static ObjectNode trial(RuntimeBinary candidate, Path bundle, String cgroup) throws IOException {
        ObjectNode config = JSON.createObjectNode().put("ociVersion", "1.0.0");
        ObjectNode process = config.putObject("process").put("terminal", false).put("cwd", "/");
        process.putObject("user").put("uid", 0).put("gid", 0);
        process.putArray("args").add("/bin/true");
        process.putArray("env").add("PATH=/bin:/usr/bin");
        process.put("noNewPrivileges", true);
        config.putObject("root").put("path", bundle.resolve("rootfs").toString());
        ArrayNode mounts = config.putArray("mounts");
        for (String directory : List.of("/bin", "/lib", "/lib64", "/usr")) {
            Path host = Path.of(directory);
            if (Files.isDirectory(host)) {
                ObjectNode mount = mounts.addObject()
                        .put("destination", directory)
                        .put("type", "bind")
                        .put("source", host.toRealPath().toString());
                mount.putArray("options").add("rbind").add("ro");
            }
        }
        mounts.addObject().put("destination", "/proc").put("type", "proc").put("source", "proc");
        mounts.addObject().put("destination", "/dev").put("type", "tmpfs").put("source", "tmpfs");
        ObjectNode linux = config.putObject("linux").put("cgroupsPath", cgroup);
        ArrayNode namespaces = linux.putArray("namespaces");
        for (String type : List.of("pid", "mount", "ipc", "uts", "network", "cgroup")) {
            namespaces.addObject().put("type", type);
        }
        ObjectNode resources = linux.putObject("resources");
        resources.putArray("devices").addObject().put("allow", false).put("access", "rwm");
        resources.putObject("pids").put("limit", 100);
        if (candidate.takesFilters()) {
            // The filter lets everything through and the profile nothing, so that the trial shows which of them counts.
            linux.putObject("seccomp").put("defaultAction", "SCMP_ACT_ERRNO");
            FilterCache.annotate(config, FilterCache.ALLOWING);
        }
        return config;
    }

    /** Mounts the controllers that are in version 2 while the rest is in version 1; false where there is nothing to do. */
    private boolean mountMissingControllers() throws IOException {
        Cgroups cgroups = Cgroups.read();
        if (cgroups.unified().isEmpty()) {
            return false;
        }
        String missing =
                read(cgroups.unified().get().resolve("cgroup.controllers")).strip();
        return !missing.isEmpty() && mount(cgroups, List.of(missing.split(" ")));
    }

    /** Mounts hierarchies of version 1 beside the others; false where none was. */
    private boolean mount(Cgroups cgroups, List<String> hierarchies) throws IOException {
        if (cgroups.controllers().isEmpty() || !mayMount()) {
            return false;
        }
        Path base = cgroups.controllers().values().iterator().next().getParent();
        if (base == null) {
            return false;
        }
        boolean mounted = false;
        for (String controllers : hierarchies) {
            Path point = base.resolve(controllers);
            Files.createDirectories(point);
            Programs.Outcome outcome = programs.run(
                    Programs.find("mount").orElse(Path.of("/bin/mount")),
                    List.of(
                            "-t",
                            "cgroup",
                            "-o",
                            "rw,nosuid,nodev,noexec,relatime," + controllers,
                            "cgroup",
                            point.toString()),
                    TRIAL_PATIENCE);
            if (outcome.code() == 0) {
                LOG.info(
                        "cgroup controller mounted as version 1 like the others controller={} at={}",
                        controllers,
                        point);
                mounted = true;
            } else {
                LOG.warn(
                        "cannot mount cgroup controller={} reason={}",
                        controllers,
                        outcome.output().strip());
                Files.deleteIfExists(point);
            }
        }
        return mounted;
    }

    private boolean mayMount() {
        boolean managed = Files.isDirectory(Path.of("/run/systemd/system"), LinkOption.NOFOLLOW_LINKS)
                || Files.isDirectory(Path.of("/run/openrc"), LinkOption.NOFOLLOW_LINKS);
        return settings.mountMissing().orElse(!managed);
    }

    private static String read(Path file) throws IOException {
        return Files.exists(file) ? Files.readString(file, StandardCharsets.US_ASCII) : "";
    }
}
