package dev.wharf.linux.seccomp;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.annotations.In;
import jnr.ffi.types.u_int32_t;
import org.jspecify.annotations.Nullable;

/** The functions of libseccomp (seccomp_init(3)). They answer negative error numbers. Public for jnr alone. */
public interface LibSeccomp {
    /** What seccomp_syscall_resolve_name(3) answers for a name that nobody knows. */
    int UNKNOWN = -1;

    /** SCMP_FLTATR_CTL_OPTIMIZE: 2 asks for a tree instead of a list of comparisons (seccomp_attr_set(3)). */
    int OPTIMIZE = 8;

    @Nullable Pointer seccomp_init(@u_int32_t int action);

    void seccomp_release(Pointer context);

    int seccomp_arch_resolve_name(String name);

    int seccomp_arch_add(Pointer context, @u_int32_t int token);

    int seccomp_attr_set(Pointer context, int attribute, @u_int32_t int value);

    int seccomp_syscall_resolve_name(String name);

    int seccomp_rule_add_array(
            Pointer context, @u_int32_t int action, int call, int comparisons, @In byte @Nullable [] each);

    int seccomp_export_bpf(Pointer context, int fd);

    /** The library; an UnsatisfiedLinkError where the host has none. */
    static LibSeccomp load() {
        return LibraryLoader.create(LibSeccomp.class).failImmediately().load("libseccomp.so.2");
    }
}
