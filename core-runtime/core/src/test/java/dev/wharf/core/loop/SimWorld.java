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
import dev.wharf.model.MediaTypes;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.model.Resources;
import dev.wharf.model.Signal;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Device;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;

/**
 * The kernel, the disk and a registry, all in memory. It outlives the daemon; what a kernel forgets at boot is forgotten by
 * {@link #losePower}. Every call may fail before its effect or after it, and the daemon may die at either place.
 */
final class SimWorld {
    /** The daemon is dead from here on. */
    static final class Crash extends VirtualMachineError {
        private static final long serialVersionUID = 1L;

        Crash() {
            super("crash");
        }

        @Override
        public synchronized Throwable fillInStackTrace() {
            return this;
        }
    }

    private interface Effect<T> {
        T happen() throws DriverException;
    }

    final Random chance;
    boolean stormy = true;

    /** Chances in a thousand that a call fails, and that the daemon dies in it. */
    int failures;

    int crashes;

    /** What was asked of the world that must never be asked. */
    final List<String> violations = new ArrayList<>();

    /** Which sandbox an endpoint leads into. */
    final Map<String, SandboxKey> sandboxOf = Collections.synchronizedMap(new LinkedHashMap<>());

    // lives in the kernel
    String boot = "boot-0";
    final Map<ContainerId, Path> mounts = Collections.synchronizedMap(new LinkedHashMap<>());
    final Map<SandboxKey, Sandbox> sandboxes = Collections.synchronizedMap(new LinkedHashMap<>());
    final Map<NetworkId, Device> devices = Collections.synchronizedMap(new LinkedHashMap<>());
    final Map<String, Endpoint> endpoints = Collections.synchronizedMap(new LinkedHashMap<>());
    final Map<ContainerId, SimProcess> processes = Collections.synchronizedMap(new LinkedHashMap<>());
    // lies on the disk
    final Map<SnapshotKey, Snapshot> snapshots = Collections.synchronizedMap(new LinkedHashMap<>());
    final Map<Digest, byte[]> blobs = Collections.synchronizedMap(new LinkedHashMap<>());
    final Set<VolumeName> volumeMounts = Collections.synchronizedSet(new LinkedHashSet<>());
    final Map<VolumeName, Path> volumes = Collections.synchronizedMap(new LinkedHashMap<>());
    // somewhere else
    final Map<String, Descriptor> tags = new TreeMap<>();
    final Map<Digest, byte[]> remote = Collections.synchronizedMap(new LinkedHashMap<>());

    private int nextPid = 100;
    private int boots;
    Optional<OciRuntime.ExitListener> listener = Optional.empty();
    private Instant now = Instant.EPOCH;

    /** What the runtime keeps of a container; the process in it may have ended. */
    static final class SimProcess {
        final InitProcess init;
        final Map<ExecId, Optional<Integer>> execs = Collections.synchronizedMap(new LinkedHashMap<>());
        Optional<Instant> startedAt = Optional.empty();
        boolean frozen;
        Resources limits;
        Optional<Signal> pending = Optional.empty();
        Optional<Exit> exit = Optional.empty();

        SimProcess(InitProcess init, Resources limits) {
            this.init = init;
            this.limits = limits;
        }
    }

    SimWorld(Random chance) {
        this.chance = chance;
    }

    void at(Instant time) {
        now = time;
    }

    /** Nobody may take the floor away from under a process. */
    private void mustBeOver(ContainerId container, String what) {
        SimProcess process = processes.get(container);
        if (process != null && process.startedAt.isPresent() && process.exit.isEmpty()) {
            violations.add(what + " under a living process: " + container);
        }
    }

    /** The daemon may die here. */
    void mayCrash() {
        if (stormy && chance.nextInt(1000) < crashes) {
            throw new Crash();
        }
    }

