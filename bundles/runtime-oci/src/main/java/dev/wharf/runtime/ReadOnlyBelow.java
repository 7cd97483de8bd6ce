package dev.wharf.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether a runtime can make what is mounted below a mount read-only with it (its option {@code rro}), which takes
 * mount_setattr(2) of Linux 5.12. runc tells so among its features; crun before 1.8.2 tells nothing, and can since 1.4.
 */
final class ReadOnlyBelow {
    private static final Logger LOG = LoggerFactory.getLogger(ReadOnlyBelow.class);
    private static final Pattern CRUN = Pattern.compile("crun version (\\d+)\\.(\\d+)");
    private static final Pattern KERNEL = Pattern.compile("^(\\d+)\\.(\\d+)");

    private final Programs programs;
    private final Duration patience;
    private final Map<Path, Boolean> known = new ConcurrentHashMap<>();

    ReadOnlyBelow(Programs programs, Duration patience) {
        this.programs = programs;
        this.patience = patience;
    }

    boolean isOffered(RuntimeBinary runtime) {
        return known.computeIfAbsent(runtime.path(), path -> look(runtime));
    }

    private boolean look(RuntimeBinary runtime) {
        try {
            String kernel = Files.readString(Path.of("/proc/sys/kernel/osrelease"));
            if (!isAtLeast(KERNEL.matcher(kernel), 5, 12)) {
                return false;
            }
            String features = programs.run(runtime.path(), java.util.List.of("features"), patience)
                    .output();
            String version = programs.run(runtime.path(), java.util.List.of("--version"), patience)
                    .output();
            return features.contains("\"rro\"") || isAtLeast(CRUN.matcher(version), 1, 4);
        } catch (IOException e) {
            LOG.warn("cannot ask a runtime what it can do runtime={} reason={}", runtime.path(), e.getMessage());
            return false;
        }
    }

    private static boolean isAtLeast(Matcher version, int major, int minor) {
        if (!version.find()) {
            return false;
        }
        int first = Integer.parseInt(version.group(1));
        return first > major || first == major && Integer.parseInt(version.group(2)) >= minor;
    }
}
