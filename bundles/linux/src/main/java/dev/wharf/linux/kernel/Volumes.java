package dev.wharf.linux.kernel;

import dev.wharf.linux.file.LinuxFileCalls;
import dev.wharf.linux.file.TreeCopy;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Mount;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.net.InetAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Directories of volumes: {@code <name>/_data} holds what containers see. A volume with a device of its own has
 * {@code <name>/mount.properties} beside it, so that it can be mounted again after a reboot.
 */
final class Volumes {
    private static final Logger LOG = LoggerFactory.getLogger(Volumes.class);
    private static final String DATA = "_data";
    private static final String MOUNT = "mount.properties";
    /** Being copied up; worthless until renamed. */
    private static final String COPYING = "_copying";
    /** Copied and about to be moved in; every crash after this is made good by the next call. */
    private static final String COPIED = "_copied";

    private final Path directory;
    private final LinuxFileCalls files;
    private final Mounter mounter;

    Volumes(Path directory, LinuxFileCalls files, Mounter mounter) {
        this.directory = directory;
        this.files = files;
        this.mounter = mounter;
    }

    Path create(VolumeSpec volume) throws IOException, DriverException {
        if (volume.name().value().length() > 255) {
            throw DriverException.failure(Failure.Kind.INVALID, "the name of volume " + volume.name() + " is too long");
        }
        Path home = directory.resolve(volume.name().value());
        Path data = home.resolve(DATA);
        Files.createDirectories(home);
        if (!volume.options().isEmpty()) {
            boolean fresh = !Files.exists(data);
            try {
                remember(volume, home);
                mountDevice(home, data);
            } catch (IOException e) {
                if (fresh) {
                    files.removeTree(home);
                }
                throw e;
            }
        }
        Files.createDirectories(data);
        return data;
    }

    boolean remove(VolumeName volume) throws IOException {
        Path home = directory.resolve(volume.value());
        mounter.unmountAll(home.resolve(DATA));
        files.removeTree(home);
        return true;
    }

    Map<VolumeName, Path> survey() throws IOException {
        Map<VolumeName, Path> found = new LinkedHashMap<>();
        try (DirectoryStream<Path> homes = Files.newDirectoryStream(directory)) {
            for (Path home : homes) {
                Path data = home.resolve(DATA);
                Path name = home.getFileName();
                if (name != null && Files.isDirectory(data, LinkOption.NOFOLLOW_LINKS) && isWhole(home, data)) {
                    found.put(new VolumeName(name.toString()), data);
                }
            }
        }
        return found;
    }

    boolean copyUp(Path rootfs, String target, Path volume) throws IOException {
        Path copied = volume.resolveSibling(COPIED);
        if (Files.exists(copied, LinkOption.NOFOLLOW_LINKS)) {
            moveIn(copied, volume);
            return true;
        }
        Path source;
        try {
            source = files.resolveInRoot(rootfs, target);
        } catch (NoSuchFileException | NotDirectoryException e) {
            return false;
        }
        if (!Files.isDirectory(source, LinkOption.NOFOLLOW_LINKS) || !isEmpty(volume)) {
            return false;
        }
        if (files.stat(volume).device()
                != files.stat(volume.resolveSibling(".")).device()) {
            // A device of its own: nothing can be moved in at once, so a crash may leave a part.
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

    private boolean isWhole(Path home, Path data) {
        try {
            mountDevice(home, data);
            return true;
        } catch (IOException e) {
            LOG.warn("cannot mount a volume's device volume={} error={}", home.getFileName(), e.getMessage());
            return false;
        }
    }

    /** Mounts what {@link #MOUNT} says, if it says anything and it is not mounted. */
    private void mountDevice(Path home, Path data) throws IOException {
        Path description = home.resolve(MOUNT);
        if (!Files.exists(description) || mounter.isMountPoint(data)) {
            return;
        }
        Properties options = new Properties();
        try (Reader reader = Files.newBufferedReader(description)) {
            options.load(reader);
        }
        Files.createDirectories(data);
        List<String> words = new ArrayList<>();
        for (String word : options.getProperty("o", "").split(",")) {
            words.add(word.startsWith("addr=") ? "addr=" + numeric(word.substring(5)) : word);
        }
        mounter.mount(
                new Mount(options.getProperty("type", "none"), options.getProperty("device", "none"), words), data);
    }

    /** The kernel's network file systems want an address and no name. */
    private static String numeric(String host) throws IOException {
        return InetAddress.getByName(host).getHostAddress();
    }

    private static void remember(VolumeSpec volume, Path home) throws IOException {
        Properties options = new Properties();
        options.putAll(volume.options());
        Path partial = home.resolve(MOUNT + ".partial");
        try (Writer writer = Files.newBufferedWriter(partial)) {
            options.store(writer, null);
        }
        Files.move(partial, home.resolve(MOUNT), StandardCopyOption.ATOMIC_MOVE);
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (DirectoryStream<Path> content = Files.newDirectoryStream(directory)) {
            return !content.iterator().hasNext();
        }
    }
}
