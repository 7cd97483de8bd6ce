package dev.wharf.registry.distribution;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** A real registry, Debian's docker-registry, on a free port of the loopback device, with its data under one directory. */
final class DebianRegistry implements AutoCloseable {
    private static final Duration START = Duration.ofSeconds(20);

    private final Path folder;
    private final int port;
    private final String extra;
    private Process process;

    private DebianRegistry(Path folder, int port, String extra) throws IOException {
        this.folder = Files.createDirectories(folder);
        this.port = port;
        this.extra = extra;
    }

    /** A registry for everybody. */
    static DebianRegistry open(Path folder) throws Exception {
        return started(folder, freePort(), "", "");
    }

    /** A registry with more lines of configuration: at the top level, and under {@code http}. */
    static DebianRegistry with(Path folder, String top, String http) throws Exception {
        return started(folder, freePort(), top, http);
    }

    private static DebianRegistry started(Path folder, int port, String top, String http) throws Exception {
        DebianRegistry registry = new DebianRegistry(folder, port, http.indent(2) + "\n" + top + "\n");
        registry.start();
        return registry;
    }

    String host() {
        return "127.0.0.1:" + port;
    }

    void start() throws Exception {
        Path config = folder.resolve("config.yml");
        Files.writeString(config, """
                version: 0.1
                log: {level: warn}
                storage:
                  filesystem: {rootdirectory: %s}
                  delete: {enabled: true}
                http:
                  addr: 127.0.0.1:%d
                """.formatted(folder.resolve("data"), port) + extra);
        process = new ProcessBuilder("docker-registry", "serve", config.toString())
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("log").toFile())
                .start();
        long deadline = System.nanoTime() + START.toNanos();
        while (!answers()) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                throw new IllegalStateException("no registry: " + Files.readString(folder.resolve("log")));
            }
            Thread.sleep(20);
        }
    }

    private boolean answers() {
        try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
            return socket.isConnected();
        } catch (IOException e) {
            return false;
        }
    }

    void stop() throws InterruptedException {
        process.destroy();
        if (!process.waitFor(10, TimeUnit.SECONDS)) {
            process.destroyForcibly().waitFor();
        }
    }

    @Override
    public void close() throws InterruptedException {
        stop();
    }

    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
