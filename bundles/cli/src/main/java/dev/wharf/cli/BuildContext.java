package dev.wharf.cli;

import dev.wharf.build.context.Patterns;
import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.TarWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** A directory as a tar, without what its {@code .dockerignore} names. Files are root's there, as the agent makes them anyway. */
final class BuildContext {
    private static final int TYPE = 0170000;
    private static final int SOCKET = 0140000;
    private static final int SYMBOLIC_LINK = 0120000;
    private static final int DIRECTORY = 0040000;
    private static final int REGULAR = 0100000;
    private static final int FIFO = 0010000;

    private static final String IGNORED = ".dockerignore";

    private final Path folder;
    private final Patterns ignored;
    private final Set<String> always;
    private final Path list;

    /**
     * @param list what the patterns are from, which goes as the context's own list
     * @param always files that go whatever is ignored, since the build itself is made of them
     */
    private BuildContext(Path folder, Path list, Patterns ignored, Set<String> always) {
        this.folder = folder;
        this.list = list;
        this.ignored = ignored;
        this.always = always;
    }

    /** @param dockerfile where the Dockerfile is in the folder, or empty where it is elsewhere */
    static BuildContext of(Path folder, String dockerfile) throws IOException {
        if (!Files.isDirectory(folder)) throw new IOException(folder + " is no directory to build from");
        // A list of one Dockerfile's own takes the place of the usual one, as with BuildKit.
        Path own = folder.resolve(dockerfile + IGNORED);
        Path list = !dockerfile.isEmpty() && Files.isRegularFile(own) ? own : folder.resolve(IGNORED);
        Patterns ignored = Patterns.NONE;
        if (Files.isRegularFile(list)) {
            try {
                ignored = Patterns.parse(Files.readAllLines(list, StandardCharsets.UTF_8));
            } catch (IllegalArgumentException e) {
                throw new IOException(list + ": " + e.getMessage(), e);
            }
        }
        return new BuildContext(
                folder, list, ignored, dockerfile.isEmpty() ? Set.of(IGNORED) : Set.of(IGNORED, dockerfile));
    }

    void write(OutputStream out) throws IOException {
        write(folder, "", out);
        if (isOther()) entry(list, IGNORED, Facts.of(list), out);
    }

    private boolean isOther() {
        return !list.equals(folder.resolve(IGNORED));
    }

    static void end(OutputStream out) throws IOException {
        out.write(new byte[TarWriter.END_BYTES]);
    }

    private void write(Path directory, String at, OutputStream out) throws IOException {
        List<Path> inside;
        try (Stream<Path> all = Files.list(directory)) {
            inside = all.sorted().toList();
        }
        for (Path one : inside) {
            String name = at + one.getFileName();
            if (name.equals(IGNORED) && isOther()) continue;
            boolean isOut = ignored.leavesOut(name) && !always.contains(name);
            Facts facts = Facts.of(one);
            boolean isDirectory = facts.type() == DIRECTORY;
            if (!isOut) entry(one, name, facts, out);
            if (isDirectory && (!isOut || mayHoldMore(name))) write(one, name + "/", out);
        }
    }

    /** Whether something in a directory that is left out goes all the same. */
    private boolean mayHoldMore(String directory) {
        return ignored.takesBackAny() || always.stream().anyMatch(file -> file.startsWith(directory + "/"));
    }

    /** What lstat(2) says of a file. */
    private record Facts(int mode, long sizeBytes, FileTime modified) {
        static Facts of(Path file) throws IOException {
            Map<String, Object> all =
                    Files.readAttributes(file, "unix:mode,size,lastModifiedTime", LinkOption.NOFOLLOW_LINKS);
            return new Facts(
                    (int) Objects.requireNonNull(all.get("mode")),
                    (long) Objects.requireNonNull(all.get("size")),
                    (FileTime) Objects.requireNonNull(all.get("lastModifiedTime")));
        }

        int type() {
            return mode & TYPE;
        }
    }

    private static void entry(Path file, String name, Facts facts, OutputStream out) throws IOException {
        int type = facts.type();
        switch (type) {
            case DIRECTORY -> out.write(header(Entry.Kind.DIRECTORY, name + "/", "", 0, facts));
            case SYMBOLIC_LINK ->
                out.write(header(
                        Entry.Kind.SYMBOLIC_LINK,
                        name,
                        Files.readSymbolicLink(file).toString(),
                        0,
                        facts));
            case FIFO -> out.write(header(Entry.Kind.FIFO, name, "", 0, facts));
            case REGULAR -> {
                long size = facts.sizeBytes();
                out.write(header(Entry.Kind.FILE, name, "", size, facts));
                try (InputStream in = Files.newInputStream(file)) {
                    copy(in, size, out, file);
                }
                out.write(new byte[TarWriter.padding(size)]);
            }
            case SOCKET -> {
                // Nothing that could be sent.
            }
            default -> throw new IOException(file + " is a device, and a build takes none");
        }
    }

    private static byte[] header(Entry.Kind kind, String name, String target, long size, Facts facts) {
        long nanos = facts.modified().to(TimeUnit.NANOSECONDS);
        return TarWriter.header(new Entry(
                kind,
                name,
                target,
                facts.mode() & 07777,
                0,
                0,
                size,
                Math.floorDiv(nanos, 1_000_000_000L),
                (int) Math.floorMod(nanos, 1_000_000_000L),
                0,
                0,
                Map.of()));
    }

    /** What was said of the size is kept, even where somebody writes to the file meanwhile. */
    private static void copy(InputStream in, long size, OutputStream out, Path file) throws IOException {
        byte[] buffer = new byte[64 << 10];
        long left = size;
        while (left > 0) {
            int n = in.read(buffer, 0, (int) Math.min(buffer.length, left));
            if (n < 0) throw new IOException(file + " became shorter while it was sent; try again");
            out.write(buffer, 0, n);
            left -= n;
        }
    }

    /** A file of the client's own making. */
    static void file(String name, byte[] content, OutputStream out) throws IOException {
        out.write(TarWriter.header(
                new Entry(Entry.Kind.FILE, name, "", 0644, 0, 0, content.length, 0, 0, 0, 0, Map.of())));
        out.write(content);
        out.write(new byte[TarWriter.padding(content.length)]);
    }
}
