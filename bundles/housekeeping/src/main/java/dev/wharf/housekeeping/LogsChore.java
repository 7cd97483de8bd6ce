package dev.wharf.housekeeping;

import dev.wharf.core.agent.Jobs.Line;
import dev.wharf.core.state.Container;
import dev.wharf.model.ContainerSpec.Logging;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Checks that container logs stay within their limits. Parts are begun and thrown away by the runtime's driver as lines come; this
 * tells of logs where that does not happen.
 */
final class LogsChore implements Chore {
    /** A burst may pass the limit before the keeper looks, which is twice a second. */
    private static final long BURST_BYTES = 64L << 20;

    @Override
    public String name() {
        return "logs";
    }

    @Override
    public String what() {
        return "checks that container logs stay within their limits";
    }

    @Override
    public boolean hasDryRun() {
        return false;
    }

    @Override
    public void work(Shift shift) {
        long all = 0;
        int logs = 0;
        for (Container container : shift.agent().host().containers().values()) {
            shift.goOn();
            shift.progress("looks at the log of " + container.name());
            Optional<Long> bytes = bytes(shift, container);
            if (bytes.isEmpty()) {
                continue;
            }
            logs++;
            all += bytes.get();
            limit(container.spec().logging())
                    .filter(limit -> bytes.get() > limit + BURST_BYTES)
                    .ifPresent(limit -> {
                        shift.amiss();
                        shift.line(new Line(
                                "log",
                                container.id().value(),
                                container.name(),
                                bytes.get(),
                                "larger than its limit of " + Forms.words(limit)
                                        + ": its parts are not thrown away; see the agent's log for why"));
                    });
        }
        shift.summary(Forms.count(logs, "log") + " take " + Forms.words(all)
                + (shift.items() == 0 ? "" : ", " + shift.items() + " of them more than their limit"));
    }

    private static Optional<Long> bytes(Shift shift, Container container) {
        try {
            Path log = shift.agent().streams().logFile(container.id());
            String name = log.getFileName().toString();
            long bytes = 0;
            try (DirectoryStream<Path> parts =
                    Files.newDirectoryStream(log.toAbsolutePath().getParent(), name + "*")) {
                for (Path part : parts) {
                    bytes += sizeOf(part);
                }
            }
            return Optional.of(bytes);
        } catch (DriverException | IOException e) {
            // It has no log, or goes at this moment.
            return Optional.empty();
        }
    }

    private static long sizeOf(Path part) throws IOException {
        try {
            return Files.size(part);
        } catch (NoSuchFileException e) {
            return 0;
        }
    }

    /** As Docker has it: what its options say, or else a hundred megabytes of json-file and twenty of others, five times. */
    private static Optional<Long> limit(Logging logging) {
        boolean json = logging.driver().equals("json-file");
        String size = logging.options().getOrDefault("max-size", json ? "100m" : "20m");
        String files = logging.options()
                .getOrDefault("max-file", logging.options().containsKey("max-size") && json ? "1" : "5");
        try {
            long part = size.equals("-1") ? 0 : Forms.size(size, 0);
            return part == 0 ? Optional.empty() : Optional.of(part * Math.max(1, Integer.parseInt(files)));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
