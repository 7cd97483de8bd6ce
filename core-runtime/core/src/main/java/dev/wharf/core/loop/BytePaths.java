package dev.wharf.core.loop;

import dev.wharf.core.agent.Streams;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Move;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.FileChange;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Driver.Capability;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.Counters;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.Measure;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.StreamSink;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/** The way of bytes past the journal: through the same gates as steps, and changing no fact. */
final class BytePaths implements Streams {
    /** How long a visitor waits for a container on its way down, and how often it looks. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private static final Duration BEAT = Duration.ofMillis(10);

    /** How long a reading of counters is good enough. */
    private static final Duration FRESH = Duration.ofMillis(500);

    private final Workshop workshop;
    private final Supplier<Host> host;

    /** The last reading of each container that somebody watches. */
    private final Map<ContainerId, Reading> readings = new ConcurrentHashMap<>();

    private record Reading(Counters counters, long at) {}

    BytePaths(Workshop workshop, Supplier<Host> host) {
        this.workshop = workshop;
        this.host = host;
    }

    private interface Call<C, R> {
        R on(C capability) throws DriverException;
    }

    private <C extends Capability, R> R runtime(ContainerId id, Class<C> kind, Call<C, R> call) throws DriverException {
        return workshop.runtime.use(
                container(id).spec().runtime(),
                r -> call.on(r.capability(kind)
                        .orElseThrow(() -> DriverException.failure(
                                Failure.Kind.UNSUPPORTED,
                                "runtime " + r.name() + " has no "
                                        + kind.getSimpleName().toLowerCase(java.util.Locale.ROOT)))));
    }

    private Container container(ContainerId id) throws DriverException {
        return host.get()
                .container(id)
                .orElseThrow(() -> DriverException.failure(Failure.Kind.MISSING, "No such container: " + id));
    }

    @Override
    public Attachment attach(ContainerId container, Optional<ExecId> exec, StreamSink sink) throws DriverException {
        return runtime(container, OciRuntime.Streaming.class, s -> s.attach(container, exec, sink));
    }

    @Override
    public void resize(ContainerId container, Optional<ExecId> exec, int rows, int columns) throws DriverException {
        runtime(container, OciRuntime.Streaming.class, s -> {
            s.resize(container, exec, rows, columns);
            return container;
        });
    }

    @Override
    public LogCursor logs(ContainerId container, LogQuery query) throws DriverException {
        return runtime(container, OciRuntime.Streaming.class, s -> s.logs(container, query));
    }

    @Override
    public Path logFile(ContainerId container) throws DriverException {
        return runtime(container, OciRuntime.Streaming.class, s -> s.logFile(container));
    }

    @Override
    public Measure measure(ContainerId container) throws DriverException {
        return runtime(container, OciRuntime.Measuring.class, m -> m.measure(container));
    }

    @Override
    public Counters counters(ContainerId container) throws DriverException {
        Reading last = readings.get(container);
        if (last != null && System.nanoTime() - last.at() < FRESH.toNanos()) {
            return last.counters();
        }
        Counters counters = runtime(container, OciRuntime.Measuring.class, m -> m.counters(container));
        if (last == null) {
            // One more is watched, so those are forgotten that have gone.
            readings.keySet().retainAll(host.get().containers().keySet());
        }
        readings.put(container, new Reading(counters, System.nanoTime()));
        return counters;
    }

    @Override
    public List<Integer> processes(ContainerId container) throws DriverException {
        return runtime(container, OciRuntime.Measuring.class, m -> m.processes(container));
    }

    @Override
    public Usage usage(ContainerId container) throws DriverException {
        Container kept = host.get().kept().get(container);
        Container owner = kept == null ? container(container) : kept;
        return workshop.storage.useIfThere(owner.spec().storage(), s -> s.usage(SnapshotKey.of(container)));
    }

    @Override
    public Usage usage(LayerId layer) throws DriverException {
        Layer known = host.get()
                .layer(layer)
                .orElseThrow(() -> DriverException.failure(Failure.Kind.MISSING, "no layer " + layer));
        return workshop.storage.useIfThere(known.storage(), s -> s.usage(SnapshotKey.of(layer)));
    }

    @Override
    public void awaitStorage(ContainerId container) throws DriverException {
        workshop.storage.use(container(container).spec().storage(), StorageDriver::name);
    }

    @Override
    public Path volume(VolumeName volume) throws DriverException {
        return host.get()
                .volume(volume)
                .map(Volume::path)
                .flatMap(Fact::value)
                .orElseThrow(() -> DriverException.failure(Failure.Kind.MISSING, "get " + volume + ": no such volume"));
    }

    @Override
    public ContentStore content() throws DriverException {
        return workshop.content();
    }

    @Override
    public FileCalls files() throws DriverException {
        return workshop.files.get();
    }

