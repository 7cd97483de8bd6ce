package dev.wharf.engine.http;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.GroupPrincipal;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserPrincipalNotFoundException;
import java.util.Optional;

/**
 * The file of a unix socket. The socket is bound under another name and moved into place with its owner and mode, so whoever
 * finds it there may use it, whatever the umask is.
 */
final class SocketFile {
    /** Room in sockaddr_un (unix(7)), without the closing NUL. */
    private static final int MAX_PATH_BYTES = 107;

    private final Path path;
    private final String wantedGroup;
    private final int mode;
    private Object key = "";

    SocketFile(Endpoint.Unix socket) {
        this.path = socket.path();
        this.wantedGroup = socket.group();
        this.mode = socket.mode();
    }

    /** Makes sure that the socket may be made, and answers with the path to bind at first. */
    Path prepare() throws IOException {
        if (path.toString().getBytes(StandardCharsets.UTF_8).length + 5 > MAX_PATH_BYTES) {
            throw new IOException("cannot listen on " + path + ": the path is longer than " + (MAX_PATH_BYTES - 5)
                    + " bytes, the most that a unix socket's name may have");
        }
        Path directory = path.toAbsolutePath().getParent();
        if (directory == null) {
            throw new IOException("cannot listen on " + path + ": no directory for a socket");
        }
        Files.createDirectories(directory);
        if (Files.isDirectory(path)) {
            throw new IOException("cannot listen on " + path + ": it is a directory");
        }
        if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            if (!Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                    .isOther()) {
                throw new IOException("cannot listen on " + path + ": a file that is no socket is in the way");
            }
            if (isLive()) {
                throw new IOException("cannot listen on " + path
                        + ": another agent answers there; stop it, or choose another socket with --host");
            }
        }
        Path fresh = directory.resolve(path.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        return fresh;
    }

    private boolean isLive() {
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(path))) {
            return client.isConnected();
        } catch (IOException e) {
            // Nobody listens: the file is what a killed agent left.
            return false;
        }
    }

    /** Puts the socket that was bound at {@code fresh} in its place. */
    void publish(Path fresh) throws IOException {
        Optional<GroupPrincipal> group = group();
        if (group.isPresent()) {
            Files.getFileAttributeView(fresh, PosixFileAttributeView.class).setGroup(group.get());
        }
        // After the group, which takes special bits away (chown(2)).
        Files.setAttribute(fresh, "unix:mode", mode);
        key = key(fresh);
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE);
    }

    private Optional<GroupPrincipal> group() throws IOException {
        try {
            return Optional.of(
                    path.getFileSystem().getUserPrincipalLookupService().lookupPrincipalByGroupName(wantedGroup));
        } catch (UserPrincipalNotFoundException e) {
            if (!wantedGroup.equals(Endpoint.Unix.USUAL_GROUP)) {
                throw new IOException(
                        "cannot give " + path + " to the group " + wantedGroup + ": there is no such group", e);
            }
            return Optional.empty();
        }
    }

    /** Removes the file, unless another socket has taken its place. */
    void remove() throws IOException {
        try {
            if (key(path).equals(key)) {
                Files.delete(path);
            }
        } catch (NoSuchFileException e) {
            // Somebody was faster.
        }
    }

    private static Object key(Path file) throws IOException {
        Object key = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                .fileKey();
        return key == null ? "" : key;
    }
}
