package dev.wharf.linux.kernel;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Words of mount(8) as mount(2) wants them.
 *
 * @param flags what the mount itself is to be
 * @param propagation a further call's flags, 0 for none
 * @param data words that the file system reads
 */
record MountOptions(long flags, long propagation, List<String> data) {
    static final long MS_RDONLY = 1;
    static final long MS_REMOUNT = 32;
    static final long MS_BIND = 4096;
    static final long MS_REC = 16384;
    static final long MS_PRIVATE = 1 << 18;

    private static final Map<String, Long> SET = Map.ofEntries(
            Map.entry("ro", MS_RDONLY),
            Map.entry("nosuid", 2L),
            Map.entry("nodev", 4L),
            Map.entry("noexec", 8L),
            Map.entry("sync", 16L),
            Map.entry("remount", MS_REMOUNT),
            Map.entry("mand", 64L),
            Map.entry("dirsync", 128L),
            Map.entry("noatime", 1024L),
            Map.entry("nodiratime", 2048L),
            Map.entry("bind", MS_BIND),
            Map.entry("rbind", MS_BIND | MS_REC),
            Map.entry("silent", 32768L),
            Map.entry("relatime", 1L << 21),
            Map.entry("strictatime", 1L << 24),
            Map.entry("lazytime", 1L << 25));
    private static final Map<String, Long> CLEAR = Map.of(
            "rw",
            MS_RDONLY,
            "suid",
            2L,
            "dev",
            4L,
            "exec",
            8L,
            "async",
            16L,
            "atime",
            1024L,
            "diratime",
            2048L,
            "norelatime",
            1L << 21,
            "nostrictatime",
            1L << 24,
            "nolazytime",
            1L << 25);
    private static final Map<String, Long> PROPAGATION = Map.of(
            "unbindable",
            1L << 17,
            "runbindable",
            (1L << 17) | MS_REC,
            "private",
            MS_PRIVATE,
            "rprivate",
            MS_PRIVATE | MS_REC,
            "slave",
            1L << 19,
            "rslave",
            (1L << 19) | MS_REC,
            "shared",
            1L << 20,
            "rshared",
            (1L << 20) | MS_REC);

    MountOptions {
        data = List.copyOf(data);
    }

    static MountOptions parse(List<String> words) {
        long flags = 0;
        long propagation = 0;
        List<String> data = new ArrayList<>();
        for (String word : words) {
            if (SET.containsKey(word)) {
                flags |= SET.getOrDefault(word, 0L);
            } else if (CLEAR.containsKey(word)) {
                flags &= ~CLEAR.getOrDefault(word, 0L);
            } else if (PROPAGATION.containsKey(word)) {
                propagation = PROPAGATION.getOrDefault(word, 0L);
            } else if (!word.isEmpty() && !word.equals("defaults")) {
                data.add(word);
            }
        }
        return new MountOptions(flags, propagation, data);
    }

    /** A bind takes no other flags at first; they need a second call. */
    boolean isBind() {
        return (flags & MS_BIND) != 0;
    }
}
