package dev.wharf.testkit.kafka;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * One Kafka broker in KRaft mode, in a JVM of its own with the class path of the test, which must hold {@code kafka_2.13}. It can
 * be killed and started again on the same port and the same data.
 */
public final class Broker implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final Path folder;
    private final int port;
    private final Path properties;
    private final List<String> flags;
    private Optional<Process> process = Optional.empty();

    private Broker(Path folder, int port, Path properties, List<String> flags) {
        this.folder = folder;
        this.port = port;
        this.properties = properties;
        this.flags = List.copyOf(flags);
    }

    /** Formats a broker's data in {@code folder} and starts it. */
    public static Broker start(Path folder) throws IOException, InterruptedException {
        return start(folder, Map.of(), List.of());
    }

    /**
     * The same with settings that replace or join the usual ones; {@code PORT} and {@code CONTROLLER} in them stand for the two
     * ports.
     *
     * @param format more words for the tool that formats the data, such as {@code --add-scram}
     */
    public static Broker start(Path folder, Map<String, String> settings, List<String> format)
            throws IOException, InterruptedException {
        return start(folder, settings, format, List.of());
    }

    /**
     * The same with words for its JVM.
     *
     * @param flags such as {@code -Dname=value}
     */
    public static Broker start(Path folder, Map<String, String> settings, List<String> format, List<String> flags)
            throws IOException, InterruptedException {
        Files.createDirectories(folder);
        int port = freePort();
        int controller = freePort();
        Map<String, String> all = new LinkedHashMap<>();
        all.put("process.roles", "broker,controller");
        all.put("node.id", "1");
        all.put("controller.quorum.voters", "1@127.0.0.1:CONTROLLER");
        all.put("listeners", "PLAINTEXT://127.0.0.1:PORT,CONTROLLER://127.0.0.1:CONTROLLER");
        all.put("controller.listener.names", "CONTROLLER");
        all.put("log.dirs", folder.resolve("logs").toString());
        all.put("num.partitions", "1");
        all.put("auto.create.topics.enable", "false");
        all.put("offsets.topic.replication.factor", "1");
        all.put("offsets.topic.num.partitions", "1");
        all.put("transaction.state.log.replication.factor", "1");
        all.put("transaction.state.log.min.isr", "1");
        all.put("transaction.state.log.num.partitions", "1");
        all.put("group.initial.rebalance.delay.ms", "0");
        all.put("log.cleaner.dedupe.buffer.size", "2097152");
        all.putAll(settings);
        StringBuilder text = new StringBuilder();
        all.forEach((key, value) -> text.append(key)
                .append('=')
                .append(value.replace("PORT", Integer.toString(port)))
                .append('\n'));
        Path properties = folder.resolve("server.properties");
        Files.writeString(properties, text.toString().replace(":CONTROLLER", ":" + controller), StandardCharsets.UTF_8);
        Broker broker = new Broker(folder, port, properties, flags);
        List<String> words = new ArrayList<>(List.of(
                "kafka.tools.StorageTool", "format", "-t", "wharf-test-cluster-id0A", "-c", properties.toString()));
        words.addAll(format);
        Process formatting = broker.java(words, "format.log");
        if (!formatting.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS) || formatting.exitValue() != 0) {
            formatting.destroyForcibly();
            throw new IOException("broker data cannot be formatted\n" + Files.readString(folder.resolve("format.log")));
        }
        broker.start();
        return broker;
    }

    /** Starts it after a {@link #kill}, and waits until it takes connections. */
    public void start() throws IOException, InterruptedException {
        Process started = java(List.of("kafka.Kafka", properties.toString()), "broker.log");
        process = Optional.of(started);
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!isListening()) {
            if (!started.isAlive() || System.nanoTime() > end) {
                started.destroyForcibly();
                throw new IOException("broker does not start\n" + Files.readString(folder.resolve("broker.log")));
            }
            Thread.sleep(50);
        }
    }

    private boolean isListening() {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress("127.0.0.1", port), 500);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private Process java(List<String> words, String log) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1"));
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path")));
        command.addAll(words);
        return new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(
                        ProcessBuilder.Redirect.appendTo(folder.resolve(log).toFile()))
                .start();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    /** Where clients begin: {@code host:port}. */
    public String address() {
        return "127.0.0.1:" + port;
    }

    public boolean isAlive() {
        return process.map(Process::isAlive).orElse(false);
    }

    public long pid() {
        return process.orElseThrow().pid();
    }

    /** Takes the broker away without a word. */
    public void kill() throws InterruptedException {
        if (process.isPresent()) {
            process.get().destroyForcibly().waitFor();
        }
    }

    @Override
    public void close() throws InterruptedException {
        kill();
    }
}