    private synchronized <T> T effect(String what, Effect<T> effect) throws DriverException {
        mayCrash();
        if (stormy && chance.nextInt(1000) < failures) {
            throw DriverException.failure(Failure.Kind.FAILED, what + " failed before anything happened");
        }
        T done = effect.happen();
        mayCrash();
        if (stormy && chance.nextInt(1000) < failures) {
            throw DriverException.failure(Failure.Kind.FAILED, what + " happened and its answer was lost");
        }
        return done;
    }

    /** The host is dark and comes up again: what lived in the kernel is gone. */
    void losePower() {
        boot = "boot-" + ++boots;
        mounts.clear();
        volumeMounts.clear();
        sandboxes.clear();
        devices.clear();
        endpoints.clear();
        processes.clear();
    }

    /** A process ends by itself. */
    void end(ContainerId id, int code) {
        SimProcess process = processes.get(id);
        if (process != null && process.startedAt.isPresent() && process.exit.isEmpty()) {
            process.exit = Optional.of(new Exit(code, now));
            process.frozen = false;
            for (ExecId exec : List.copyOf(process.execs.keySet())) {
                endExec(id, exec, 137);
            }
            listener.ifPresent(l -> l.exited(id, process.init, process.exit.get()));
        }
    }

    /** A command beside the first process ends. */
    void endExec(ContainerId id, ExecId exec, int code) {
        SimProcess process = processes.get(id);
        if (process != null && process.execs.getOrDefault(exec, Optional.of(0)).isEmpty()) {
            process.execs.put(exec, Optional.of(code));
            listener.ifPresent(l -> l.execExited(id, exec, code));
        }
    }

    /** Something else on this host takes a thing away, as people with a shell do. */
    Optional<String> meddle() {
        switch (chance.nextInt(3)) {
            case 0 -> {
                Optional<ContainerId> idle = mounts.keySet().stream()
                        .filter(id -> !running().contains(id))
                        .findFirst();
                idle.ifPresent(mounts::remove);
                return idle.map(id -> "mount of " + id.shortForm());
            }
            case 1 -> {
                Optional<String> endpoint = endpoints.keySet().stream().findFirst();
                endpoint.ifPresent(endpoints::remove);
                return endpoint.map(e -> "endpoint " + e);
            }
            default -> {
                Optional<ContainerId> one = running().stream().findFirst();
                one.ifPresent(id -> processes.remove(id));
                return one.map(id -> "process of " + id.shortForm());
            }
        }
    }

    List<ContainerId> running() {
        return processes.entrySet().stream()
                .filter(p ->
                        p.getValue().startedAt.isPresent() && p.getValue().exit.isEmpty())
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Publishes an image of some layers; equal layer names are equal layers. */
    void publish(String reference, List<String> layerNames) {
        StringBuilder diffIds = new StringBuilder();
        StringBuilder layers = new StringBuilder();
        for (String name : layerNames) {
            byte[] blob = ("layer " + name).getBytes(java.nio.charset.StandardCharsets.UTF_8);
            Digest digest = Digest.sha256(blob);
            remote.put(digest, blob);
            diffIds.append(diffIds.length() == 0 ? "" : ",")
                    .append('"')
                    .append(digest)
                    .append('"');
            layers.append(layers.length() == 0 ? "" : ",")
                    .append("{\"mediaType\":\"" + MediaTypes.OCI_LAYER + "\",\"digest\":\"" + digest + "\",\"size\":"
                            + blob.length + "}");
        }
        byte[] config = ("{\"os\":\"linux\",\"architecture\":\""
                        + dev.wharf.model.Platform.host().architecture()
                        + "\",\"config\":{},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" + diffIds
                        + "]},\"author\":\""
                        + reference + "\"}")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8);
        remote.put(Digest.sha256(config), config);
        byte[] manifest = ("{\"schemaVersion\":2,\"mediaType\":\"" + MediaTypes.OCI_MANIFEST
                        + "\",\"config\":{\"mediaType\":\"" + MediaTypes.OCI_CONFIG + "\",\"digest\":\""
                        + Digest.sha256(config) + "\",\"size\":" + config.length + "},\"layers\":[" + layers + "]}")
                .getBytes(java.nio.charset.StandardCharsets.UTF_8);
        remote.put(Digest.sha256(manifest), manifest);
        tags.put(
                Reference.parse(reference).toString(),
                new Descriptor(MediaTypes.OCI_MANIFEST, Digest.sha256(manifest), manifest.length));
    }

