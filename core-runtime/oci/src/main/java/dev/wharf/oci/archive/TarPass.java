package dev.wharf.oci.archive;

import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.image.Manifest;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;

/**
 * One pass over an archive. Tables of contents are kept and links noted; every other file is handed on as it comes, and what
 * is not read of it is passed over.
 */
final class TarPass {
    /** How a layout calls its blobs. */
    static final Pattern BLOB = Pattern.compile("blobs/(sha256|sha512)/([0-9a-f]+)");

    private static final int MAX_ENTRIES = 100_000;

    /** What may stand before one entry: its long names and its attributes. */
    private static final int MAX_HEADER_BYTES = 1 << 20;

    private static final Set<String> TABLES = Set.of("index.json", "manifest.json", "oci-layout");

    /** Old archives carry a version and a second, older config beside each layer; nobody needs them any more. */
    private static final Pattern RELICS = Pattern.compile("repositories|[0-9a-f]{64}/(?:json|VERSION)");

    private final Files files;
    private final Map<String, byte[]> tables = new HashMap<>();
    private final Map<String, String> links = new HashMap<>();

    /** Where files go. */
    interface Files {
        /** @param offset where the content begins in the unpacked archive */
        void take(String name, long offset, long sizeBytes, InputStream content) throws IOException;
    }

    TarPass(Files files) {
        this.files = files;
    }

    /** {@code index.json}, {@code manifest.json} and {@code oci-layout}, those that were there. */
    Map<String, byte[]> tables() {
        return tables;
    }

    /** The file of {@code known} that a name leads to, over links; the end of the links where there is none. */
    String target(String name, Set<String> known) throws DocumentException {
        String at = normal(name);
        Set<String> seen = new HashSet<>();
        while (!known.contains(at) && links.containsKey(at) && seen.add(at)) {
            at = links.get(at);
        }
        return at;
    }

    /** Reads an archive, packed or not, to its end. It stays open. */
    void over(InputStream archive) throws IOException {
        InputStream unpacked = Packed.unpack(archive);
        try {
            take(unpacked);
        } finally {
            Packed.done(unpacked);
        }
    }

    private void take(InputStream unpacked) throws IOException {
        Source source = new Source(unpacked);
        HeaderGuard guard = new HeaderGuard(source);
        // The tar stream is not closed, for the archive belongs to the caller.
        TarArchiveInputStream tar = new TarArchiveInputStream(guard, "UTF-8");
        int entries = 0;
        for (TarArchiveEntry entry = next(tar, guard); entry != null; entry = next(tar, guard)) {
            if (++entries > MAX_ENTRIES) {
                throw new DocumentException("the archive has more than " + MAX_ENTRIES + " entries");
            }
            take(entry, guard.position, new Unwrapped(tar, source, "the tar"));
            passOver(tar);
        }
        if (entries == 0) {
            throw new DocumentException("the archive is empty or no tar");
        }
        unpacked.transferTo(OutputStream.nullOutputStream());
    }

    private static void passOver(InputStream rest) throws IOException {
        while (rest.skip(Long.MAX_VALUE) > 0) {
            // A file that is not packed is jumped over, not read.
        }
    }

    private static TarArchiveEntry next(TarArchiveInputStream tar, HeaderGuard guard) throws IOException {
        guard.budget = MAX_HEADER_BYTES;
        try {
            return tar.getNextEntry();
        } catch (RuntimeException e) {
            throw new DocumentException("malformed tar: " + e.getMessage(), e);
        } finally {
            guard.budget = Long.MAX_VALUE;
        }
    }

    private void take(TarArchiveEntry entry, long offset, InputStream content) throws IOException {
        if (entry.isDirectory()) {
            return;
        }
        String name = normal(entry.getName());
        if (entry.isSymbolicLink()) {
            int slash = name.lastIndexOf('/');
            links.put(name, resolved(slash < 0 ? "" : name.substring(0, slash), entry.getLinkName()));
        } else if (entry.isLink()) {
            links.put(name, normal(entry.getLinkName()));
        } else if (!isPlain(entry)) {
            throw new DocumentException("the archive holds \"" + name + "\", which is no plain file");
        } else if (TABLES.contains(name)) {
            tables.put(name, document(content, Manifest.LIMIT_BYTES, name));
        } else if (!RELICS.matcher(name).matches()) {
            files.take(name, offset, entry.getSize(), content);
        }
    }

    private static boolean isPlain(TarArchiveEntry entry) {
        return entry.isFile()
                && !entry.isSparse()
                && !entry.isCharacterDevice()
                && !entry.isBlockDevice()
                && !entry.isFIFO();
    }

    /** A path in the archive; one that leads out of it is refused, though nothing would be written there. */
    private static String normal(String path) throws DocumentException {
        String name = path.startsWith("./") ? path.substring(2) : path;
        if (name.startsWith("/") || List.of(name.split("/", -1)).contains("..")) {
            throw new DocumentException("invalid path \"" + path + "\" in the archive");
        }
        return name;
    }

    private static String resolved(String directory, String target) throws DocumentException {
        List<String> parts = new ArrayList<>(directory.isEmpty() ? List.of() : List.of(directory.split("/")));
        for (String part : target.split("/")) {
            if (part.equals("..") && !parts.isEmpty()) {
                parts.remove(parts.size() - 1);
            } else if (!part.equals(".")) {
                parts.add(part);
            }
        }
        return normal(String.join("/", parts));
    }

    static byte[] document(InputStream in, int limitBytes, String what) throws IOException {
        byte[] bytes = in.readNBytes(limitBytes + 1);
        if (bytes.length > limitBytes) {
            throw new DocumentException(what + " is too big: at most " + limitBytes + " bytes are read");
        }
        return bytes;
    }

    /** Bounds what the tar reader may take in between two entries, because it gathers all of that in memory, and counts. */
    private static final class HeaderGuard extends FilterInputStream {
        long budget = Long.MAX_VALUE;
        long position;

        HeaderGuard(InputStream in) {
            super(in);
        }

        @Override
        public int read() throws IOException {
            int b = super.read();
            spend(b < 0 ? 0 : 1);
            return b;
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            int n = super.read(buffer, offset, length);
            spend(Math.max(n, 0));
            return n;
        }

        @Override
        public long skip(long n) throws IOException {
            long skipped = super.skip(n);
            spend(skipped);
            return skipped;
        }

        private void spend(long bytes) throws IOException {
            position += bytes;
            if (budget != Long.MAX_VALUE) {
                budget -= bytes;
                if (budget < 0) {
                    throw new DocumentException("malformed tar: an entry's header is too big");
                }
            }
        }
    }
}
