package dev.wharf.itests.build;

import dev.wharf.itests.daemon.Outcome;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A dockerd of the tests' own, without any network, to compare with. */
final class ClassicDocker implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Process process;
    private final Path folder;

    private ClassicDocker(Process process, Path folder) {
        this.process = process;
        this.folder = folder;
    }

    static boolean isInstalled() {
        return List.of(System.getenv("PATH").split(File.pathSeparator)).stream()
                .anyMatch(dir -> Files.isExecutable(Path.of(dir, "dockerd")));
    }

    static ClassicDocker start(Path folder) throws IOException, InterruptedException {
        Files.createDirectories(folder);
        Process process = new ProcessBuilder(
                        "unshare",
                        "--net",
                        "dockerd",
                        "--data-root=" + folder.resolve("data"),
                        "--exec-root=" + folder.resolve("run"),
                        "--pidfile=" + folder.resolve("pid"),
                        "--host=unix://" + folder.resolve("d.sock"),
                        "--bridge=none",
                        "--iptables=false",
                        "--ip6tables=false")
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        ClassicDocker docker = new ClassicDocker(process, folder);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (docker.docker("version").status() != 0) {
            if (System.nanoTime() > end || !process.isAlive()) {
                docker.close();
                throw new IOException("dockerd does not answer:\n" + Files.readString(folder.resolve("log")));
            }
            Thread.sleep(100);
        }
        return docker;
    }

    Outcome docker(String... arguments) throws IOException, InterruptedException {
        return Outcome.of(
                java.util.stream.Stream.concat(
                                java.util.stream.Stream.of("docker", "--host", "unix://" + folder.resolve("d.sock")),
                                java.util.Arrays.stream(arguments))
                        .toList(),
                Map.of("DOCKER_BUILDKIT", "0"),
                PATIENCE);
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(20, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
        Outcome.of(
                "sh", "-c", "grep -o ' " + folder + "[^ ]*' /proc/mounts | xargs -r -n1 umount -l; rm -rf " + folder);
    }
}
