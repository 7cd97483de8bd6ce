package dev.wharf.content;

import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Where blobs lie on disk.
 *
 * <pre>
 * blobs/sha256/HEX     a whole blob, verified
 * ingest/sha256-HEX    the first part of one, to go on with
 * ingest/N             something that is nobody's once the agent is gone
 * damaged/sha256-HEX   what was found in the place of a blob and is something else
 * </pre>
 */
final class BlobFiles {
    private static final FileAttribute<Set<PosixFilePermission>> OURS_ALONE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final Path root;

    BlobFiles(Path root) {
        this.root = root;
    }

    Path blob(Digest digest) {
        return root.resolve("blobs").resolve(digest.algorithm()).resolve(digest.hex());
    }

    Path ingests() {
        return root.resolve("ingest");
    }

    Path part(Digest digest) {
        return ingests().resolve(digest.algorithm() + "-" + digest.hex());
    }

    Path damages() {
        return root.resolve("damaged");
    }

    Path damaged(Digest digest) {
        return damages().resolve(digest.algorithm() + "-" + digest.hex());
    }

    static boolean isPart(Path ingest) {
        return ingest.getFileName().toString().matches("sha(256|512)-[0-9a-f]+");
    }

    void makeDirectories() throws IOException {
        Files.createDirectories(root, OURS_ALONE);
        for (String each : List.of("ingest", "damaged", "blobs", "blobs/sha256", "blobs/sha512")) {
            try {
                Files.createDirectory(root.resolve(each), OURS_ALONE);
            } catch (FileAlreadyExistsException e) {
                // From an earlier start.
            }
        }
    }

    Optional<Long> size(Digest digest) throws IOException {
        try {
            BasicFileAttributes attributes = Files.readAttributes(blob(digest), BasicFileAttributes.class);
            return attributes.isRegularFile() ? Optional.of(attributes.size()) : Optional.empty();
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    Map<Digest, Long> all() throws IOException {
        Map<Digest, Long> found = new TreeMap<>();
        for (String algorithm : List.of("sha256", "sha512")) {
            try (DirectoryStream<Path> paths =
                    Files.newDirectoryStream(root.resolve("blobs").resolve(algorithm))) {
                for (Path path : paths) {
                    Digest digest = new Digest(algorithm, path.getFileName().toString());
                    size(digest).ifPresent(size -> found.put(digest, size));
                }
            } catch (IllegalArgumentException e) {
                throw new IOException("something that is no blob lies among the blobs: " + e.getMessage(), e);
            }
        }
        return found;
    }
}
