package dev.wharf.spi.kernel;

import java.io.IOException;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/** Compiles filters of system calls for seccomp(2). Safe to use from any thread. */
@ProviderType
public interface SystemCallFilters {
    /**
     * A filter as the kernel takes it: instructions of eight bytes each in the host's byte order (struct sock_filter). An
     * IOException says why there is none: no library for it on this host, or a profile that means nothing to it.
     */
    byte[] compile(Profile profile) throws IOException;

    /**
     * What a process may call.
     *
     * @param otherwise what happens to a call that no rule is about, in the kernel's words (SECCOMP_RET_* of seccomp(2))
     * @param architectures besides the host's own, in libseccomp's words such as {@code x86} (seccomp_arch_add(3))
     */
    record Profile(int otherwise, List<String> architectures, List<Rule> rules) {}

    /**
     * What happens to calls with these names; names that this host does not know are left out.
     *
     * @param action as {@code otherwise}
     * @param where all of which must hold of the call's arguments, each argument at most once
     */
    record Rule(List<String> calls, int action, List<Comparison> where) {}

    /**
     * Compares an argument.
     *
     * @param argument its number, from 0 to 5
     * @param value what it is compared with, or the mask where it is masked
     * @param masked what a masked one must be
     */
    record Comparison(int argument, Operator operator, long value, long masked) {}

    /** How an argument is compared (enum scmp_compare of seccomp_rule_add(3), in its order from 1). */
    enum Operator {
        NE,
        LT,
        LE,
        EQ,
        GE,
        GT,
        MASKED_EQ
    }
}
