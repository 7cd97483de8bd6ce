package dev.wharf.runtime;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.model.Digest;
import dev.wharf.spi.kernel.SystemCallFilters;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.Base64;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers compiled seccomp filters. To compile one takes crun longer than all the rest of a container's creation, and
 * nearly all containers have the same. crun takes one that is made already by an annotation (crun(1), {@code
 * run.oci.seccomp_bpf_data}). Then it does not look at the rules of the profile, and they are left out: to read them takes it
 * longer than to write the filter down.
 *
 * <p>The first container with a profile has what crun makes of it. Those after it have the same decisions as a tree, which
 * the kernel takes a millisecond sooner than crun's list; where that cannot be had, they have the list.
 */
final class FilterCache {
    private static final Logger LOG = LoggerFactory.getLogger(FilterCache.class);

    private static final String ANNOTATION = "run.oci.seccomp_bpf_data";

    /** A BPF instruction has eight bytes, and no filter more than 4096 of them (seccomp(2)). */
    private static final int INSTRUCTION = 8;

    private static final long LARGEST = 4096L * INSTRUCTION;

    /** A filter that allows every system call: one instruction, BPF_RET with SECCOMP_RET_ALLOW (seccomp(2)). */
    static final byte[] ALLOWING = ByteBuffer.allocate(INSTRUCTION)
            .order(ByteOrder.nativeOrder())
            .putShort((short) 0x06)
            .putInt(4, 0x7fff0000)
            .array();

    private final Path directory;
    private final SystemCallFilters compiler;

    /** The last profile, which is nearly always the next one too, and its file. */
    private volatile Optional<Last> last = Optional.empty();

    private record Last(JsonNode profile, RuntimeBinary runtime, FileTime modified, Path file) {}

    /** A cache in {@code directory}, which must be root's alone: what lies in there guards containers. */
    FilterCache(Path directory, SystemCallFilters compiler) {
        this.directory = directory;
        this.compiler = compiler;
    }

    /** Puts the compiled filter of a configuration's profile, where one is known, in the place of its rules. */
    void use(ObjectNode config, RuntimeBinary runtime) throws IOException {
        JsonNode profile = config.path("linux").path("seccomp");
        if (!applies(profile, runtime)) {
            return;
        }
        Optional<byte[]> filter = read(file(profile, runtime));
        if (filter.isPresent() && config.path("linux") instanceof ObjectNode linux) {
            annotate(config, filter.get());
            ObjectNode rest = linux.putObject("seccomp");
            rest.set("defaultAction", profile.path("defaultAction"));
            if (profile.has("flags")) {
                rest.set("flags", profile.get("flags"));
            }
        }
    }

    /** Has a configuration's process run under a compiled filter. */
    static void annotate(ObjectNode config, byte[] filter) {
        config.withObject("/annotations").put(ANNOTATION, Base64.getEncoder().encodeToString(filter));
    }

    /** Compiles the filter of this configuration, or keeps the one that the runtime has just compiled for its container. */
    void learn(ObjectNode config, RuntimeBinary runtime, String container) throws IOException {
        JsonNode profile = config.path("linux").path("seccomp");
        if (!applies(profile, runtime) || config.path("annotations").has(ANNOTATION)) {
            return;
        }
        Optional<byte[]> filter = compile(profile);
        if (filter.isEmpty()) {
            filter = read(runtime.state(container).resolve("seccomp.bpf"));
        }
        if (filter.isPresent()) {
            Path target = file(profile, runtime);
            Path draft = Files.createTempFile(Places.make(directory), "filter", ".draft");
            Files.write(draft, filter.get());
            Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
        }
    }

    private static boolean applies(JsonNode profile, RuntimeBinary runtime) {
        return profile.isObject() && runtime.takesFilters() && !profile.has("listenerPath");
    }

    private Optional<byte[]> compile(JsonNode profile) {
        try {
            return whole(compiler.compile(FilterRules.of(profile)));
        } catch (IOException | IllegalArgumentException e) {
            LOG.debug("a seccomp filter stays as the runtime made it reason={}", e.toString());
            return Optional.empty();
        }
    }

    private static Optional<byte[]> whole(byte[] filter) {
        return filter.length > 0 && filter.length <= LARGEST && filter.length % INSTRUCTION == 0
                ? Optional.of(filter)
                : Optional.empty();
    }

    private static Optional<byte[]> read(Path file) throws IOException {
        try {
            return whole(Files.readAllBytes(file));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    /** Another runtime, another kernel or another profile means another filter. */
    private Path file(JsonNode profile, RuntimeBinary runtime) throws IOException {
        FileTime modified = Files.getLastModifiedTime(runtime.path());
        // The same profile is mostly the same object: to compare or hash all of it takes longer than a look.
        Optional<Path> known = last.filter(l -> l.profile() == profile
                        && l.runtime().equals(runtime)
                        && l.modified().equals(modified))
                .map(Last::file);
        if (known.isPresent()) {
            return known.get();
        }
        String key = String.join(
                "\n",
                "tree",
                runtime.path().toString(),
                Long.toString(modified.toMillis()),
                Long.toString(Files.size(runtime.path())),
                System.getProperty("os.version", ""),
                profile.toString());
        Path file = directory.resolve(Digest.sha256(key).hex());
        last = Optional.of(new Last(profile, runtime, modified, file));
        return file;
    }
}
