package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runtimes in sealed memory. crun and runc never run from a file that a container could write to (CVE-2019-5736): each of
 * their runs makes a copy or a read-only mount of itself and begins anew from that, which costs a third of a short run. A
 * program that runs from sealed memory already sees that it is safe.
 */
final class SealedPrograms implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(SealedPrograms.class);

    private final Descriptors descriptors;
    private final Map<Path, Copy> copies = new HashMap<>();
    private final List<Integer> old = new ArrayList<>();

    /** A copy of a program of that size and time; a descriptor of -1 where there can be none. */
    private record Copy(FileTime modified, long size, int descriptor) {}

    SealedPrograms(Descriptors descriptors) {
        this.descriptors = descriptors;
    }

    /** Where to run {@code program} from: its sealed copy as long as this agent lives, itself where there can be none. */
    synchronized Path of(Path program) throws IOException {
        FileTime modified = Files.getLastModifiedTime(program);
        long size = Files.size(program);
        Copy copy = copies.get(program);
        if (copy == null || !copy.modified().equals(modified) || copy.size() != size) {
            if (copy != null) {
                // A monitor that was started a moment ago may yet want it.
                old.add(copy.descriptor());
            }
            copy = new Copy(modified, size, seal(program));
            copies.put(program, copy);
        }
        return copy.descriptor() < 0
                ? program
                : Path.of("/proc/" + ProcessHandle.current().pid() + "/fd/" + copy.descriptor());
    }

    private int seal(Path program) {
        try {
            return descriptors.seal(program);
        } catch (IOException e) {
            LOG.debug("no sealed copy, so each run makes its own program={}", program, e);
            return -1;
        }
    }

    @Override
    public synchronized void close() {
        copies.values().forEach(copy -> old.add(copy.descriptor()));
        copies.clear();
        old.stream().filter(descriptor -> descriptor >= 0).forEach(descriptors::close);
        old.clear();
    }
}
