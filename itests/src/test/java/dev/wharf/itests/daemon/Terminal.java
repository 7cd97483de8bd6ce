package dev.wharf.itests.daemon;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * A terminal of 40 rows and 100 columns with a person before it, who types and reads. The pseudo-terminal is made by {@code
 * script}, which every Debian has.
 */
public final class Terminal implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(20);

    /** What a shell says to the terminal rather than to the person. */
    private static final Pattern CONTROL = Pattern.compile("\\u001b\\[[?0-9;]*[a-zA-Z]");

    private final Process process;
    private final OutputStream keyboard;
    private final StringBuilder screen = new StringBuilder();
    private int read;

    private Terminal(Process process) {
        this.process = process;
        this.keyboard = process.getOutputStream();
        Thread reader = new Thread(this::read, "terminal");
        reader.setDaemon(true);
        reader.start();
    }

    /** Runs a shell command line in a new terminal. */
    public static Terminal run(Map<String, String> environment, String commandLine) throws IOException {
        ProcessBuilder builder = new ProcessBuilder(List.of(
                        "script",
                        "--quiet",
                        "--return",
                        "--command",
                        "stty rows 40 cols 100; " + commandLine,
                        "/dev/null"))
                .redirectErrorStream(true);
        builder.environment().putAll(environment);
        builder.environment().put("TERM", "xterm");
        builder.environment().put("SHELL", "/bin/sh");
        return new Terminal(builder.start());
    }

    private void read() {
        try (InputStream in = process.getInputStream()) {
            byte[] buffer = new byte[8192];
            for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
                synchronized (screen) {
                    screen.append(new String(buffer, 0, n, StandardCharsets.UTF_8));
                    screen.notifyAll();
                }
            }
        } catch (IOException e) {
            // The terminal is gone, and whoever waits for words on it will say so.
        } finally {
            synchronized (screen) {
                screen.notifyAll();
            }
        }
    }

    public void type(String keys) throws IOException {
        keyboard.write(keys.getBytes(StandardCharsets.UTF_8));
        keyboard.flush();
    }

    /** Waits until the screen shows {@code words} after what was read before, and answers all that was new up to their end. */
    public String readUntil(String words) throws IOException, InterruptedException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        synchronized (screen) {
            while (true) {
                int found = screen.indexOf(words, read);
                if (found >= 0) {
                    String text = screen.substring(read, found + words.length());
                    read = found + words.length();
                    return text;
                }
                long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
                if (left <= 0 || (!process.isAlive() && left < PATIENCE.toMillis() - 1000)) {
                    throw new IOException("the terminal never showed \"" + words + "\" but this:\n" + screen);
                }
                screen.wait(Math.min(left, 200));
            }
        }
    }

    /** Types a command line to a shell and answers what it printed, up to a mark that a second command prints. */
    public String command(String line) throws IOException, InterruptedException {
        // The mark is written in two halves, so that its echo is not taken for itself.
        type(line + "; printf '%s%s\\n' en d-of-it\r");
        String shown = readUntil("end-of-it");
        // What is typed before the shell asks is echoed twice, by the terminal and by the shell's line editor.
        int echo = shown.lastIndexOf("d-of-it\r\n");
        return CONTROL.matcher(shown.substring(echo < 0 ? 0 : echo + 9, shown.length() - "end-of-it".length()))
                .replaceAll("");
    }

    /** Everything that was ever on the screen. */
    public String screen() {
        synchronized (screen) {
            return screen.toString();
        }
    }

    /** Waits for the command to end, and answers its status. */
    public int end() throws IOException, InterruptedException {
        if (!process.waitFor(PATIENCE.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IOException("the command on the terminal does not end; it shows:\n" + screen());
        }
        return process.exitValue();
    }

    @Override
    public void close() throws InterruptedException {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly().waitFor();
    }
}