    /** A container that runs has its root file system mounted; for one that does not it is mounted while it is visited. */
    @Override
    public <R> R rootfs(ContainerId id, RootfsUse<R> use) throws DriverException, IOException {
        Container c = settled(id);
        if (!c.rootfs().isPresent()) {
            throw DriverException.failure(Failure.Kind.BUSY, "container " + id + " has no root file system now");
        }
        Optional<Move> move = host.get().move(SnapshotKey.of(id)).filter(m -> !m.copied());
        if (move.isPresent()) {
            // What is written meanwhile might come after its copy was made.
            throw DriverException.failure(
                    Failure.Kind.BUSY,
                    "container " + id + " is just moving from " + move.get().from() + " to "
                            + move.get().to() + "; wharf storage ls shows how far it is");
        }
        Path at = enter(c);
        try {
            return use.at(at);
        } finally {
            leave(id);
        }
    }

    @Override
    public <R> R grounded(ContainerId id, RootfsUse<R> use) throws DriverException, IOException {
        return rootfs(id, rootfs -> {
            Container c = container(id);
            if (!c.hasRun()) {
                workshop.runtime.use(c.spec().runtime(), r -> {
                    Optional<OciRuntime.Grounding> grounding = r.capability(OciRuntime.Grounding.class);
                    if (grounding.isPresent()) {
                        grounding.get().ground(rootfs);
                    }
                    return id;
                });
            }
            return use.at(rootfs);
        });
    }

    /** The container when nobody is about to take its mount away: what is mounted still may be gone in a moment. */
    private Container settled(ContainerId id) throws DriverException, InterruptedIOException {
        Container c = container(id);
        for (long end = System.nanoTime() + PATIENCE.toNanos();
                !c.mount().isAbsent() && !keepsMount(c) && System.nanoTime() < end;
                c = container(id)) {
            try {
                Thread.sleep(BEAT.toMillis());
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while container " + id + " came to rest");
            }
        }
        return c;
    }

    private static boolean keepsMount(Container c) {
        return c.isRunning() || c.goal().wantsProcess();
    }

    @Override
    public List<FileChange> changes(ContainerId id) throws DriverException {
        return workshop.storage.use(
                container(id).spec().storage(), s -> diffing(s).changes(SnapshotKey.of(id)));
    }

    @Override
    public <R> R layer(ContainerId id, LayerUse<R> use) throws DriverException, IOException {
        return changes(container(id).spec().storage(), SnapshotKey.of(id), use);
    }

    @Override
    public <R> R layer(LayerId id, LayerUse<R> use) throws DriverException, IOException {
        Layer layer =
                host.get().layer(id).orElseThrow(() -> DriverException.failure(Failure.Kind.MISSING, "no layer " + id));
        return changes(layer.storage(), SnapshotKey.of(id), use);
    }

    private <R> R changes(DriverName driver, SnapshotKey key, LayerUse<R> use) throws DriverException, IOException {
        return workshop.storage
                .useLong(driver, s -> {
                    InputStream tar = diffing(s).diff(key);
                    return OwnWork.of(() -> {
                        try (tar) {
                            return use.with(tar);
                        }
                    });
                })
                .get();
    }

    /**
     * The step that unpacks finds the snapshot there and is done at once; where that never comes, since the agent died, the
     * next survey sweeps what nobody knows.
     */
    @Override
    public boolean adopt(ContainerId id, LayerSpec layer, List<String> surplus) throws DriverException, IOException {
        Container c = settled(id);
        boolean atRest = c.mount().isAbsent() && !keepsMount(c) && c.rootfs().isPresent();
        boolean fits = c.top().equals(layer.parent());
        if (!atRest
                || !fits
                || host.get().layer(layer.id()).isPresent()
                || host.get().move(SnapshotKey.of(id)).isPresent()) {
            return false;
        }
        return workshop.visits.alone(
                id, () -> workshop.storage.useLong(c.spec().storage(), s -> adopt(s, id, layer.id(), surplus)));
    }

    private static boolean adopt(StorageDriver driver, ContainerId id, LayerId layer, List<String> surplus)
            throws DriverException {
        Optional<StorageDriver.Forgetting> forgetting = driver.capability(StorageDriver.Forgetting.class);
        if (!surplus.isEmpty()) {
            if (forgetting.isEmpty()) {
                return false;
            }
            forgetting.get().forget(SnapshotKey.of(id), surplus);
        }
        driver.commit(SnapshotKey.of(id), SnapshotKey.of(layer));
        return true;
    }

    private static StorageDriver.Diffing diffing(StorageDriver driver) throws DriverException {
        return driver.capability(StorageDriver.Diffing.class)
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.UNSUPPORTED, "storage driver " + driver.name() + " cannot tell changes"));
    }

    private Path enter(Container c) throws DriverException {
        List<Mount> mounts = workshop.storage.use(c.spec().storage(), s -> s.mounts(SnapshotKey.of(c.id())));
        return workshop.visits.enter(workshop.kernel.get(), c.id(), mounts);
    }

    private void leave(ContainerId id) throws DriverException {
        workshop.visits.leave(workshop.kernel.get(), id, this::wantsMount);
    }

    private boolean wantsMount(ContainerId id) {
        return host.get()
                .container(id)
                .map(c -> !c.mount().isAbsent() || c.goal().wantsProcess())
                .orElse(false);
    }
}
