package dev.wharf.linux.kernel;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.net.Loopback;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.linux.process.Newcomers;
import dev.wharf.linux.process.ShortTurns;
import dev.wharf.linux.process.SpareMemory;
import dev.wharf.model.ContainerId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * The kernel port. What lives as long as the kernel stands under the exec root: {@code rootfs/<container>} holds mounts and
 * {@code netns/<sandbox>} namespaces. Volumes stand under the data root, see {@link Volumes}.
 */
@Component(service = Kernel.class)
public final class LinuxKernel implements Kernel {
    /** The longest of the waits, each twice the one before, for a mount that is in use. */
    private static final long BUSY_MILLIS = 32;

    private static final long NSFS = 0x6e736673;

    private final LibC libc = LibC.get();
    private final SpareMemory spareMemory = new SpareMemory(libc);
    private final Mounter mounter = new Mounter();
    private final LinuxFileCalls files;
    private final LinuxNamespaces namespaces;
    private final Volumes volumes;
    private final Path rootfs;
    private final Path netns;
    private final Pins pins;
    private final SpareNetwork spare;

    @Activate
    public LinuxKernel(BundleContext framework, @Reference LinuxFileCalls files, @Reference LinuxNamespaces namespaces)
            throws IOException {
        this(
                Path.of(framework.getProperty("wharf.data.root")),
                Path.of(framework.getProperty("wharf.exec.root")),
                files,
                namespaces);
    }

    public LinuxKernel(Path dataRoot, Path execRoot, LinuxFileCalls files, LinuxNamespaces namespaces)
            throws IOException {
        this.files = files;
        this.namespaces = namespaces;
        this.rootfs = privateDirectory(execRoot.resolve("rootfs"));
        this.netns = privateDirectory(execRoot.resolve("netns"));
        this.pins = new Pins(privateDirectory(execRoot.resolve("pins")), mounter);
        this.spare = new SpareNetwork(namespaces, LinuxKernel::furnish);
        this.volumes = new Volumes(privateDirectory(dataRoot.resolve("volumes")), files, mounter);
        tidy();
    }

    /** Takes away mount points that a crash left without their mounts: no survey looks for what is not mounted. */
    private void tidy() throws IOException {
        try (DirectoryStream<Path> directories = Files.newDirectoryStream(rootfs, LinuxKernel::isId)) {
            for (Path directory : directories) {
                // The kernel keeps what is not empty, and what something is mounted on.
                libc.unlinkat(LibC.AT_FDCWD, CString.of(directory), LibC.AT_REMOVEDIR);
            }
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(netns)) {
            for (Path file : files) {
                if (!isNamespace(file)) {
                    Files.deleteIfExists(file);
                }
            }
        }
        // Pins last as long as the making of one process, so those that are here belong to an agent that died over it.
        pins.clear();
    }

    @Override
    public String bootId() throws DriverException {
        return attempt(
                "read the boot id",
                () -> Files.readString(Path.of("/proc/sys/kernel/random/boot_id"))
                        .strip());
    }

    @Override
    public void expectNewcomer() {
        Newcomers.expect();
    }

    @Override
    public void takeShortTurns() {
        ShortTurns.take(libc);
    }

    @Override
    public boolean hasSpareMemory() {
        return spareMemory.isWorth();
    }

    @Override
    public void giveBackMemory() {
        spareMemory.giveBack();
    }

