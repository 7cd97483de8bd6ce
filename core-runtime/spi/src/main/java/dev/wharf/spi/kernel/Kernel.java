package dev.wharf.spi.kernel;

import dev.wharf.model.ContainerId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The kernel and the directories that need its help, with the manners of a {@link dev.wharf.spi.Driver}: repeatable calls,
 * keys chosen by the caller, no truth in memory.
 */
@ProviderType
public interface Kernel {
    /** The kernel's boot id (proc(5), random/boot_id): a new one means that everything kernel-lived is gone. */
    String bootId() throws DriverException;

    /** The same hint as {@link Processes#expectNewcomer}, for the beginning of a start. */
    default void expectNewcomer() {}

    /** The same hint as {@link Processes#takeShortTurns}. */
    default void takeShortTurns() {}

    /** Whether {@link #giveBackMemory} is worth its pause, because the process has grown since the last time. */
    default boolean hasSpareMemory() {
        return false;
    }

    /** Gives back what memory this process holds and does not use, in some tens of milliseconds. */
    default void giveBackMemory() {}

    /**
     * Makes the mounts appear, in order, at the container's root file system directory and answers with that directory.
     * Repeating the call while they are mounted changes nothing.
     */
    Path mountRootfs(ContainerId container, List<Mount> mounts) throws DriverException;

    /** Unmounts the container's root file system and everything under it, and removes the mount point. */
    void unmountRootfs(ContainerId container) throws DriverException;

    /** Every root file system of ours that is mounted now. */
    Map<ContainerId, Path> mountedRootfs() throws DriverException;

    /**
     * Makes sure that the source of a bind mount is there. MISSING, with the text {@code bind source path does not exist: P},
     * where it is not and {@code create} is false; otherwise a missing one is made as a directory.
     */
    void ensureBindSource(Path source, boolean create) throws DriverException;

    /** Makes a network namespace with only {@code lo}, which is up; held by a file, not by a process. */
    Sandbox createSandbox(SandboxKey key) throws DriverException;

    /** Lets go of the namespace; the kernel takes it apart in its own time, which is not waited for. */
    void removeSandbox(SandboxKey key) throws DriverException;

    /** Every sandbox of ours there is now. */
    List<Sandbox> sandboxes() throws DriverException;

    /**
     * Writes settings of the network inside a sandbox, each by its place under {@code /proc/sys/net}, such as
     * {@code ipv4/conf/eth0/log_martians}. INVALID where the kernel has no such setting or refuses the value.
     */
    void tune(Sandbox sandbox, Map<String, String> settings) throws DriverException;

    /** Makes the volume's directory and answers with it. A device that it may have is not mounted by that. */
    Path createVolume(VolumeSpec volume) throws DriverException;

    /** Removes the volume's directory and everything in it, following no link out of it. */
    void removeVolume(VolumeName volume) throws DriverException;

    /** Mounts the device that the volume's options tell of at its directory. Repeating it changes nothing. */
    void mountVolume(VolumeSpec volume) throws DriverException;

    /** Unmounts the volume's device; nothing mounted is fine. */
    void unmountVolume(VolumeName volume) throws DriverException;

    /** Every volume whose device is mounted now. */
    Set<VolumeName> mountedVolumes() throws DriverException;

    /** Every volume found on disk now. */
    Map<VolumeName, Path> volumes() throws DriverException;

    /**
     * Fills an empty volume with what the image has at {@code target}: names, owners, modes, times, links, extended
     * attributes. A volume that holds anything is left alone. {@code target} is resolved inside {@code rootfs} only; FAILED
     * where it is no directory, which no volume can be mounted on.
     */
    void copyUp(Path rootfs, String target, Path volume) throws DriverException;

    /** Whether there is a directory at {@code path}, which is resolved inside {@code rootfs} only. */
    boolean isDirectory(Path rootfs, String path) throws DriverException;

    /**
     * Makes a directory and those above it, root's and 0755, where they are not there. {@code path} is resolved inside
     * {@code rootfs} only. FAILED where something else is in its place.
     */
    void makeDirectory(Path rootfs, String path) throws DriverException;

    /**
     * Makes the mounts appear at a path of its own, and answers with what is at {@code inside} of them, which nobody can
     * exchange for something else: resolved once, through no link that leads out of them, and held by a mount. Held until
     * {@link #unpin} or {@link #unmountRootfs}; {@code number} tells the pins of one container apart.
     */
    Path pin(ContainerId container, int number, List<Mount> mounts, String inside) throws DriverException;

    /** Lets go of all pins of a container. What was mounted from them elsewhere stays there. */
    void unpin(ContainerId container) throws DriverException;
}
