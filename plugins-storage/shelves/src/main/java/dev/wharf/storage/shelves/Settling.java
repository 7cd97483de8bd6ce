package dev.wharf.storage.shelves;

import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Optional;

/** Makes what was written to a snapshot durable. */
public interface Settling {
    long FEW_FILES = 64;
    long FEW_BYTES = 8 << 20;

    void settle(Path snapshot) throws IOException;

    /**
     * A small one is forced file by file, since syncfs(2) waits for everything that anybody on the host has written and the disk
     * has not.
     *
     * @param notes what says how much a snapshot itself holds, where its directory holds nothing else
     */
    static Settling bySize(Notes notes, FileCalls files) {
        return snapshot -> {
            Optional<Usage> usage = notes.usage(snapshot);
            boolean few = usage.filter(u -> u.inodes() <= FEW_FILES && u.sizeBytes() <= FEW_BYTES)
                    .isPresent();
            if (!few || !forceEach(snapshot)) {
                files.syncFileSystem(snapshot);
            }
        };
    }

    /** Whether it could be done: paths may be longer than a system call takes, or names such as Java cannot spell. */
    private static boolean forceEach(Path snapshot) {
        try {
            Files.walkFileTree(snapshot, new SimpleFileVisitor<>() {
                @Override
                public FileVisitResult visitFile(Path file, BasicFileAttributes facts) throws IOException {
                    // A link, a device and a whiteout are nothing but their entries in a directory.
                    if (facts.isRegularFile()) {
                        force(file);
                    }
                    return FileVisitResult.CONTINUE;
                }

                @Override
                public FileVisitResult postVisitDirectory(
                        Path directory, @org.jspecify.annotations.Nullable IOException wrong) throws IOException {
                    if (wrong != null) {
                        throw wrong;
                    }
                    force(directory);
                    return FileVisitResult.CONTINUE;
                }
            });
            return true;
        } catch (IOException | InvalidPathException e) {
            return false;
        }
    }

    private static void force(Path path) throws IOException {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            channel.force(true);
        }
    }
}