    final Kernel kernel = new Kernel() {
        @Override
        public String bootId() {
            return boot;
        }

        @Override
        public Path mountRootfs(ContainerId container, List<Mount> described) throws DriverException {
            return effect("mount", () -> mounts.computeIfAbsent(container, c -> Path.of("/sim/" + c.shortForm())));
        }

        @Override
        public void unmountRootfs(ContainerId container) throws DriverException {
            effect("unmount", () -> {
                mustBeOver(container, "unmount");
                return String.valueOf(mounts.remove(container));
            });
        }

        @Override
        public Map<ContainerId, Path> mountedRootfs() {
            return Map.copyOf(mounts);
        }

        @Override
        public void ensureBindSource(Path source, boolean create) {}

        @Override
        public void tune(Sandbox sandbox, Map<String, String> settings) {}

        @Override
        public Sandbox createSandbox(SandboxKey key) throws DriverException {
            return effect(
                    "create sandbox",
                    () -> sandboxes.computeIfAbsent(key, k -> new Sandbox(k, Path.of("/sim/net/" + k))));
        }

        @Override
        public void removeSandbox(SandboxKey key) throws DriverException {
            effect("remove sandbox", () -> {
                mustBeOver(key.container(), "removal of the sandbox");
                if (endpoints.values().stream()
                        .anyMatch(e -> sandboxOf.get(e.id()).equals(key))) {
                    violations.add("sandbox removed before its endpoints: " + key);
                }
                return String.valueOf(sandboxes.remove(key));
            });
        }

        @Override
        public List<Sandbox> sandboxes() {
            return List.copyOf(sandboxes.values());
        }

        @Override
        public Path createVolume(VolumeSpec volume) throws DriverException {
            return effect(
                    "create volume", () -> volumes.computeIfAbsent(volume.name(), n -> Path.of("/sim/volumes/" + n)));
        }

        @Override
        public void removeVolume(VolumeName volume) throws DriverException {
            effect("remove volume", () -> {
                volumeMounts.remove(volume);
                return String.valueOf(volumes.remove(volume));
            });
        }

        @Override
        public Map<VolumeName, Path> volumes() {
            return Map.copyOf(volumes);
        }

        @Override
        public void mountVolume(VolumeSpec volume) throws DriverException {
            effect("mount volume", () -> String.valueOf(volumeMounts.add(volume.name())));
        }

        @Override
        public void unmountVolume(VolumeName volume) throws DriverException {
            effect("unmount volume", () -> String.valueOf(volumeMounts.remove(volume)));
        }

        @Override
        public Set<VolumeName> mountedVolumes() {
            return Set.copyOf(volumeMounts);
        }

        @Override
        public Path pin(ContainerId container, int number, List<Mount> mounts, String inside) throws DriverException {
            return effect("pin", () -> Path.of("/sim/pins/" + container + "/" + number));
        }

        @Override
        public void unpin(ContainerId container) throws DriverException {
            effect("unpin", () -> container);
        }

        @Override
        public void copyUp(Path rootfs, String target, Path volume) throws DriverException {
            effect("copy up", () -> rootfs);
        }

        @Override
        public boolean isDirectory(Path rootfs, String path) {
            return false;
        }

        @Override
        public void makeDirectory(Path rootfs, String path) throws DriverException {
            effect("make directory", () -> rootfs);
        }
    };

