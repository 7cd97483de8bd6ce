package dev.wharf.linux.kernel;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.TreeCopy;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/** Directories of volumes: {@code <name>/_data} holds what containers see, or is where a volume's device is mounted. */
final class Volumes {
    private static final String DATA = "_data";
    /** Being copied up; worthless until renamed. */
    private static final String COPYING = "_copying";
    /** Copied and about to be moved in; every crash after this is made good by the next call. */
    private static final String COPIED = "_copied";

    private static final int LONGEST_NAME = 255;

    private final Path directory;
    private final LinuxFileCalls files;
    private final Mounter mounter;
    private final Object[] locks = Stream.generate(Object::new).limit(16).toArray();

    Volumes(Path directory, LinuxFileCalls files, Mounter mounter) {
        this.directory = directory;
        this.files = files;
        this.mounter = mounter;
    }

    Path create(VolumeSpec volume) throws IOException, DriverException {
        if (volume.name().value().length() > LONGEST_NAME) {
            throw DriverException.failure(Failure.Kind.INVALID, "the name of volume " + volume.name() + " is too long");
        }
        Path home = directory.resolve(volume.name().value());
        Path data = home.resolve(DATA);
        Files.createDirectories(home);
        Files.createDirectories(data);
        return data;
    }

    Path data(VolumeName volume) {
        return directory.resolve(volume.value()).resolve(DATA);
    }

    /** Mounts a volume's device where it is not mounted. */
    boolean mount(VolumeSpec volume) throws IOException {
        Path data = data(volume.name());
        if (mounter.isMountPoint(data)) {
            return false;
        }
        Files.createDirectories(data);
        String device = volume.options().getOrDefault("device", "none");
        String type = volume.options().getOrDefault("type", "none");
        String options = volume.options().getOrDefault("o", "");
        try {
            List<String> words = new ArrayList<>();
            for (String word : options.split(",")) {
                words.add(word.startsWith("addr=") ? "addr=" + numeric(word.substring(5)) : word);
            }
            mounter.mount(new Mount(type, device, words), data);
        } catch (IOException e) {
            String why = reason(e);
            throw new IOException(
                    "mount " + device + ":" + data + (options.isEmpty() ? "" : ", data: " + options) + ": " + why, e);
        }
        return true;
    }

    /** The kernel's words alone, as Docker's users know them: lower case, without the name of the call. */
    private static String reason(IOException e) {
        String words = String.valueOf(e instanceof FileSystemException f ? f.getReason() : e.getMessage());
        String bare = words.replaceFirst("^mount [^:]*: ", "");
        return bare.isEmpty() ? words : Character.toLowerCase(bare.charAt(0)) + bare.substring(1);
    }

    boolean unmount(VolumeName volume) throws IOException {
        mounter.unmountAll(data(volume));
        return true;
    }

    Set<VolumeName> mounted() throws IOException {
        Set<VolumeName> found = new LinkedHashSet<>();
        for (MountTable.Entry entry : MountTable.read().under(directory)) {
            Path home = entry.point().getParent();
            if (home != null
                    && directory.equals(home.getParent())
                    && entry.point().endsWith(DATA)) {
                found.add(new VolumeName(String.valueOf(home.getFileName())));
            }
        }
        return found;
    }

    boolean remove(VolumeName volume) throws IOException {
        if (volume.value().length() > LONGEST_NAME) {
            // There can be none of that name, and to look for it fails.
            return true;
        }
        Path home = directory.resolve(volume.value());
        mounter.unmountAll(data(volume));
        files.removeTree(home);
        return true;
    }

    Map<VolumeName, Path> survey() throws IOException {
        Map<VolumeName, Path> found = new LinkedHashMap<>();
        try (DirectoryStream<Path> homes = Files.newDirectoryStream(directory)) {
            for (Path home : homes) {
                Path data = home.resolve(DATA);
                Path name = home.getFileName();
                if (name != null && Files.isDirectory(data, LinkOption.NOFOLLOW_LINKS)) {
                    found.put(new VolumeName(name.toString()), data);
                }
            }
        }
        return found;
    }

    /** Of two containers that come with the same volume one fills it, and the other finds it whole. */
    boolean copyUp(Path rootfs, String target, Path volume) throws IOException, DriverException {
        synchronized (locks[Math.floorMod(volume.hashCode(), locks.length)]) {
            return fill(rootfs, target, volume);
        }
    }

    private boolean fill(Path rootfs, String target, Path volume) throws IOException, DriverException {
        Path copied = volume.resolveSibling(COPIED);
        if (volume.endsWith(DATA) && Files.exists(copied, LinkOption.NOFOLLOW_LINKS)) {
            moveIn(copied, volume);
            return true;
        }
        Path source;
        try {
            source = files.resolveInRoot(rootfs, target);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return false;
        }
        if (!Files.isDirectory(volume, LinkOption.NOFOLLOW_LINKS) || !Files.exists(source, LinkOption.NOFOLLOW_LINKS)) {
            return false;
        }
        if (!Files.isDirectory(source, LinkOption.NOFOLLOW_LINKS)) {
            throw DriverException.failure(
                    Failure.Kind.FAILED, "cannot mount volume over existing file, file exists " + target);
        }
        if (!isEmpty(volume)) {
            return false;
        }
        if (!volume.endsWith(DATA)
                || files.stat(volume).device()
                        != files.stat(volume.resolveSibling(".")).device()) {
            // A part of a volume, or a device of its own: nothing can be moved in at once, so a crash may leave a part.
            new TreeCopy(files).copy(source, volume);
            return true;
        }
        Path copying = volume.resolveSibling(COPYING);
        files.removeTree(copying);
        Files.createDirectory(copying);
        new TreeCopy(files).copy(source, copying);
        Files.move(copying, copied);
        moveIn(copied, volume);
        return true;
    }

    /** Not one rename of the directory: a container that has the empty volume mounted already must see the files. */
    private void moveIn(Path copied, Path volume) throws IOException {
        List<Path> names = new ArrayList<>();
        try (DirectoryStream<Path> content = Files.newDirectoryStream(copied)) {
            content.forEach(names::add);
        }
        for (Path path : names) {
            Path name = path.getFileName();
            if (name != null && !Files.exists(volume.resolve(name), LinkOption.NOFOLLOW_LINKS)) {
                files.renameDurably(path, volume.resolve(name));
            }
        }
        new TreeCopy(files).copyAttributes(copied, volume);
        files.removeTree(copied);
    }

    /** The kernel's network file systems want an address and no name. */
    private static String numeric(String host) throws IOException {
        return InetAddress.getByName(host).getHostAddress();
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (DirectoryStream<Path> content = Files.newDirectoryStream(directory)) {
            return !content.iterator().hasNext();
        }
    }
}
