package dev.wharf.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import picocli.CommandLine.Option;

/**
 * A journal that is asked where it lies rather than through an agent. Reading it takes the classes of the agent, which this
 * command does without otherwise; so they are run in a JVM of their own.
 */
final class Stored {
    private static final String READER = "dev.wharf.engine.journal.StoredJournal";

    @Option(
            names = "--data-root",
            paramLabel = "DIR",
            description = "read the journal in this data root, without an agent; none may have it open")
    private Path root = Path.of("");

    boolean isAsked() {
        return !root.toString().isEmpty();
    }

    /** What {@code question} is answered with, as JSON. */
    String ask(String question, String... words) throws IOException {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                String.join(":", jars()),
                READER,
                question,
                root.toAbsolutePath().toString()));
        command.addAll(List.of(words));
        Process reader = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        try (InputStream answer = reader.getInputStream()) {
            String text = new String(answer.readAllBytes(), StandardCharsets.UTF_8);
            if (reader.waitFor() != 0) {
                throw new IOException("the journal in " + root + " cannot be read");
            }
            return text;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("interrupted", e);
        }
    }

    private static List<String> jars() throws IOException {
        Path home = Path.of(System.getProperty("wharf.home", "."));
        List<String> jars =
                new ArrayList<>(List.of(home.resolve("lib/slf4j-api.jar").toString()));
        try (Stream<Path> front = Files.list(home.resolve("bundles/2-front"))) {
            front.sorted().map(Path::toString).forEach(jars::add);
        }
        return jars;
    }
}
