package dev.wharf.itests.images;

import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Debian's docker-registry on a free port of loopback, filled by skopeo, which is somebody else's idea of the protocol. */
public final class LoopbackRegistry implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final int port;
    private final Process process;

    private LoopbackRegistry(Path folder, int port, Process process) {
        this.folder = folder;
        this.port = port;
        this.process = process;
    }

    public static LoopbackRegistry start() throws IOException, InterruptedException {
        return start(Files.createTempDirectory("wharf-registry"), "");
    }

    /** One that asks who is there, and knows only {@code user} with the password {@code right}. */
    public static LoopbackRegistry withPassword() throws IOException, InterruptedException {
        return withPassword("$2y$05$5OvwC3WSykFUY2Ok/j5J5Ohg5Ax3.XDPrzTy.yj332hBIqrFm.d2q");
    }

    /** The same with another password, as {@code htpasswd -B} hashes it. */
    public static LoopbackRegistry withPassword(String hash) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("wharf-registry");
        Path passwords = folder.resolve("htpasswd");
        Files.writeString(passwords, "user:" + hash + "\n");
        return start(folder, "auth: {htpasswd: {realm: test, path: " + passwords + "}}\n");
    }

    /** One that keeps what is pulled through it from another. */
    public static LoopbackRegistry inFrontOf(LoopbackRegistry other) throws IOException, InterruptedException {
        return start(Files.createTempDirectory("wharf-registry"), "proxy: {remoteurl: " + other.url() + "}\n");
    }

    private static LoopbackRegistry start(Path folder, String more) throws IOException, InterruptedException {
        int port = freePort();
        Path config = folder.resolve("config.yml");
        Files.writeString(config, """
                version: 0.1
                log:
                  level: error
                storage:
                  filesystem:
                    rootdirectory: %s
                http:
                  addr: 127.0.0.1:%d
                """.formatted(folder.resolve("data"), port) + more);
        Process process = new ProcessBuilder("docker-registry", "serve", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        LoopbackRegistry registry = new LoopbackRegistry(folder, port, process);
        try {
            registry.awaitAnswer();
            return registry;
        } catch (IOException | InterruptedException e) {
            registry.close();
            throw e;
        }
    }

    public static int freePort() throws IOException {
        try (ServerSocket probe = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return probe.getLocalPort();
        }
    }

    private void awaitAnswer() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < deadline) {
            if (!process.isAlive()) {
                throw new IOException("docker-registry ended\n" + Files.readString(folder.resolve("log")));
            }
            try (Socket probe = new Socket(InetAddress.getLoopbackAddress(), port)) {
                if (probe.isConnected()) return;
            } catch (IOException e) {
                Thread.sleep(20);
            }
        }
        throw new IOException("docker-registry does not answer\n" + Files.readString(folder.resolve("log")));
    }

    /** {@code 127.0.0.1:port}. */
    public String host() {
        return "127.0.0.1:" + port;
    }

    public String url() {
        return "http://" + host();
    }

    /** Puts the image of a layout into the registry, as {@code library/NAME:latest}, where {@code docker pull NAME} looks. */
    public void offer(String name, Path layout) throws IOException, InterruptedException {
        Outcome.of(
                        List.of(
                                "skopeo",
                                "copy",
                                "--quiet",
                                "--insecure-policy",
                                "--dest-tls-verify=false",
                                "oci:" + layout + ":latest",
                                "docker://" + host() + "/library/" + name + ":latest"),
                        Map.of(),
                        Duration.ofMinutes(3))
                .outOrThrow();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) process.destroyForcibly().waitFor();
        Outcome.of("rm", "-rf", folder.toString());
    }
}
