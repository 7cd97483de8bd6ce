package dev.wharf.itests.daemon;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** How a command ended, and what it said. */
public record Outcome(int status, String out, String err) {

    /** Runs a command to its end, and kills it when it takes longer than {@code patience}. */
    public static Outcome of(List<String> command, Map<String, String> environment, Duration patience)
            throws IOException, InterruptedException {
        // Files rather than pipes: a child that lives on, such as a daemon, does not keep us waiting for its end.
        Path out = Files.createTempFile("out", ".txt");
        Path err = Files.createTempFile("err", ".txt");
        try {
            ProcessBuilder builder = new ProcessBuilder(command)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(out.toFile())
                    .redirectError(err.toFile());
            builder.environment().putAll(environment);
            Process process = builder.start();
            if (!process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                throw new IOException("after " + patience + " still running: " + String.join(" ", command) + "\n"
                        + read(out) + read(err));
            }
            return new Outcome(process.exitValue(), read(out), read(err));
        } finally {
            Files.delete(out);
            Files.delete(err);
        }
    }

    public static Outcome of(String... command) throws IOException, InterruptedException {
        return of(List.of(command), Map.of(), Duration.ofSeconds(60));
    }

    private static String read(Path file) throws IOException {
        return Files.readString(file, StandardCharsets.UTF_8);
    }

    /** What was said, when all went well; otherwise an error that shows everything. */
    public String outOrThrow() throws IOException {
        if (status != 0) throw new IOException("exit status " + status + "\n" + out + err);
        return out;
    }
}