    final StorageDriver storage = new StorageDriver() {
        @Override
        public DriverName name() {
            return new DriverName("overlay");
        }

        @Override
        public List<Format> formats() {
            return List.of(new Format("sim", 1));
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        public Snapshot prepare(SnapshotKey key, SnapshotKey parent) throws DriverException {
            return effect("prepare", () -> {
                mustHave(parent);
                return snapshots.computeIfAbsent(key, k -> new Snapshot(k, parent, false));
            });
        }

        private void mustHave(SnapshotKey parent) throws DriverException {
            if (!parent.equals(SnapshotKey.SCRATCH) && !snapshots.containsKey(parent)) {
                throw DriverException.failure(Failure.Kind.MISSING, "no snapshot " + parent);
            }
        }

        @Override
        public Snapshot commit(SnapshotKey key, SnapshotKey name) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Snapshot unpack(SnapshotKey name, SnapshotKey parent, InputStream layer) throws DriverException {
            return effect("unpack", () -> {
                mustHave(parent);
                return snapshots.computeIfAbsent(name, k -> new Snapshot(k, parent, true));
            });
        }

        @Override
        public List<Mount> mounts(SnapshotKey key) throws DriverException {
            mustHave(key);
            return List.of();
        }

        @Override
        public void remove(SnapshotKey key) throws DriverException {
            effect("remove snapshot", () -> {
                mounts.keySet().stream()
                        .filter(id -> SnapshotKey.of(id).equals(key))
                        .forEach(id -> violations.add("snapshot removed under a mount: " + key));
                if (snapshots.values().stream().anyMatch(s -> s.parent().equals(key))) {
                    throw DriverException.failure(Failure.Kind.BUSY, "something stands on " + key);
                }
                return String.valueOf(snapshots.remove(key));
            });
        }

        @Override
        public Usage usage(SnapshotKey key) {
            return new Usage(1, 1);
        }

        @Override
        public List<Snapshot> survey() {
            return List.copyOf(snapshots.values());
        }
    };

    final NetworkDriver network = new NetworkDriver() {
        @Override
        public DriverName name() {
            return new DriverName("bridge");
        }

        @Override
        public List<Format> formats() {
            return List.of(new Format("sim", 1));
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        public Device create(NetworkSpec spec) throws DriverException {
            return effect(
                    "create device", () -> devices.computeIfAbsent(spec.id(), id -> new Device(id, spec.deviceName())));
        }

        @Override
        public void remove(NetworkSpec spec) throws DriverException {
            effect("remove device", () -> String.valueOf(devices.remove(spec.id())));
        }

        @Override
        public Endpoint attach(NetworkSpec spec, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
            return effect("attach", () -> {
                if (!sandboxes.containsKey(sandbox.key()) || !devices.containsKey(spec.id())) {
                    throw DriverException.failure(Failure.Kind.MISSING, "attach without sandbox or device");
                }
                sandboxOf.put(endpoint.id(), sandbox.key());
                return endpoints.computeIfAbsent(
                        endpoint.id(), id -> new Endpoint(id, spec.id(), endpoint.hostInterface(), endpoint.mac()));
            });
        }

        @Override
        public void detach(NetworkSpec spec, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
            effect("detach", () -> String.valueOf(endpoints.remove(endpoint.id())));
        }

        @Override
        public void release(NetworkSpec spec, EndpointSpec endpoint, Sandbox sandbox) throws DriverException {
            mustBeOver(sandbox.key().container(), "release");
            detach(spec, endpoint, sandbox);
        }

        @Override
        public List<Endpoint> survey() {
            return List.copyOf(endpoints.values());
        }
    };

    final OciRuntime runtime = new OciRuntime() {
        @Override
        public DriverName name() {
            return new DriverName("crun");
        }

        @Override
        public List<Format> formats() {
            return List.of(new Format("sim", 1));
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        @SuppressWarnings("unchecked") // the capabilities are those below
        public <C extends Capability> Optional<C> capability(Class<C> kind) {
            if (kind == Freezing.class) {
                return Optional.of((C) new Freezing() {
                    @Override
                    public void freeze(ContainerId container) throws DriverException {
                        effect("freeze", () -> alive(container).frozen = true);
                    }

                    @Override
                    public void thaw(ContainerId container) throws DriverException {
                        effect("thaw", () -> {
                            SimProcess process = alive(container);
                            process.frozen = false;
                            process.pending.ifPresent(s -> end(container, 128 + s.number()));
                            return container;
                        });
                    }

                    @Override
                    public boolean isFrozen(ContainerId container) throws DriverException {
                        return alive(container).frozen;
                    }
                });
            }
            if (kind == Limiting.class) {
                return Optional.of((C) (Limiting)
                        (id, resources) -> effect("limit", () -> alive(id).limits = resources));
            }
            if (kind == Executing.class) {
                return Optional.of((C) new Executing() {
                    @Override
                    public int exec(ContainerId container, ExecId exec, ExecSpec spec) throws DriverException {
                        return effect("exec", () -> {
                            SimProcess process = alive(container);
                            if (process.execs.containsKey(exec)) {
                                throw DriverException.failure(Failure.Kind.EXISTS, "ran before");
                            }
                            process.execs.put(exec, Optional.empty());
                            // A question is answered soon, or never.
                            if (spec.arguments().contains("healthy?") && chance.nextInt(8) > 0) {
                                endExec(container, exec, chance.nextInt(2));
                            }
                            return ++nextPid;
                        });
                    }

                    @Override
                    public void kill(ContainerId container, ExecId exec) throws DriverException {
                        effect("kill exec", () -> {
                            endExec(container, exec, 137);
                            return exec;
                        });
                    }
                });
            }
            return Optional.empty();
        }

        private SimProcess alive(ContainerId container) throws DriverException {
            SimProcess process = processes.get(container);
            if (process == null || process.exit.isPresent()) {
                throw DriverException.failure(Failure.Kind.MISSING, "no process");
            }
            return process;
        }

        @Override
        public InitProcess create(RuntimeSpec spec) throws DriverException {
            return effect("create process", () -> {
                if (!mounts.containsKey(spec.container())) {
                    throw DriverException.failure(Failure.Kind.MISSING, "created without a mount");
                }
                return processes.computeIfAbsent(
                                spec.container(),
                                id -> new SimProcess(
                                        new InitProcess(++nextPid, nextPid, nextPid),
                                        spec.spec().resources()))
                        .init;
            });
        }

        @Override
        public InitProcess start(ContainerId container) throws DriverException {
            return effect("start process", () -> {
                SimProcess process = alive(container);
                process.startedAt = Optional.of(now);
                return process.init;
            });
        }

        @Override
        public void signal(ContainerId container, Signal signal) throws DriverException {
            effect("signal", () -> {
                SimProcess process = alive(container);
                // A polite signal is obeyed by some, a kill by all, and by none while it is frozen.
                boolean obeyed = signal.equals(Signal.KILL) || chance.nextInt(3) > 0;
                if (obeyed && process.frozen) {
                    process.pending = Optional.of(signal);
                } else if (obeyed) {
                    end(container, 128 + signal.number());
                }
                return container;
            });
        }

        @Override
        public void delete(ContainerId container) throws DriverException {
            effect("delete process", () -> String.valueOf(processes.remove(container)));
        }

        @Override
        public void forget(ContainerId container) {}

        @Override
        public AutoCloseable exits(ExitListener heard) {
            listener = Optional.of(heard);
            processes.forEach((id, p) -> {
                p.exit.ifPresent(e -> heard.exited(id, p.init, e));
                p.execs.forEach((exec, code) -> code.ifPresent(c -> heard.execExited(id, exec, c)));
            });
            return () -> {};
        }

        @Override
        public List<Found> survey() {
            List<Found> found = new ArrayList<>();
            processes.forEach((id, p) -> found.add(
                    new Found(id, p.exit.isEmpty() ? Optional.of(p.init) : Optional.empty(), p.startedAt, p.exit)));
            return found;
        }
    };

    final RegistryBackend registry = new RegistryBackend() {
        @Override
        public DriverName name() {
            return new DriverName("sim");
        }

        @Override
        public List<Format> formats() {
            return List.of(new Format("sim", 1));
        }

        @Override
        public Readiness probe() {
            return Readiness.yes();
        }

        @Override
        public boolean serves(Repository repository) {
            return true;
        }

        @Override
        public Remote open(Repository repository, Credentials credentials) {
            return new Remote() {
                @Override
                public Descriptor resolve(Reference reference) throws DriverException {
                    return effect(
                            "resolve",
                            () -> Optional.ofNullable(tags.get(reference.toString()))
                                    .orElseThrow(
                                            () -> DriverException.failure(Failure.Kind.MISSING, "no " + reference)));
                }

                @Override
                public InputStream fetch(Descriptor content, long offset) throws DriverException {
                    return effect("fetch", () -> {
                        ByteArrayInputStream in = new ByteArrayInputStream(remote.get(content.digest()));
                        in.skip(offset);
                        return in;
                    });
                }

                @Override
                public void push(Content content) {}

                @Override
                public void tag(Reference reference, Descriptor manifest) {}

                @Override
                public void close() {}
            };
        }
    };

    final ContentStore content = new ContentStore() {
        @Override
        public Optional<Long> size(Digest digest) {
            return Optional.ofNullable(blobs.get(digest)).map(b -> (long) b.length);
        }

        @Override
        public Optional<String> check(Digest digest, java.util.function.LongConsumer read) {
            byte[] blob = blobs.get(digest);
            return blob == null || Digest.sha256(blob).equals(digest)
                    ? Optional.empty()
                    : Optional.of("it is " + Digest.sha256(blob));
        }

        @Override
        public Optional<String> setAside(Digest digest) throws DriverException {
            Optional<String> wrong = check(digest, n -> {});
            if (wrong.isPresent()) {
                effect("set aside", () -> String.valueOf(blobs.remove(digest) != null));
            }
            return wrong;
        }

        @Override
        public Path path(Digest digest) {
            throw new UnsupportedOperationException();
        }

        @Override
        public InputStream open(Digest digest) throws DriverException {
            byte[] blob = blobs.get(digest);
            if (blob == null) {
                throw DriverException.failure(Failure.Kind.MISSING, "no blob " + digest);
            }
            return new ByteArrayInputStream(blob);
        }

        @Override
        public InputStream openLayer(Descriptor blob, Digest diffId) throws DriverException {
            return open(blob.digest());
        }

        @Override
        public Ingest ingest(Descriptor expected) {
            ByteArrayOutputStream bytes = new ByteArrayOutputStream();
            return new Ingest() {
                @Override
                public long offset() {
                    return 0;
                }

                @Override
                public void write(ByteBuffer more) {
                    byte[] copy = new byte[more.remaining()];
                    more.get(copy);
                    bytes.writeBytes(copy);
                }

                @Override
                public void write(InputStream stream) throws DriverException {
                    try {
                        bytes.writeBytes(stream.readAllBytes());
                    } catch (IOException e) {
                        throw DriverException.failure(Failure.Kind.FAILED, "broken stream", e);
                    }
                }

                @Override
                public Descriptor commit(String mediaType) throws DriverException {
                    return effect("ingest", () -> {
                        blobs.put(expected.digest(), bytes.toByteArray());
                        return expected;
                    });
                }

                @Override
                public void close() {}
            };
        }

        @Override
        public Delivery deliver() {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean remove(Digest digest) throws DriverException {
            effect("remove blob", () -> String.valueOf(blobs.remove(digest) != null));
            return true;
        }

        @Override
        public Map<Digest, Long> survey() {
            Map<Digest, Long> all = new LinkedHashMap<>();
            blobs.forEach((d, b) -> all.put(d, (long) b.length));
            return all;
        }
    };
}
