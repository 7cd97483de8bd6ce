package dev.wharf.registry.archive;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.oci.archive.ArchiveIndex;
import dev.wharf.oci.archive.Packed;
import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * One archive as it was when it was gone through.
 *
 * @param stamp of the file that was gone through
 * @param own what its images are called that have no name in it; empty where the file's own name is no repository
 */
record Archive(Path file, ArchiveFolder.Stamp stamp, Optional<Repository> own, ArchiveIndex index) {
    /** Another file has its name by now, in which things lie elsewhere. */
    static final class Replaced extends IOException {
        private static final long serialVersionUID = 1L;

        Replaced(Path file) {
            super(file + " is no longer the file that it was");
        }
    }

    /** Whether it holds images of a repository. */
    boolean has(Repository repository) {
        return names().anyMatch(name -> name.reference().repository().equals(repository));
    }

    private record Name(Reference reference, Descriptor manifest) {}

    private Stream<Name> names() {
        return index.entries().stream()
                .flatMap(entry -> Stream.concat(
                                entry.names().stream(),
                                entry.tag().flatMap(tag -> own.map(o -> Reference.of(o, tag))).stream())
                        .map(reference -> new Name(reference, entry.manifest())));
    }

    List<String> tags(Repository repository) {
        return names().map(Name::reference)
                .filter(r -> r.repository().equals(repository))
                .flatMap(r -> r.tag().stream())
                .toList();
    }

    Optional<Descriptor> resolve(Reference reference) {
        return reference.digest().isPresent()
                ? index.describe(reference.digest().get())
                : names().filter(name -> name.reference().equals(reference))
                        .map(Name::manifest)
                        .findFirst();
    }

    boolean holds(Digest digest) {
        return index.place(digest).isPresent() || index.document(digest).isPresent();
    }

    /** The bytes of a blob from {@code offset} on; throws {@link Replaced} where they would be those of another file. */
    InputStream open(Digest digest, long offset) throws IOException {
        Optional<byte[]> document = index.document(digest);
        if (document.isPresent()) {
            int from = (int) Math.min(offset, document.get().length);
            return new ByteArrayInputStream(document.get(), from, document.get().length - from);
        }
        ArchiveIndex.Place place =
                index.place(digest).orElseThrow(() -> new FileNotFoundException(digest + " is not in " + file));
        InputStream whole = Channels.newInputStream(FileChannel.open(file, StandardOpenOption.READ));
        try {
            // After it was opened: from now on it stays what it is.
            if (!ArchiveFolder.Stamp.of(file).equals(stamp)) {
                throw new Replaced(file);
            }
            InputStream tar = Packed.unpack(whole);
            // A plain archive is a file that can be jumped in, a packed one is read up to there.
            tar.skipNBytes(place.offset() + offset);
            return new Part(whole, tar, place.sizeBytes() - offset);
        } catch (IOException | RuntimeException e) {
            whole.close();
            throw e;
        }
    }

    /** So many bytes of an archive, and no more. */
    private static final class Part extends FilterInputStream {
        private final InputStream archive;
        private long left;

        Part(InputStream archive, InputStream tar, long left) {
            super(tar);
            this.archive = archive;
            this.left = left;
        }

        @Override
        public int read() throws IOException {
            byte[] one = new byte[1];
            return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
        }

        @Override
        public int read(byte[] target, int offset, int length) throws IOException {
            if (left <= 0) {
                return length == 0 ? 0 : -1;
            }
            int n = in.read(target, offset, (int) Math.min(length, left));
            left -= Math.max(n, 0);
            return n;
        }

        @Override
        public long skip(long n) throws IOException {
            long skipped = in.skip(Math.min(n, left));
            left -= skipped;
            return skipped;
        }

        @Override
        public int available() throws IOException {
            return (int) Math.min(in.available(), left);
        }

        @Override
        public boolean markSupported() {
            return false;
        }

        @Override
        public void close() throws IOException {
            try (archive) {
                Packed.done(in);
            }
        }
    }
}