    @Override
    public Path mountRootfs(ContainerId container, List<Mount> mounts) throws DriverException {
        Path target = rootfs.resolve(container.value());
        return attempt("mount the root file system of container " + container.shortForm(), () -> {
            if (mounter.isMountPoint(target)) {
                List<MountTable.Entry> there = MountTable.read().at(target);
                // Images are stacked where their overlay is going to be.
                boolean whole = there.stream().noneMatch(e -> e.type().equals("erofs"))
                        || mounts.stream().anyMatch(m -> m.type().equals("erofs"));
                if (whole && there.size() == mounts.size()) {
                    return target;
                }
                // A crash came between the first mount and the last.
                mounter.unmountAll(target);
            }
            Files.createDirectories(target);
            try {
                for (Mount mount : mounts) {
                    mounter.mount(mount, target);
                }
                if (!mounts.isEmpty()) {
                    // What anybody mounts inside later is not to appear in other mount namespaces.
                    mounter.makePrivate(target);
                }
            } catch (IOException e) {
                undo(target, e);
                throw e;
            }
            return target;
        });
    }

    @Override
    public void unmountRootfs(ContainerId container) throws DriverException {
        Path target = rootfs.resolve(container.value());
        unpin(container);
        attempt("unmount the root file system of container " + container.shortForm(), () -> {
            unmountPatiently(target);
            return removeMountPoint(target);
        });
    }

    /**
     * A process that is just being started by another thread holds every file that this one had open until it has become its
     * program (fork(2), execve(2)), so a mount that nobody uses may be in use for a moment. There is nothing to wait for but time.
     */
    private void unmountPatiently(Path target) throws IOException, DriverException {
        for (long wait = 1; ; wait *= 2) {
            try {
                mounter.unmountAll(target);
                return;
            } catch (IOException e) {
                if (Errno.kind(e) != Failure.Kind.BUSY) {
                    throw e;
                }
                if (wait > BUSY_MILLIS) {
                    throw busy(target, e);
                }
            }
            try {
                Thread.sleep(wait);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted while unmounting " + target);
            }
        }
    }

    /**
     * A runtime that outlived a killed agent may have gone on where the root file system no longer was, and left the targets
     * of its mounts in the bare mount point.
     */
    private boolean removeMountPoint(Path target) throws IOException {
        try {
            return Files.deleteIfExists(target);
        } catch (DirectoryNotEmptyException e) {
            if (!MountTable.read().under(target).isEmpty()) {
                throw e;
            }
            files.removeTree(target);
            return true;
        }
    }

    @Override
    public Map<ContainerId, Path> mountedRootfs() throws DriverException {
        return attempt("list mounts", () -> {
            Map<ContainerId, Path> found = new LinkedHashMap<>();
            for (MountTable.Entry entry : MountTable.read().under(rootfs)) {
                if (rootfs.equals(entry.point().getParent()) && isId(entry.point())) {
                    found.put(new ContainerId(name(entry.point())), entry.point());
                }
            }
            return found;
        });
    }

    @Override
    public void ensureBindSource(Path source, boolean create) throws DriverException {
        if (Files.exists(source)) {
            return;
        }
        if (!create) {
            throw DriverException.failure(
                    Failure.Kind.MISSING,
                    "invalid mount config for type \"bind\": bind source path does not exist: " + source);
        }
        attempt("make the bind source " + source, () -> {
            try {
                return Files.createDirectories(source);
            } catch (FileAlreadyExistsException e) {
                // What is there and is no directory is a file on the way, or a link into nowhere; Docker's words.
                throw DriverException.failure(
                        Errno.kind(e),
                        "error while creating mount source path '" + source + "': mkdir " + e.getFile()
                                + ": file exists",
                        e);
            }
        });
    }

    @Override
    public Sandbox createSandbox(SandboxKey key) throws DriverException {
        Path file = netns.resolve(key.value());
        return attempt("create sandbox " + key, () -> {
            if (!isNamespace(file)) {
                Files.deleteIfExists(file);
                Files.createFile(file);
                // The bind comes last: a namespace that can be seen is ready.
                OptionalInt ready = spare.take();
                if (ready.isPresent()) {
                    bindSpare(ready.getAsInt(), file);
                } else {
                    namespaces.inNewNetwork(() -> {
                        furnish();
                        mounter.bind(Path.of("/proc/thread-self/ns/net"), file);
                        return file;
                    });
                }
            }
            return new Sandbox(key, file);
        });
    }

