package dev.wharf.launch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * A directory held for this process alone. The kernel keeps the claim and drops it when the process ends, however it
 * ends, so nothing is ever left to clean up; the file itself stays and means nothing.
 */
final class Claim implements AutoCloseable {
    private static final String FILE = "wharfd.lock";

    private static final Set<PosixFilePermission> OTHERS = PosixFilePermissions.fromString("------rwx");

    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final FileChannel channel;

    private Claim(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * The same as {@link #on}, and nobody but root and the directory's group may come in: what containers were given, their
     * environment among it, is written in there.
     */
    static Claim alone(Path root, String option) throws CannotStart {
        Claim claim = on(root, option);
        try {
            Set<PosixFilePermission> allowed = new HashSet<>(Files.getPosixFilePermissions(root));
            if (allowed.removeAll(OTHERS)) {
                Files.setPosixFilePermissions(root, allowed);
            }
            return claim;
        } catch (IOException e) {
            claim.close();
            throw new CannotStart("cannot keep others out of " + root + ", the " + option + ": " + Reason.of(e), e);
        }
    }

    /** Makes {@code root} if need be and claims it; {@code option} is what to change when somebody else has it. */
    static Claim on(Path root, String option) throws CannotStart {
        try {
            Files.createDirectories(root);
            return take(root.resolve(FILE), root, option);
        } catch (IOException e) {
            throw new CannotStart("cannot use " + root + " as " + option + ": " + Reason.of(e), e);
        }
    }

    /** Claims {@code file}, which is made if need be and then holds the number of this process; {@code named} in a refusal. */
    static Claim take(Path file, Path named, String option) throws IOException, CannotStart {
        FileChannel channel =
                FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
        if (!isLocked(channel)) {
            String holder = read(channel);
            channel.close();
            throw new CannotStart(
                    "another wharfd" + holder + " uses " + named + "; stop it or choose another " + option);
        }
        channel.truncate(0);
        channel.write(ByteBuffer.wrap(content().getBytes(StandardCharsets.US_ASCII)));
        return new Claim(channel);
    }

    /** What a claimed file holds. */
    static String content() {
        return ProcessHandle.current().pid() + "\n";
    }

    /** Takes the lock, and waits a little where its holder is just ending: one that was killed has it for a moment longer. */
    private static boolean isLocked(FileChannel channel) throws IOException {
        if (channel.tryLock() != null) {
            return true;
        }
        FutureTask<FileLock> waiting = new FutureTask<>(channel::lock);
        Thread thread = new Thread(waiting, "wharf-claim");
        thread.setDaemon(true);
        thread.start();
        try {
            waiting.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return true;
        } catch (TimeoutException | ExecutionException e) {
            // Closing the channel ends the wait.
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static String read(FileChannel channel) throws IOException {
        ByteBuffer pid = ByteBuffer.allocate(20);
        channel.read(pid, 0);
        String digits = new String(pid.array(), 0, pid.position(), StandardCharsets.US_ASCII).strip();
        return digits.isEmpty() ? "" : " (pid " + digits + ")";
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            // The process is about to end, and the kernel closes what we could not.
        }
    }
}
