package dev.wharf.core.loop;

import dev.wharf.model.ContainerId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/**
 * Keeps the mounts that steps make for containers and those that visitors make for a while from getting in each other's way:
 * there is one place to mount a root file system at. A visitor leaves a mount alone that a step has made its own meanwhile, and
 * a step is told that the mount is busy while somebody is in there.
 */
final class Visits {
    /** Two containers seldom share a lock; that they may does no harm. */
    private static final int LOCKS = 64;

    /** How long a step waits for visitors before it gives its lane to others. */
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final Object[] locks = new Object[LOCKS];
    private final Map<ContainerId, Integer> inside = new ConcurrentHashMap<>();

    /** Whose mount a step made and no step took away, as far as this agent has seen. */
    private final Set<ContainerId> owned = ConcurrentHashMap.newKeySet();

    Visits() {
        for (int i = 0; i < LOCKS; i++) {
            locks[i] = new Object();
        }
    }

    private Object lock(ContainerId container) {
        return locks[Math.floorMod(container.hashCode(), LOCKS)];
    }

    /** The root file system of a container, mounted until the visitor {@link #leave leaves}. */
    Path enter(Kernel kernel, ContainerId container, List<Mount> mounts) throws DriverException {
        synchronized (lock(container)) {
            Path at = kernel.mountRootfs(container, mounts);
            inside.merge(container, 1, Integer::sum);
            return at;
        }
    }

    /** @param wanted whether the container wants its mount, whoever made it */
    void leave(Kernel kernel, ContainerId container, Predicate<ContainerId> wanted) throws DriverException {
        synchronized (lock(container)) {
            boolean last = inside.merge(container, -1, (now, less) -> now == 1 ? null : now + less) == null;
            if (last && !owned.contains(container) && !wanted.test(container)) {
                kernel.unmountRootfs(container);
            }
            lock(container).notifyAll();
        }
    }

    /** Something that must not meet a visitor. */
    interface Deed {
        void run() throws DriverException;
    }

    /** Does something while nobody is inside or can come in; answers whether it was done. */
    boolean alone(ContainerId container, Deed deed) throws DriverException {
        synchronized (lock(container)) {
            if (inside.containsKey(container) || owned.contains(container)) {
                return false;
            }
            deed.run();
            return true;
        }
    }

    /** Waits a little for those inside, with the container's lock held; most copies are over at once. */
    private void awaitEmpty(ContainerId container) throws DriverException {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (inside.containsKey(container)) {
            long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
            if (left <= 0) {
                return;
            }
            try {
                lock(container).wait(left);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw DriverException.failure(
                        Failure.Kind.UNAVAILABLE, "interrupted while files of container " + container + " are copied");
            }
        }
    }

    /** The kernel as steps are to use it. */
    Kernel watched(Kernel kernel) {
        return new Watched(kernel);
    }

    private final class Watched implements Kernel {
        private final Kernel kernel;

        Watched(Kernel kernel) {
            this.kernel = kernel;
        }

        @Override
        public Path mountRootfs(ContainerId container, List<Mount> mounts) throws DriverException {
            synchronized (lock(container)) {
                Path at = kernel.mountRootfs(container, mounts);
                owned.add(container);
                return at;
            }
        }

        @Override
        public void unmountRootfs(ContainerId container) throws DriverException {
            synchronized (lock(container)) {
                awaitEmpty(container);
                if (inside.containsKey(container)) {
                    throw DriverException.failure(
                            Failure.Kind.BUSY,
                            "cannot unmount the root file system of container " + container.shortForm()
                                    + ": files are being copied");
                }
                kernel.unmountRootfs(container);
                owned.remove(container);
            }
        }

        @Override
        public String bootId() throws DriverException {
            return kernel.bootId();
        }

        @Override
        public Map<ContainerId, Path> mountedRootfs() throws DriverException {
            return kernel.mountedRootfs();
        }

        @Override
        public void ensureBindSource(Path source, boolean create) throws DriverException {
            kernel.ensureBindSource(source, create);
        }

        @Override
        public Sandbox createSandbox(SandboxKey key) throws DriverException {
            return kernel.createSandbox(key);
        }

        @Override
        public void expectNewcomer() {
            kernel.expectNewcomer();
        }

        @Override
        public void takeShortTurns() {
            kernel.takeShortTurns();
        }

        @Override
        public boolean hasSpareMemory() {
            return kernel.hasSpareMemory();
        }

        @Override
        public void giveBackMemory() {
            kernel.giveBackMemory();
        }

        @Override
        public void tune(Sandbox sandbox, Map<String, String> settings) throws DriverException {
            kernel.tune(sandbox, settings);
        }

        @Override
        public void removeSandbox(SandboxKey key) throws DriverException {
            kernel.removeSandbox(key);
        }

        @Override
        public List<Sandbox> sandboxes() throws DriverException {
            return kernel.sandboxes();
        }

        @Override
        public Path createVolume(VolumeSpec volume) throws DriverException {
            return kernel.createVolume(volume);
        }

        @Override
        public void removeVolume(VolumeName volume) throws DriverException {
            kernel.removeVolume(volume);
        }

        @Override
        public Map<VolumeName, Path> volumes() throws DriverException {
            return kernel.volumes();
        }

        @Override
        public void mountVolume(VolumeSpec volume) throws DriverException {
            kernel.mountVolume(volume);
        }

        @Override
        public void unmountVolume(VolumeName volume) throws DriverException {
            kernel.unmountVolume(volume);
        }

        @Override
        public Set<VolumeName> mountedVolumes() throws DriverException {
            return kernel.mountedVolumes();
        }

        @Override
        public Path pin(ContainerId container, int number, List<Mount> mounts, String inside) throws DriverException {
            return kernel.pin(container, number, mounts, inside);
        }

        @Override
        public void unpin(ContainerId container) throws DriverException {
            kernel.unpin(container);
        }

        @Override
        public void copyUp(Path rootfs, String target, Path volume) throws DriverException {
            kernel.copyUp(rootfs, target, volume);
        }

        @Override
        public boolean isDirectory(Path rootfs, String path) throws DriverException {
            return kernel.isDirectory(rootfs, path);
        }

        @Override
        public void makeDirectory(Path rootfs, String path) throws DriverException {
            kernel.makeDirectory(rootfs, path);
        }
    }
}
