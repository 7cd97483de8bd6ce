package dev.wharf.runtime;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Runs a seccomp filter as the kernel does (seccomp(2), linux/bpf_common.h), as far as libseccomp makes use of it. */
final class FilterMachine {
    static final int X86_64 = 0xc000003e;
    static final int X86 = 0x40000003;

    private static final int RETURN = 0x06;
    private static final int LOAD = 0x20;
    private static final int LOAD_KEPT = 0x60;
    private static final int KEEP = 0x02;
    private static final int AND = 0x54;
    private static final int JUMP = 0x05;
    private static final int EQUAL = 0x15;
    private static final int GREATER = 0x25;
    private static final int GREATER_OR_EQUAL = 0x35;
    private static final int ANY_OF = 0x45;

    /** Where the arguments begin in struct seccomp_data. */
    private static final int ARGUMENTS = 16;

    private static final int DATA = 64;

    private final int[] code;
    private final int[] yes;
    private final int[] no;
    private final int[] value;

    FilterMachine(byte[] filter) {
        ByteBuffer in = ByteBuffer.wrap(filter).order(ByteOrder.nativeOrder());
        int count = filter.length / 8;
        code = new int[count];
        yes = new int[count];
        no = new int[count];
        value = new int[count];
        for (int i = 0; i < count; i++) {
            code[i] = in.getShort() & 0xffff;
            yes[i] = in.get() & 0xff;
            no[i] = in.get() & 0xff;
            value[i] = in.getInt();
        }
    }

    /** What happens to a call: SECCOMP_RET_* with its data. */
    int decide(int architecture, int call, long... arguments) {
        ByteBuffer data = ByteBuffer.allocate(DATA).order(ByteOrder.nativeOrder());
        data.putInt(call).putInt(architecture);
        for (int i = 0; i < arguments.length; i++) {
            data.putLong(ARGUMENTS + 8 * i, arguments[i]);
        }
        int[] kept = new int[16];
        int a = 0;
        for (int at = 0; ; at++) {
            int k = value[at];
            switch (code[at]) {
                case RETURN:
                    return k;
                case LOAD:
                    a = data.getInt(k);
                    break;
                case LOAD_KEPT:
                    a = kept[k];
                    break;
                case KEEP:
                    kept[k] = a;
                    break;
                case AND:
                    a &= k;
                    break;
                case JUMP:
                    at += k;
                    break;
                case EQUAL:
                    at += a == k ? yes[at] : no[at];
                    break;
                case GREATER:
                    at += Integer.compareUnsigned(a, k) > 0 ? yes[at] : no[at];
                    break;
                case GREATER_OR_EQUAL:
                    at += Integer.compareUnsigned(a, k) >= 0 ? yes[at] : no[at];
                    break;
                case ANY_OF:
                    at += (a & k) != 0 ? yes[at] : no[at];
                    break;
                default:
                    throw new IllegalStateException("instruction 0x" + Integer.toHexString(code[at]) + " at " + at);
            }
        }
    }
}
