package dev.wharf.plugins;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where the bundles of the plugins folder are kept, those replaced as well: {@code ROOT/STEM/DIGEST.jar}, and in {@code
 * ROOT/STEM/good} the digest of the last that served. Bundles run from here, so that an operator may write over a file in
 * the folder while what stood there still runs.
 */
final class Shelf {
    /** How many of one name are kept for a way back. */
    private static final int MOST_KEPT = 5;

    private static final int DIGITS = 12;

    private final Path root;

    Shelf(Path root) {
        this.root = root;
    }

    /** A bundle's file under the name it had in the folder. */
    record Kept(String stem, String digest, Path file) {
        /** Where the framework finds it. */
        String location() {
            return "reference:" + file.toUri();
        }
    }

    /** Copies a file here, unless the same is here already, and whole: a loss of power may have left less of it. */
    Kept keep(String stem, Path file) throws IOException {
        Path folder = Files.createDirectories(root.resolve(stem));
        Path known = folder.resolve(digest(file, OutputStream.nullOutputStream()) + ".jar");
        Kept kept = Files.exists(known) && Files.mismatch(known, file) < 0
                ? new Kept(stem, stem(known), known)
                : copy(stem, file, folder);
        // The newest are those that were wanted last, not those that were built last.
        Files.setLastModifiedTime(kept.file(), FileTime.from(Instant.now()));
        tidy(folder, kept.digest());
        return kept;
    }

    private static String stem(Path jar) {
        String name = jar.getFileName().toString();
        return name.substring(0, name.length() - ".jar".length());
    }

    /** The digest is that of what was copied: somebody may write over the file meanwhile. */
    private static Kept copy(String stem, Path file, Path folder) throws IOException {
        Path fresh = Files.createTempFile(folder, "fresh", ".tmp");
        try {
            String digest;
            try (OutputStream out = Files.newOutputStream(fresh)) {
                digest = digest(file, out);
            }
            Kept kept = new Kept(stem, digest, folder.resolve(digest + ".jar"));
            Files.move(fresh, kept.file(), StandardCopyOption.ATOMIC_MOVE);
            return kept;
        } finally {
            Files.deleteIfExists(fresh);
        }
    }

    private static String digest(Path from, OutputStream to) throws IOException {
        try {
            MessageDigest sha = MessageDigest.getInstance("SHA-256");
            try (InputStream in = new DigestInputStream(Files.newInputStream(from), sha)) {
                in.transferTo(to);
            }
            return HexFormat.of().formatHex(sha.digest()).substring(0, DIGITS);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }

    private void tidy(Path folder, String current) throws IOException {
        Optional<String> good = good(folder.getFileName().toString()).map(Kept::digest);
        List<Path> oldestFirst;
        try (Stream<Path> files = Files.list(folder)) {
            oldestFirst = files.filter(f -> f.toString().endsWith(".jar"))
                    .sorted(Comparator.comparing(f -> f.toFile().lastModified()))
                    .toList();
        }
        for (Path file : oldestFirst.subList(0, Math.max(0, oldestFirst.size() - MOST_KEPT))) {
            String digest = file.getFileName().toString().replace(".jar", "");
            if (!digest.equals(current) && !good.equals(Optional.of(digest))) {
                Files.delete(file);
            }
        }
    }

    /** The one of a digest, whatever it was called. */
    Optional<Kept> find(String digest) throws IOException {
        if (!Files.isDirectory(root)) {
            return Optional.empty();
        }
        try (Stream<Path> stems = Files.list(root)) {
            return stems.map(stem -> new Kept(stem.getFileName().toString(), digest, stem.resolve(digest + ".jar")))
                    .filter(kept -> Files.exists(kept.file()))
                    .findFirst();
        }
    }

    /** Notes that this one served. */
    void serves(Kept kept) throws IOException {
        if (good(kept.stem()).map(Kept::digest).equals(Optional.of(kept.digest()))) {
            return;
        }
        Path folder = root.resolve(kept.stem());
        Path fresh = Files.writeString(folder.resolve("good.tmp"), kept.digest());
        Files.move(fresh, folder.resolve("good"), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The last of this name that served. */
    Optional<Kept> good(String stem) throws IOException {
        Path note = root.resolve(stem).resolve("good");
        if (!Files.exists(note)) {
            return Optional.empty();
        }
        String digest = Files.readString(note).strip();
        return Optional.of(new Kept(stem, digest, root.resolve(stem).resolve(digest + ".jar")))
                .filter(kept -> Files.exists(kept.file()));
    }

    /** Puts one where an operator would, in one piece. */
    static void place(Kept kept, Path folder) throws IOException {
        Path fresh = folder.resolve("." + kept.stem() + ".tmp");
        Files.copy(kept.file(), fresh, StandardCopyOption.REPLACE_EXISTING);
        Path file = folder.resolve(kept.stem() + ".jar");
        try {
            Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
        }
    }
}