    private void bindSpare(int descriptor, Path file) throws IOException {
        try {
            mounter.bind(Path.of("/proc/self/fd/" + descriptor), file);
        } finally {
            libc.close(descriptor);
        }
    }

    private static boolean furnish() throws IOException {
        Loopback.up();
        quietNewDevices();
        return true;
    }

    @Deactivate
    void close() {
        spare.close();
    }

    @Override
    public void tune(Sandbox sandbox, Map<String, String> settings) throws DriverException {
        attempt(
                "change settings of sandbox " + sandbox.key(),
                () -> namespaces.inNetwork(sandbox.path(), () -> {
                    for (Map.Entry<String, String> setting : settings.entrySet()) {
                        tune(setting.getKey(), setting.getValue());
                    }
                    return sandbox;
                }));
    }

    private static void tune(String setting, String value) throws DriverException {
        try {
            Files.writeString(Path.of("/proc/sys/net", setting), value, StandardOpenOption.WRITE);
        } catch (NoSuchFileException e) {
            throw DriverException.failure(Failure.Kind.INVALID, "the kernel has no setting net/" + setting, e);
        } catch (IOException e) {
            throw DriverException.failure(
                    Failure.Kind.INVALID,
                    "the kernel does not take " + value + " as net/" + setting + ": " + e.getMessage(),
                    e);
        }
    }

    @Override
    public void removeSandbox(SandboxKey key) throws DriverException {
        Path file = netns.resolve(key.value());
        attempt("remove sandbox " + key, () -> {
            mounter.detach(file);
            return Files.deleteIfExists(file);
        });
    }

    @Override
    public List<Sandbox> sandboxes() throws DriverException {
        return attempt("list sandboxes", () -> {
            List<Sandbox> found = new ArrayList<>();
            try (DirectoryStream<Path> files = Files.newDirectoryStream(netns)) {
                for (Path file : files) {
                    if (isNamespace(file)) {
                        found.add(new Sandbox(new SandboxKey(name(file)), file));
                    }
                }
            }
            return found;
        });
    }

    @Override
    public Path createVolume(VolumeSpec volume) throws DriverException {
        return attempt("create volume " + volume.name(), () -> volumes.create(volume));
    }

    @Override
    public void removeVolume(VolumeName volume) throws DriverException {
        attempt("remove volume " + volume, () -> volumes.remove(volume));
    }

    @Override
    public Map<VolumeName, Path> volumes() throws DriverException {
        return attempt("list volumes", volumes::survey);
    }

    /** The words are Docker's, for they reach whoever started a container with it. */
    @Override
    public void mountVolume(VolumeSpec volume) throws DriverException {
        try {
            volumes.mount(volume);
        } catch (IOException e) {
            throw DriverException.failure(
                    Failure.Kind.FAILED,
                    "error while mounting volume '" + volumes.data(volume.name()) + "': failed to mount local volume: "
                            + e.getMessage(),
                    e);
        }
    }

    @Override
    public void unmountVolume(VolumeName volume) throws DriverException {
        attempt("unmount volume " + volume, () -> volumes.unmount(volume));
    }

    @Override
    public Set<VolumeName> mountedVolumes() throws DriverException {
        return attempt("list volumes", volumes::mounted);
    }

    @Override
    public Path pin(ContainerId container, int number, List<Mount> mounts, String inside) throws DriverException {
        return attempt(
                "mount " + (inside.isEmpty() ? "an image" : inside), () -> pins.pin(container, number, mounts, inside));
    }

    @Override
    public void unpin(ContainerId container) throws DriverException {
        attempt("let go of mounts of container " + container.shortForm(), () -> pins.unpin(container));
    }

    @Override
    public void copyUp(Path rootfs, String target, Path volume) throws DriverException {
        attempt("copy " + target + " of the image to volume " + volume, () -> volumes.copyUp(rootfs, target, volume));
    }

