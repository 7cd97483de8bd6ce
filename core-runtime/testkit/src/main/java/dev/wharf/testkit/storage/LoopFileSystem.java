package dev.wharf.testkit.storage;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A file system of a wanted kind in a file, mounted through a loop device; for drivers that need one of their own. */
public final class LoopFileSystem implements AutoCloseable {
    private final Path directory;

    private LoopFileSystem(Path directory) {
        this.directory = directory;
    }

    /**
     * Makes and mounts one.
     *
     * @param type as mkfs(8) and mount(8) call it
     * @param mkfs further arguments to mkfs
     */
    public static LoopFileSystem make(String type, long sizeBytes, String... mkfs)
            throws IOException, InterruptedException {
        Path directory = Files.createTempDirectory("wharf-" + type + "-");
        Path image = directory.resolve("image");
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(sizeBytes);
        }
        LoopFileSystem made = new LoopFileSystem(directory);
        try {
            Files.createDirectory(made.at());
            List<String> make = new ArrayList<>(List.of("mkfs." + type, "-q"));
            make.addAll(List.of(mkfs));
            make.add(image.toString());
            run(make);
            run(List.of(
                    "mount",
                    "-t",
                    type,
                    "-o",
                    "loop",
                    image.toString(),
                    made.at().toString()));
        } catch (IOException | InterruptedException e) {
            made.close();
            throw e;
        }
        return made;
    }

    /** Where it is mounted. */
    public Path at() {
        return directory.resolve("mnt");
    }

    private static void run(List<String> command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        process.getOutputStream().close();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
            process.destroyForcibly();
            throw new IOException(String.join(" ", command) + " failed: " + said.strip());
        }
    }

    @Override
    public void close() throws IOException, InterruptedException {
        if (Files.isDirectory(at()) && !Files.getFileStore(at()).equals(Files.getFileStore(directory))) {
            // Lazily: an agent that "died" in a test may have left something open until this process ends. The loop
            // device
            // goes with its last user.
            run(List.of("umount", "-l", at().toString()));
        }
        Files.deleteIfExists(at());
        Files.deleteIfExists(directory.resolve("image"));
        Files.deleteIfExists(directory);
    }
}
