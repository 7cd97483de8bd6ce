package dev.wharf.linux.net;

import dev.wharf.linux.libc.LibC;
import java.nio.ByteOrder;
import jnr.ffi.Memory;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;

/**
 * Classic BPF on a netlink socket (the kernel's networking/filter.rst): what it does not let through wakes nobody. Each
 * container that comes or goes makes a dozen messages about devices, of which one or two say that one was lost.
 */
final class SocketFilter {
    private static final int SOL_SOCKET = 1;
    private static final int SO_ATTACH_FILTER = 26;

    private static final int LOAD_HALF = 0x28;
    private static final int LOAD_BYTE = 0x30;
    private static final int IF_EQUAL = 0x15;
    private static final int IF_BITS = 0x45;
    private static final int RETURN = 0x06;

    /** Loads are in network order, the kernel's numbers in its own. */
    private static final boolean LITTLE = ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;

    /**
     * Lets RTM_DELLINK through, and RTM_NEWLINK of a device that is down, for any family but the bridges' own. After the
     * header of 16 octets comes struct ifinfomsg: the family first, the flags 8 octets on (rtnetlink(7)). Each row is a
     * struct sock_filter: code, jump if true, jump if false, operand.
     */
    static final int[][] DEVICE_LOST = {
        {LOAD_HALF, 0, 0, 4},
        {IF_EQUAL, 3, 0, half(Request.RTM_DELLINK)},
        {IF_EQUAL, 0, 5, half(Request.RTM_NEWLINK)},
        {LOAD_BYTE, 0, 0, LITTLE ? 24 : 27},
        {IF_BITS, 3, 0, 1},
        {LOAD_BYTE, 0, 0, 16},
        {IF_EQUAL, 0, 1, 0},
        {RETURN, 0, 0, -1},
        {RETURN, 0, 0, 0},
    };

    private SocketFilter() {}

    private static int half(int number) {
        return LITTLE ? Short.toUnsignedInt(Short.reverseBytes((short) number)) : number;
    }

    /** Attaches a program. A kernel that refuses only means that more is heard than is wanted. */
    static void attach(LibC libc, int fd, int[][] program) {
        Pointer rows = Memory.allocateDirect(Runtime.getRuntime(libc), program.length * 8L);
        for (int i = 0; i < program.length; i++) {
            int[] row = program[i];
            rows.putShort(i * 8L, (short) row[0]);
            rows.putByte(i * 8L + 2, (byte) row[1]);
            rows.putByte(i * 8L + 3, (byte) row[2]);
            rows.putInt(i * 8L + 4, row[3]);
        }
        // struct sock_fprog: the number of rows and, aligned to eight octets, where they are.
        long address = rows.address();
        int low = (int) address;
        int high = (int) (address >>> 32);
        int[] given =
                LITTLE ? new int[] {program.length, 0, low, high} : new int[] {program.length << 16, 0, high, low};
        libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, given, 16);
    }
}
