package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Remembers compiled seccomp filters. To compile one takes crun longer than all the rest of a container's creation, and
 * nearly all containers have the same. crun leaves the filter it made in its state directory, and takes one that is made
 * already by an annotation (crun(1), {@code run.oci.seccomp_bpf_data}); a crun that does not know the annotation compiles the
 * profile, which is in the configuration all the same.
 */
final class FilterCache {
    private static final String ANNOTATION = "run.oci.seccomp_bpf_data";

    /** A BPF instruction has eight bytes, and no filter more than 4096 of them (seccomp(2)). */
    private static final int INSTRUCTION = 8;

    private static final long LARGEST = 4096L * INSTRUCTION;

    private final Path directory;

    /** The last profile, which is nearly always the next one too, and its file: a hash of all of it takes longer than a look. */
    private volatile Last last = new Last("", Path.of(""));

    private record Last(String key, Path file) {}

    /** A cache in {@code directory}, which must be root's alone: what lies in there guards containers. */
    FilterCache(Path directory) {
        this.directory = directory;
    }

    /** Adds the compiled filter of a configuration's profile, where one is known. */
    void use(ObjectNode config, RuntimeBinary runtime) throws IOException {
        JsonNode profile = config.path("linux").path("seccomp");
        if (!applies(profile, runtime)) {
            return;
        }
        Optional<byte[]> filter = read(file(profile, runtime));
        if (filter.isPresent() && config.path("annotations") instanceof ObjectNode annotations) {
            annotations.put(ANNOTATION, Base64.getEncoder().encodeToString(filter.get()));
        }
    }

    /** Keeps the filter that the runtime has just compiled for a container of this configuration. */
    void learn(ObjectNode config, RuntimeBinary runtime, String container) throws IOException {
        JsonNode profile = config.path("linux").path("seccomp");
        if (!applies(profile, runtime) || config.path("annotations").has(ANNOTATION)) {
            return;
        }
        Optional<byte[]> filter = read(runtime.state(container).resolve("seccomp.bpf"));
        if (filter.isPresent()) {
            Path target = file(profile, runtime);
            Path draft = Files.createTempFile(Places.make(directory), "filter", ".draft");
            Files.write(draft, filter.get());
            Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static boolean applies(JsonNode profile, RuntimeBinary runtime) {
        return profile.isObject() && runtime.name().equals("crun") && !profile.has("listenerPath");
    }

    private static Optional<byte[]> read(Path file) throws IOException {
        try {
            byte[] filter = Files.readAllBytes(file);
            boolean whole = filter.length > 0 && filter.length <= LARGEST && filter.length % INSTRUCTION == 0;
            return whole ? Optional.of(filter) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Another runtime, another kernel or another profile means another filter. */
    private Path file(JsonNode profile, RuntimeBinary runtime) throws IOException {
        String key = String.join(
                "\n",
                runtime.path().toString(),
                Long.toString(Files.getLastModifiedTime(runtime.path()).toMillis()),
                Long.toString(Files.size(runtime.path())),
                System.getProperty("os.version", ""),
                profile.toString());
        Last known = last;
        if (known.key().equals(key)) {
            return known.file();
        }
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
            Path file = directory.resolve(HexFormat.of().formatHex(hash));
            last = new Last(key, file);
            return file;
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java has SHA-256", e);
        }
    }
}
