package dev.wharf.cli.doctor;

import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** The machine under the agent: its files, and programs that can be asked. */
public class Machine {
    private static final List<Path> FOLDERS = Stream.of(
                    "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
            .map(Path::of)
            .toList();

    /** More than any of the kernel's files that are read here. */
    private static final int MOST_BYTES = 8 << 20;

    private static final Duration PATIENCE = Duration.ofSeconds(10);

    private final Path root;

    public Machine() {
        this(Path.of("/"));
    }

    /** One whose files lie below {@code root}. */
    Machine(Path root) {
        this.root = root;
    }

    /** How a program ended, and all it said. */
    public record Ran(int status, String said) {
        /** Its first line, which has to do for a reader. */
        String line() {
            return said.lines().findFirst().orElse("status " + status).strip();
        }
    }

    Path at(String path) {
        return root.resolve(path.substring(1));
    }

    /** A file's text; empty where there is none, or none that may be read. */
    public String text(String path) {
        // Not Files.readString: it takes the first byte for itself, and a number in /proc/sys is only told in one go.
        try (InputStream in = new FileInputStream(at(path).toFile())) {
            return new String(in.readNBytes(MOST_BYTES), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            return "";
        }
    }

    boolean has(String path) {
        return Files.exists(at(path));
    }

    /** A number in a file of its own; empty where there is no such file. */
    Optional<Long> number(String path) {
        String text = text(path);
        return text.matches("[0-9]{1,18}") ? Optional.of(Long.parseLong(text)) : Optional.empty();
    }

    Optional<Path> program(String name) {
        return FOLDERS.stream()
                .map(folder -> at(folder.toString()).resolve(name))
                .filter(Files::isExecutable)
                .findFirst();
    }

    /** Runs a program to its end, for ten seconds at most. Empty where there is none of that name. */
    public Optional<Ran> run(String program, String... arguments) {
        Optional<Path> path = program(program);
        if (path.isEmpty()) return Optional.empty();
        Path said = null;
        try {
            // A file rather than a pipe: whatever the program starts may hold on to it for as long as it likes.
            said = Files.createTempFile("wharf-doctor", ".txt");
            Process process = new ProcessBuilder(
                            Stream.concat(Stream.of(path.get().toString()), Stream.of(arguments))
                                    .toList())
                    .redirectErrorStream(true)
                    .redirectInput(
                            ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
                    .redirectOutput(said.toFile())
                    .start();
            if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly().waitFor();
                return Optional.of(new Ran(-1, "still running after " + PATIENCE.toSeconds() + " seconds"));
            }
            return Optional.of(
                    new Ran(process.exitValue(), Files.readString(said).strip()));
        } catch (IOException e) {
            return Optional.of(new Ran(-1, String.valueOf(e.getMessage())));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of(new Ran(-1, "interrupted"));
        } finally {
            if (said != null) said.toFile().delete();
        }
    }

    boolean isRoot() {
        try {
            return Integer.valueOf(0).equals(Files.getAttribute(Path.of("/proc/self"), "unix:uid"));
        } catch (IOException e) {
            return false;
        }
    }

    /** The command lines of all processes, with a space between their words. */
    List<String> commands() {
        try (Stream<Path> entries = Files.list(at("/proc"))) {
            return entries.map(entry -> entry.getFileName().toString())
                    .filter(name -> name.matches("[0-9]+"))
                    .map(pid -> text("/proc/" + pid + "/cmdline").replace('\0', ' '))
                    .filter(line -> !line.isEmpty())
                    .toList();
        } catch (IOException e) {
            return List.of();
        }
    }
}
