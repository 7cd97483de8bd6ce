package dev.wharf.housekeeping;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Jobs.Line;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.state.Container;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Holds the files of removed containers within a limit; those with the least time left go first. When their time is up they go by
 * their own plans, which need nobody; this tells of any that do not.
 */
final class UndeleteChore implements Chore {
    private static final Duration OVERDUE = Duration.ofMinutes(5);
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Path dataRoot;

    UndeleteChore(Path dataRoot) {
        this.dataRoot = dataRoot;
    }

    @Override
    public String name() {
        return "undelete";
    }

    @Override
    public String what() {
        return "holds files of removed containers within their limit";
    }

    @Override
    public boolean hasDryRun() {
        return true;
    }

    @Override
    public void work(Shift shift) throws IOException, RefusedException, FailedException {
        List<Container> kept = new ArrayList<>(shift.agent().host().kept().values());
        kept.sort(Comparator.comparing((Container c) -> c.keepUntil().orElse(Instant.MAX))
                .thenComparing(c -> c.id().value()));
        Instant overdue = Instant.now().minus(OVERDUE);
        kept.stream()
                .filter(c -> c.keepUntil().filter(overdue::isAfter).isPresent())
                .forEach(c -> shift.line(new Line(
                        "container",
                        c.id().value(),
                        c.name(),
                        0,
                        "its time was up at " + c.keepUntil().orElse(Instant.MAX) + " and its files are still here;"
                                + " wharf explain says why")));
        Map<Container, Long> sizes = new HashMap<>();
        long all = 0;
        for (Container container : kept) {
            shift.goOn();
            shift.progress("measures what is kept of " + container.name());
            long bytes = bytes(shift, container);
            sizes.put(container, bytes);
            all += bytes;
        }
        OptionalLong limit = shift.options()
                .size("keep.storage", Files.getFileStore(dataRoot).getTotalSpace());
        long left = all;
        List<Container> going = new ArrayList<>();
        for (Container container : kept) {
            if (limit.isEmpty() || left <= limit.getAsLong()) {
                break;
            }
            going.add(container);
            long size = sizes.getOrDefault(container, 0L);
            shift.line(new Line(
                    "container",
                    container.id().value(),
                    container.name(),
                    size,
                    "removed containers keep " + Forms.words(left) + ", which is more than "
                            + Forms.words(limit.getAsLong()) + ", and this one has the least time left"));
            left -= size;
        }
        if (!shift.dryRun()) {
            for (Container container : going) {
                shift.giveIfStillSo(new ContainerCommand.Purge(container.id()));
            }
            shift.progress("waits for files to go");
            shift.awaitSo(
                    PATIENCE,
                    () -> going.stream()
                            .noneMatch(c -> shift.agent().host().kept().containsKey(c.id())));
        }
        shift.freed(all - left);
        shift.summary(Forms.count(kept.size(), "removed container") + " kept " + Forms.words(all)
                + (going.isEmpty()
                        ? ""
                        : ", of which " + Forms.count(going.size(), "container") + " with " + Forms.words(all - left)
                                + (shift.dryRun() ? " would go" : " went")));
    }

    private static long bytes(Shift shift, Container container) {
        try {
            return shift.agent().streams().usage(container.id()).sizeBytes();
        } catch (DriverException e) {
            return 0;
        }
    }
}
