package dev.wharf.linux.process;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets the kernel's RCU grace periods pass in microseconds instead of scheduler ticks, for the moment in which this process
 * waits for one. It is what the kernel itself does for each unmount (kernel/rcu/tree_exp.h, fs/namespace.c): interrupts to
 * the processors that are busy, in place of waiting until each has come by on its own.
 *
 * <p>The switch is one for the whole host, {@code /sys/kernel/rcu_expedited}. Where somebody has set it for good, or has
 * forbidden haste by {@code rcu_normal}, nothing is changed. A mark says who forgot to set it back: an agent that died.
 */
final class GracePeriods {
    private static final Logger LOG = LoggerFactory.getLogger(GracePeriods.class);
    private static final GracePeriods OF_THIS_HOST =
            new GracePeriods(Path.of("/sys/kernel"), Path.of("/run/wharf.rcu_expedited"));

    private final Path expedited;
    private final Path normal;
    private final Path mark;

    GracePeriods(Path kernel, Path mark) {
        this.expedited = kernel.resolve("rcu_expedited");
        this.normal = kernel.resolve("rcu_normal");
        this.mark = mark;
    }

    /** Ends the haste when closed. */
    interface Haste extends AutoCloseable {
        @Override
        void close();
    }

    /** Makes haste until closed, where that is possible. */
    static Haste hasten() {
        return OF_THIS_HOST.begin();
    }

    /** Ends the haste of an agent that died in the midst of it. */
    static void mend() {
        OF_THIS_HOST.endForgotten();
    }

    Haste begin() {
        Optional<FileChannel> channel = Optional.empty();
        try {
            if (!isSet(normal) && !isSet(expedited)) {
                channel = Optional.of(FileChannel.open(expedited, StandardOpenOption.WRITE));
                Files.write(mark, new byte[0]);
                set(channel.get(), true);
            }
        } catch (IOException e) {
            LOG.debug("grace periods cannot be hastened reason={}", e.toString());
        }
        Optional<FileChannel> open = channel;
        return () -> open.ifPresent(this::end);
    }

    private void end(FileChannel channel) {
        try (channel) {
            set(channel, false);
            Files.deleteIfExists(mark);
        } catch (IOException e) {
            LOG.warn("the kernel goes on expediting grace periods, write 0 to {} to end it", expedited, e);
        }
    }

    void endForgotten() {
        if (Files.exists(mark)) {
            try {
                end(FileChannel.open(expedited, StandardOpenOption.WRITE));
            } catch (IOException e) {
                LOG.debug("nothing to set back reason={}", e.toString());
            }
        }
    }

    private static boolean isSet(Path file) throws IOException {
        return !Files.readString(file, StandardCharsets.US_ASCII).strip().equals("0");
    }

    private static void set(FileChannel channel, boolean on) throws IOException {
        channel.write(ByteBuffer.wrap((on ? "1" : "0").getBytes(StandardCharsets.US_ASCII)), 0);
    }
}
