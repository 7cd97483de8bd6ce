package dev.wharf.core.loop;

import dev.wharf.model.ContainerId;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.Signal;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.runtime.StreamSink;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.LongConsumer;

/** What stands on a stage: drivers that do nothing and say that it is done. A container whose command is {@code true} ends at once. */
final class Props implements AutoCloseable {
    private static final Path NOWHERE = Path.of("/rehearsal");

    private static final DriverName NAME = new DriverName("rehearsal");

    /** Ends are told from a thread of the runtime's, as they are in earnest. */
    private final ExecutorService ends = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "wharf-stage");
        thread.setDaemon(true);
        return thread;
    });

    @Override
    public void close() {
        ends.shutdownNow();
    }

    private static UnsupportedOperationException notPlayed() {
        return new UnsupportedOperationException("this is not in the play");
    }

    final Kernel kernel = new Kernel() {
        @Override
        public String bootId() {
            return "rehearsal";
        }

        @Override
        public Path mountRootfs(ContainerId container, List<Mount> mounts) {
            return NOWHERE.resolve(container.value());
        }

        @Override
        public void unmountRootfs(ContainerId container) {}

        @Override
        public Map<ContainerId, Path> mountedRootfs() {
            return Map.of();
        }

        @Override
        public void ensureBindSource(Path source, boolean create) {}

        @Override
        public Sandbox createSandbox(SandboxKey key) {
            return new Sandbox(key, NOWHERE);
        }

        @Override
        public void removeSandbox(SandboxKey key) {}

        @Override
        public void tune(Sandbox sandbox, Map<String, String> settings) {}

        @Override
        public List<Sandbox> sandboxes() {
            return List.of();
        }

        @Override
        public Path createVolume(VolumeSpec volume) {
            return NOWHERE;
        }

        @Override
        public void removeVolume(VolumeName volume) {}

        @Override
        public void mountVolume(VolumeSpec volume) {}

        @Override
        public void unmountVolume(VolumeName volume) {}

        @Override
        public Set<VolumeName> mountedVolumes() {
            return Set.of();
        }

        @Override
        public Map<VolumeName, Path> volumes() {
            return Map.of();
        }

        @Override
        public void copyUp(Path rootfs, String target, Path volume) {}

        @Override
        public boolean isDirectory(Path rootfs, String path) {
            return true;
        }

        @Override
        public void makeDirectory(Path rootfs, String path) {}

        @Override
        public Path pin(ContainerId container, int number, List<Mount> mounts, String inside) {
            return NOWHERE;
        }

        @Override
        public void unpin(ContainerId container) {}
    };

    final StorageDriver storage = new StorageDriver() {
        @Override
        public DriverName name() {
            return NAME;
        }

        @Override
        public List<Format> formats() {
            return List.of();
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        public Snapshot prepare(SnapshotKey key, SnapshotKey parent) {
            return new Snapshot(key, parent, false);
        }

        @Override
        public Snapshot commit(SnapshotKey key, SnapshotKey name) {
            throw notPlayed();
        }

        @Override
        public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) {
            throw notPlayed();
        }

        @Override
        public List<Mount> mounts(SnapshotKey key) {
            return List.of();
        }

        @Override
        public void remove(SnapshotKey key) {}

        @Override
        public Usage usage(SnapshotKey key) {
            return new Usage(0, 0);
        }

        @Override
        public List<Snapshot> survey() {
            return List.of();
        }
    };

    final NetworkDriver network = new NetworkDriver() {
        @Override
        public DriverName name() {
            return new DriverName("bridge");
        }

        @Override
        public List<Format> formats() {
            return List.of();
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        public Device create(NetworkSpec spec) {
            return new Device(spec.id(), spec.deviceName());
        }

        @Override
        public void remove(NetworkSpec spec) {}

        @Override
        public Endpoint attach(NetworkSpec spec, EndpointSpec endpoint, Sandbox sandbox) {
            return new Endpoint(endpoint.id(), spec.id(), endpoint.hostInterface(), endpoint.mac());
        }

        @Override
        public void detach(NetworkSpec spec, EndpointSpec endpoint, Sandbox sandbox) {}

        @Override
        public List<Endpoint> survey() {
            return List.of();
        }
    };

    final OciRuntime runtime = new Runtime();

    private final class Runtime implements OciRuntime, OciRuntime.Executing, OciRuntime.Streaming {
        private static final List<String> ENDS_AT_ONCE = List.of("true");

        private final Map<ContainerId, InitProcess> waiting = new ConcurrentHashMap<>();
        private final Map<ContainerId, InitProcess> running = new ConcurrentHashMap<>();
        private final Map<Object, StreamSink> sinks = new ConcurrentHashMap<>();
        private volatile Optional<ExitListener> listener = Optional.empty();

        @Override
        public DriverName name() {
            return NAME;
        }

        @Override
        public List<Format> formats() {
            return List.of();
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        public InitProcess create(RuntimeSpec spec) {
            InitProcess process = new InitProcess(2, 1, 3);
            boolean brief = spec.spec().command().cmd().equals(ENDS_AT_ONCE);
            (brief ? waiting : running).put(spec.container(), process);
            return process;
        }

        @Override
        public InitProcess start(ContainerId container) {
            InitProcess brief = waiting.remove(container);
            if (brief == null) {
                return Objects.requireNonNull(running.get(container), "created before");
            }
            ends.execute(() -> end(container, brief, 0));
            return brief;
        }

        @Override
        public void signal(ContainerId container, Signal signal) {
            InitProcess process = running.remove(container);
            if (process != null) {
                ends.execute(() -> end(container, process, 128 + signal.number()));
            }
        }

        private void end(ContainerId container, InitProcess process, int code) {
            Optional.ofNullable(sinks.remove(container)).ifPresent(StreamSink::closed);
            listener.ifPresent(l -> l.exited(container, process, new Exit(code, Instant.now())));
        }

        @Override
        public void delete(ContainerId container) {}

        @Override
        public void forget(ContainerId container) {}

        @Override
        public AutoCloseable exits(ExitListener heard) {
            listener = Optional.of(heard);
            return () -> {};
        }

        @Override
        public List<Found> survey() {
            return List.of();
        }

        @Override
        public int exec(ContainerId container, ExecId exec, ExecSpec spec) {
            ends.execute(() -> {
                Optional.ofNullable(sinks.remove(exec)).ifPresent(StreamSink::closed);
                listener.ifPresent(l -> l.execExited(container, exec, 0));
            });
            return 4;
        }

        @Override
        public void kill(ContainerId container, ExecId exec) {}

        @Override
        public Attachment attach(ContainerId container, Optional<ExecId> exec, StreamSink sink) {
            sinks.put(exec.isPresent() ? exec.get() : container, sink);
            return new Attachment() {
                @Override
                public boolean write(ByteBuffer input) {
                    return true;
                }

                @Override
                public void closeInput() {}

                @Override
                public void reading(boolean wanted) {}

                @Override
                public void close() {}
            };
        }

        @Override
        public void resize(ContainerId container, Optional<ExecId> exec, int rows, int columns) {}

        @Override
        public LogCursor logs(ContainerId container, LogQuery query) {
            throw notPlayed();
        }

        @Override
        public Path logFile(ContainerId container) {
            return NOWHERE;
        }
    }

    final ContentStore content = new ContentStore() {
        @Override
        public Optional<Long> size(Digest digest) {
            return Optional.empty();
        }

        @Override
        public Path path(Digest digest) {
            throw notPlayed();
        }

        @Override
        public InputStream open(Digest digest) {
            throw notPlayed();
        }

        @Override
        public InputStream openLayer(Descriptor blob, Digest diffId) {
            throw notPlayed();
        }

        @Override
        public Ingest ingest(Descriptor expected) {
            throw notPlayed();
        }

        @Override
        public Delivery deliver() {
            throw notPlayed();
        }

        @Override
        public boolean remove(Digest digest) {
            return true;
        }

        @Override
        public Optional<String> check(Digest digest, LongConsumer read) {
            return Optional.empty();
        }

        @Override
        public Optional<String> setAside(Digest digest) {
            return Optional.empty();
        }

        @Override
        public Map<Digest, Long> survey() {
            return Map.of();
        }
    };
}
