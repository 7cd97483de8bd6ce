package dev.wharf.itests.build;

import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.TarWriter;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Dockerfiles written for the tests, and the context that they all have. */
final class Corpus {
    private Corpus() {}

    /**
     * One of them.
     *
     * @param classic whether dockerd's classic builder takes it, too
     * @param options of docker build
     * @param ignored lines of its .dockerignore
     */
    record Case(String name, boolean classic, List<String> options, List<String> ignored, String text) {
        @Override
        public String toString() {
            return name;
        }
    }

    static List<Case> read() throws IOException {
        String all;
        try (var in = Corpus.class.getResourceAsStream("/build/corpus.txt")) {
            all = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        List<Case> cases = new ArrayList<>();
        String[] blocks = all.split("(?m)^=== ");
        for (int i = 1; i < blocks.length; i++) {
            cases.add(read(blocks[i]));
        }
        return cases;
    }

    private static Case read(String block) {
        List<String> lines = block.lines().toList();
        String[] head = lines.get(0).split(" ");
        List<String> options = new ArrayList<>();
        List<String> ignored = new ArrayList<>();
        boolean crlf = false;
        int at = 1;
        for (; at < lines.size(); at++) {
            String line = lines.get(at);
            String value = line.substring(line.indexOf(' ') + 1);
            if (line.startsWith("args: ")) {
                options.addAll(List.of("--build-arg", value));
            } else if (line.startsWith("labels: ")) {
                options.addAll(List.of("--label", value));
            } else if (line.startsWith("target: ")) {
                options.addAll(List.of("--target", value));
            } else if (line.startsWith("ignore: ")) {
                ignored.add(value);
            } else if (line.startsWith("crlf: ")) {
                crlf = true;
            } else {
                break;
            }
        }
        String text = String.join(crlf ? "\r\n" : "\n", lines.subList(at, lines.size())) + "\n";
        return new Case(head[0], head[1].equals("classic"), options, ignored, text);
    }

    /** Makes the context in a folder. */
    static void context(Path folder) throws IOException {
        Map<String, String> files = Map.of(
                "a.txt", "a\n",
                "b.txt", "b\n",
                "with space.txt", "s\n",
                "dir/one.txt", "1\n",
                "dir/sub/two.txt", "2\n",
                "dir/.hidden", "h\n",
                "exec.sh", "#!/bin/sh\n",
                "modes/600", "x",
                "modes/4755", "x",
                "modes/d/f", "y");
        for (Map.Entry<String, String> file : files.entrySet()) {
            Path path = folder.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            Files.writeString(path, file.getValue());
            mode(path, 0644);
        }
        mode(folder.resolve("exec.sh"), 0755);
        mode(folder.resolve("modes/600"), 0600);
        mode(folder.resolve("modes/d/f"), 0444);
        mode(folder.resolve("dir/sub"), 0750);
        Files.setAttribute(folder.resolve("modes/4755"), "unix:mode", 0104755);
        Files.setAttribute(folder.resolve("modes/d"), "unix:mode", 0041777);
        Files.createSymbolicLink(folder.resolve("link.txt"), Path.of("a.txt"));
        Files.createSymbolicLink(folder.resolve("dirlink"), Path.of("dir"));
        Path links = Files.createDirectories(folder.resolve("links"));
        Files.createSymbolicLink(links.resolve("up"), Path.of("../a.txt"));
        Files.createSymbolicLink(links.resolve("abs"), Path.of("/etc/passwd"));
        Files.createSymbolicLink(links.resolve("dangling"), Path.of("nowhere"));
        byte[] tar = archive();
        Files.write(folder.resolve("archive.tar"), tar);
        pack(folder.resolve("archive.tar.gz"), tar, GZIPOutputStream::new);
        pack(folder.resolve("archive.tar.bz2"), tar, BZip2CompressorOutputStream::new);
        pack(folder.resolve("archive.tar.xz"), tar, out -> new XZOutputStream(out, new LZMA2Options(1)));
    }

    private static void mode(Path path, int mode) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int bit = 8; bit >= 0; bit--) {
            text.append((mode >> bit & 1) == 0 ? '-' : "xwr".charAt(bit % 3));
        }
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(text.toString()));
    }

    private interface Packing {
        OutputStream over(OutputStream out) throws IOException;
    }

    private static void pack(Path file, byte[] tar, Packing packing) throws IOException {
        try (OutputStream out = packing.over(Files.newOutputStream(file))) {
            out.write(tar);
        }
    }

    private static byte[] archive() {
        ByteArrayOutputStream tar = new ByteArrayOutputStream();
        put(tar, Entry.Kind.DIRECTORY, "inside/", "", 0750, 3, 4, "");
        put(tar, Entry.Kind.FILE, "inside/file", "", 0640, 5, 6, "new\n");
        put(tar, Entry.Kind.SYMBOLIC_LINK, "inside/link", "file", 0777, 0, 0, "");
        put(tar, Entry.Kind.FILE, "top", "", 0600, 0, 0, "top\n");
        tar.writeBytes(new byte[TarWriter.END_BYTES]);
        return tar.toByteArray();
    }

    private static void put(
            ByteArrayOutputStream tar,
            Entry.Kind kind,
            String name,
            String target,
            int mode,
            int uid,
            int gid,
            String text) {
        tar.writeBytes(TarWriter.header(
                new Entry(kind, name, target, mode, uid, gid, text.length(), 1_600_000_000L, 0, 0, 0, Map.of())));
        tar.writeBytes(text.getBytes(StandardCharsets.US_ASCII));
        tar.writeBytes(new byte[TarWriter.padding(text.length())]);
    }
}
