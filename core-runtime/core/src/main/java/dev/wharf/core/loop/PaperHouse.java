package dev.wharf.core.loop;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Stage;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.state.Image;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.spi.Driver;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A house made of {@link Props}. */
final class PaperHouse implements Stage {
    private static final Logger log = LoggerFactory.getLogger(PaperHouse.class);

    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** Nothing else changes this world, so nobody has to look at it. */
    private static final Duration NEVER = Duration.ofDays(1);

    private static final int LANES = 4;

    /** Addresses that no host has (RFC 5737); nothing is ever sent to one. */
    private static final Pool POOL = new Pool("192.0.2.0/24", "192.0.2.1", "", Map.of());

    private final EventJournal journal;
    private final Path folder;
    private final Props props = new Props();
    private final House house;

    /** With a journal such as {@code like}; what an agent that was killed left in the folder goes. */
    static PaperHouse build(EventJournal like, Path folder, Image image) throws IOException {
        clear(folder);
        Files.createDirectories(folder);
        EventJournal journal = like.likewise(folder.resolve("journal"));
        try {
            return new PaperHouse(journal, folder, image);
        } catch (IOException | RuntimeException e) {
            journal.close();
            throw e;
        }
    }

    private PaperHouse(EventJournal journal, Path folder, Image image) throws IOException {
        this.journal = journal;
        this.folder = folder;
        Workshop workshop = new Workshop(InstantSource.system(), PATIENCE);
        workshop.kernel.set(props.kernel);
        workshop.content.set(props.content);
        house = new House(
                journal,
                workshop,
                InstantSource.system(),
                new House.Settings(
                        folder.resolve("checkpoint"),
                        true,
                        LANES,
                        PATIENCE,
                        "",
                        List.of(),
                        List.of(),
                        List.of(),
                        NEVER,
                        Optional.empty()));
        house.open();
        List<Event> beginning = new ArrayList<>();
        beginning.add(furnish(DriverKind.STORAGE, workshop.storage, props.storage));
        beginning.add(furnish(DriverKind.NETWORK, workshop.network, props.network));
        beginning.add(furnish(DriverKind.RUNTIME, workshop.runtime, props.runtime));
        beginning.add(new ImageEvent.Recorded(image));
        house.observe(List.of(), (host, now) -> beginning);
        house.listen(props.runtime);
        try {
            house.submit(new NetworkCommand.Create(bridge()), House.OWN)
                    .toCompletableFuture()
                    .get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            close();
            throw new InterruptedIOException("interrupted while the stage was set");
        } catch (ExecutionException | TimeoutException e) {
            close();
            throw new IOException("the stage could not be set: " + e, e);
        }
    }

    private static <D extends Driver> Event furnish(DriverKind kind, DriverGate<D> gate, D driver) {
        gate.add(driver, driver.name(), 0, "rehearsal", true);
        return new DriverEvent.Bound(new DriverId(kind, driver.name()), "rehearsal", driver.formats(), 0, true, "");
    }

    private static NetworkSpec bridge() {
        return new NetworkSpec(
                new NetworkId(Digest.sha256("rehearsal").hex()),
                "bridge",
                new DriverName("bridge"),
                "rehearsal",
                List.of(POOL),
                false,
                false,
                false,
                true,
                Map.of(),
                Map.of(),
                Map.of());
    }

    @Override
    public Agent agent() {
        return house;
    }

    @Override
    public void close() {
        // Whoever plays may have been interrupted, and what is ended here waits for its threads.
        boolean interrupted = Thread.interrupted();
        house.close();
        props.close();
        try {
            journal.close();
            clear(folder);
        } catch (IOException e) {
            log.warn("the journal of a rehearsal was left behind folder={} reason={}", folder, e.toString());
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void clear(Path folder) throws IOException {
        if (!Files.exists(folder)) {
            return;
        }
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(one);
            }
        }
    }
}
