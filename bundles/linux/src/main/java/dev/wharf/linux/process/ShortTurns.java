package dev.wharf.linux.process;

import dev.wharf.linux.libc.LibC;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Lets the scheduler run a thread soon. Of two that are due to the same share of a processor, the one that asks for the shorter
 * slice runs first, and takes the processor from one in the middle of a longer slice (EEVDF, kernel/sched/fair.c). What a
 * thread waits for is then not, say, the end of a monitor, which gives back its memory for a millisecond.
 */
public final class ShortTurns {
    /** struct sched_attr in its first version (sched_setattr(2)). */
    private static final int SIZE = 48;

    private static final int POLICY_OFFSET = 4;
    private static final int FLAGS_OFFSET = 8;
    private static final int RUNTIME_OFFSET = 24;

    private static final int SCHED_OTHER = 0;
    private static final long SCHED_FLAG_RESET_ON_FORK = 1;

    /** The shortest slice there is, in nanoseconds. */
    private static final long SLICE = 100_000;

    // Of these calls each family of architectures has its own numbers.
    private static final boolean X86 = System.getProperty("os.arch").equals("amd64");
    private static final long SYS_SCHED_SETATTR = X86 ? 314 : 274;
    private static final long SYS_SCHED_GETATTR = X86 ? 315 : 275;

    private ShortTurns() {}

    /** Gives the calling thread the shortest slice, unless somebody gave it another policy; an older kernel ignores it. */
    public static void take(LibC libc) {
        byte[] raw = new byte[SIZE];
        if (libc.syscall(SYS_SCHED_GETATTR, 0, raw, SIZE, 0) < 0) {
            return;
        }
        ByteBuffer attributes = ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder());
        if (attributes.getInt(POLICY_OFFSET) == SCHED_OTHER) {
            attributes.putLong(FLAGS_OFFSET, attributes.getLong(FLAGS_OFFSET) | SCHED_FLAG_RESET_ON_FORK);
            attributes.putLong(RUNTIME_OFFSET, SLICE);
            libc.syscall(SYS_SCHED_SETATTR, 0, raw, 0L);
        }
    }
}
