package dev.wharf.itests.build;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.TarWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Builds ten steps, five COPYs and five RUNs, cold and then from the cache, with Wharf and, where it is installed, with dockerd,
 * in turns. Run by hand:
 *
 * <pre>
 * mvn -pl itests test-compile exec:java -Dexec.classpathScope=test -Dexec.mainClass=dev.wharf.itests.build.BuildBenchmark
 * </pre>
 */
final class BuildBenchmark {
    private static final int ROUNDS = 9;

    private BuildBenchmark() {}

    /** One daemon under test. */
    private record Rival(String name, String socket, List<Double> cold, List<Double> cached) {
        Rival(String name, Path socket) {
            this(name, socket.toString(), new ArrayList<>(), new ArrayList<>());
        }

        void round(Path context) throws IOException, InterruptedException {
            cold.add(build(context, 1));
            cached.add(build(context, 0));
        }

        private double build(Path context, int noCache) throws IOException, InterruptedException {
            Outcome outcome = Outcome.of(
                    List.of(
                            "curl",
                            "--silent",
                            "--unix-socket",
                            socket,
                            "--write-out",
                            "\n%{time_total}",
                            "-X",
                            "POST",
                            "-H",
                            "Content-Type: application/x-tar",
                            "--data-binary",
                            "@" + context,
                            "http://docker/v1.41/build?t=bench:1&rm=1&forcerm=1&networkmode=none&nocache=" + noCache),
                    Map.of(),
                    Duration.ofMinutes(2));
            if (!outcome.out().contains("Successfully tagged")) {
                throw new IOException(name + ": " + outcome.out() + outcome.err());
            }
            return Double.parseDouble(outcome.out().substring(outcome.out().lastIndexOf('\n') + 1));
        }
    }

    public static void main(String[] words) throws Exception {
        Path folder = Files.createTempDirectory("wharf-bench");
        Path context = context(folder);
        try (Daemon wharf = SharedAgent.withBusybox(folder.resolve("wharf"))) {
            List<Rival> rivals = new ArrayList<>(List.of(new Rival("wharf", wharf.socket())));
            if (ClassicDocker.isInstalled()) {
                try (ClassicDocker docker = ClassicDocker.start(folder.resolve("dockerd"))) {
                    Path image = folder.resolve("busybox.tar");
                    wharf.docker("save", "--output", image.toString(), "busybox")
                            .outOrThrow();
                    docker.docker("load", "--input", image.toString()).outOrThrow();
                    rivals.add(new Rival("dockerd", folder.resolve("dockerd/d.sock")));
                    run(rivals, context);
                }
            } else {
                run(rivals, context);
            }
        } finally {
            Outcome.of("rm", "-rf", folder.toString());
        }
    }

    /** The first rounds warm up and do not count; the others begin in turns. */
    private static void run(List<Rival> rivals, Path context) throws IOException, InterruptedException {
        for (int i = 0; i < ROUNDS + 2; i++) {
            for (int j = 0; j < rivals.size(); j++) {
                Rival rival = rivals.get((i + j) % rivals.size());
                rival.round(context);
                if (i < 2) {
                    rival.cold().clear();
                    rival.cached().clear();
                }
            }
        }
        for (Rival rival : rivals) {
            System.out.printf(
                    Locale.ROOT,
                    "%-8s cold %7.1f ms   cached %6.1f ms   (medians of %d)%n",
                    rival.name(),
                    median(rival.cold()) * 1000,
                    median(rival.cached()) * 1000,
                    ROUNDS);
        }
        if (rivals.size() > 1) {
            System.out.printf(
                    Locale.ROOT,
                    "wharf is %.1f times as fast cold, and %.1f times from the cache%n",
                    median(rivals.get(1).cold()) / median(rivals.get(0).cold()),
                    median(rivals.get(1).cached()) / median(rivals.get(0).cached()));
        }
    }

    private static double median(List<Double> all) {
        return all.stream().sorted().toList().get(all.size() / 2);
    }

    private static Path context(Path folder) throws IOException {
        StringBuilder dockerfile = new StringBuilder("FROM busybox\n");
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        for (int i = 0; i < 5; i++) {
            dockerfile.append("COPY f%d /app/f%d\nRUN echo %d > /app/r%d\n".formatted(i, i, i, i));
            byte[] content = new byte[100_000];
            new Random(i).nextBytes(content);
            put(tar, "f" + i, content);
        }
        put(tar, "Dockerfile", dockerfile.toString().getBytes(StandardCharsets.UTF_8));
        tar.writeBytes(new byte[TarWriter.END_BYTES]);
        return Files.write(folder.resolve("context.tar"), tar.toByteArray());
    }

    private static void put(ByteArrayOutputStream tar, String name, byte[] content) {
        tar.writeBytes(TarWriter.header(
                new Entry(Entry.Kind.FILE, name, "", 0644, 0, 0, content.length, 0, 0, 0, 0, Map.of())));
        tar.writeBytes(content);
        tar.writeBytes(new byte[TarWriter.padding(content.length)]);
    }
}