    @Override
    public boolean isDirectory(Path rootfs, String path) throws DriverException {
        return attempt("look for " + path, () -> isDirectoryInside(rootfs, path));
    }

    private boolean isDirectoryInside(Path rootfs, String path) throws IOException {
        try {
            return Files.isDirectory(files.resolveInRoot(rootfs, path), LinkOption.NOFOLLOW_LINKS);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return false;
        }
    }

    /** The words are Docker's, for they reach whoever creates a container with such a working directory. */
    @Override
    public void makeDirectory(Path rootfs, String path) throws DriverException {
        boolean made = attempt("make directory " + path, () -> makeDirectoryInside(rootfs, path));
        if (!made) {
            throw DriverException.failure(Failure.Kind.FAILED, "Cannot mkdir: " + path + " is not a directory");
        }
    }

    private boolean makeDirectoryInside(Path rootfs, String path) throws IOException {
        Path inside = Path.of("/");
        for (Path name : Path.of(path).normalize()) {
            inside = inside.resolve(name);
            Path place;
            try {
                place = files.resolveInRoot(rootfs, inside.toString());
            } catch (NoSuchFileException e) {
                // A link to what is not there, and not even its parent: the runtime has the last word of it.
                return true;
            }
            if (!Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
                Files.createDirectory(place);
                files.chmod(place, 0755);
            } else if (!Files.isDirectory(place, LinkOption.NOFOLLOW_LINKS)) {
                return false;
            }
        }
        return true;
    }

    /**
     * Devices that come into the sandbox believe no router advertisement (CVE-2020-13401) and speak no IPv6 unless their
     * driver asks, and they say aloud when their address comes up, so neighbours forget who had it before.
     */
    private static void quietNewDevices() throws IOException {
        Files.writeString(Path.of("/proc/sys/net/ipv4/conf/default/arp_notify"), "1");
        Path ipv6 = Path.of("/proc/sys/net/ipv6/conf/default");
        try {
            Files.writeString(ipv6.resolve("accept_ra"), "0");
            Files.writeString(ipv6.resolve("disable_ipv6"), "1");
        } catch (NoSuchFileException e) {
            // A kernel without IPv6.
        }
    }

    private boolean isNamespace(Path file) {
        byte[] raw = new byte[128];
        boolean found = libc.statfs(CString.of(file), raw) == 0;
        return found && ByteBuffer.wrap(raw).order(ByteOrder.nativeOrder()).getLong(0) == NSFS;
    }

    private void undo(Path target, IOException cause) {
        try {
            mounter.unmountAll(target);
            Files.deleteIfExists(target);
        } catch (IOException e) {
            cause.addSuppressed(e);
        }
    }

    private static DriverException busy(Path target, IOException cause) {
        String who = Occupants.find(target).map(pid -> ": in use by pid " + pid).orElse(": in use");
        return DriverException.failure(Failure.Kind.BUSY, "cannot unmount " + target + who, cause);
    }

    static boolean isId(Path path) {
        return name(path).matches("[0-9a-f]{64}");
    }

    private static String name(Path path) {
        Path name = path.getFileName();
        return name == null ? "" : name.toString();
    }

    /** The real path, because that is what /proc/self/mountinfo shows. */
    private static Path privateDirectory(Path path) throws IOException {
        Files.createDirectories(
                path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        return path.toRealPath();
    }

    private static <T> T attempt(String what, Effect<T> effect) throws DriverException {
        try {
            return effect.run();
        } catch (DriverException e) {
            throw e;
        } catch (IOException e) {
            throw DriverException.failure(Errno.kind(e), "cannot " + what + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "cannot " + what + ": interrupted", e);
        } catch (RuntimeException e) {
            throw e;
        } catch (Exception e) {
            throw DriverException.failure(Failure.Kind.FAILED, "cannot " + what + ": " + e.getMessage(), e);
        }
    }

    private interface Effect<T> {
        T run() throws Exception;
    }
}
