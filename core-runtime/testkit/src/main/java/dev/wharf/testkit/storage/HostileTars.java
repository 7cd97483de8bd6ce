package dev.wharf.testkit.storage;

import static dev.wharf.testkit.storage.RawTar.directory;
import static dev.wharf.testkit.storage.RawTar.file;
import static dev.wharf.testkit.storage.RawTar.hardLink;
import static dev.wharf.testkit.storage.RawTar.header;
import static dev.wharf.testkit.storage.RawTar.symlink;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/**
 * Tars that try to get out, to lie or to exhaust. Each must be refused, or contained: then it shows what is listed for it, and
 * nothing outside the snapshot has changed. Numbers as in the plan of the hostile corpus; T27, what compression adds, belongs
 * to the content store.
 */
public final class HostileTars {
    /** What the limits of the driver under test are to be for these. */
    public static final long MOST_ENTRIES = 20_000;

    /** How much the driver under test is to take from one tar. */
    public static final long MOST_BYTES = 64L << 20;

    private final Path canary;
    private final List<Hostile> all = new ArrayList<>();

    /**
     * One tar.
     *
     * @param refused whether it must be refused; otherwise it must show {@code shows}
     */
    public record Hostile(String name, Supplier<InputStream> tar, boolean refused, List<String> shows) {
        @Override
        public String toString() {
            return name;
        }
    }

    private HostileTars(Path canary) {
        this.canary = canary;
    }

    /**
     * The tars, aimed at {@code canary}, a directory of the host with the file {@code secret} in it. They go on top of a layer
     * that has {@code etc/passwd}, {@code usr/lib/libc.so}, and {@code lib}, a link to {@code usr/lib}.
     */
    public static List<Hostile> aimedAt(Path canary) {
        HostileTars tars = new HostileTars(canary);
        tars.names();
        tars.links();
        tars.kinds();
        tars.whiteouts();
        tars.attributes();
        tars.sparse();
        tars.extensions();
        tars.numbers();
        tars.damage();
        tars.masses();
        return List.copyOf(tars.all);
    }

    private void names() {
        refuse("T01 climbs out", tar().add(file("../canary/pwned", "x")));
        refuse("T01 climbs out further on", tar().add(directory("a/")).add(file("a/../../canary/pwned", "x")));
        show("T01 climbs inside only", tar().add(directory("a/")).add(file("a/b/../../c", "x")), "c");
        show("T02 absolute", tar().add(file(canary + "/pwned", "x")), inside("pwned"));
        refuse("T19 zero byte", tar().pax("path", "a\0b").add(file("a", "x")));
        refuse("T19 too long", tar().pax("path", "d/".repeat(2100) + "x").add(file("a", "x")));
        refuse("T19 component too long", tar().pax("path", "n".repeat(256)).add(file("a", "x")));
        show("T19 newline", tar().add(file("a\nb", "x")), "a\\x0ab");
        show(
                "T19 not UTF-8",
                tar().add(file("a", "x").put(0, new byte[] {'f', (byte) 0xe9, (byte) 0xff})),
                "f\\xe9\\xff");
        refuse(
                "T22 deep",
                tar().add(file("d/".repeat(1500) + "x", "x"))
                        .pax("path", "d/".repeat(1500) + "x")
                        .add(file("a", "x")));
        show(
                "T29 case and composition",
                tar().add(file("A", "1"))
                        .add(file("a", "2"))
                        .pax("path", "\u00e9")
                        .add(file("e", "3"))
                        .pax("path", "e\u0301")
                        .add(file("e", "4")),
                "A",
                "a",
                "\u00e9",
                "e\u0301");
        show("root itself", tar().add(directory("./").mode(0711)).add(file("./x", "x")), "x");
        refuse(
                "root as a file",
                tar().add(file("./", "").put(156, new byte[] {'2'}).target("/etc")));
        refuse("no name", tar().add(file("", "x")));
    }

    private void links() {
        show(
                "T03 link to the root",
                tar().add(symlink("esc", "/")).add(file("esc" + canary + "/pwned", "x")),
                inside("pwned"));
        show(
                "T03 link to the host",
                tar().add(symlink("esc", canary.toString())).add(file("esc/pwned", "x")),
                inside("pwned"));
        show(
                "T03 link that climbs",
                tar().add(symlink("esc", "../../../../../.." + canary)).add(file("esc/pwned", "x")),
                inside("pwned"));
        show("T03 link of the layer below", tar().add(file("lib/new", "x")), "usr/lib/new");
        refuse(
                "T03 links in a circle",
                tar().add(symlink("a", "b")).add(symlink("b", "a")).add(file("a/x", "x")));
        refuse("T04 hard link to the host", tar().add(hardLink("h", canary + "/secret")));
        refuse("T04 hard link that climbs", tar().add(hardLink("h", "../canary/secret")));
        refuse(
                "T04 hard link behind a link",
                tar().add(symlink("esc", canary.toString())).add(hardLink("h", "esc/secret")));
        show("T04 hard link to the layer below", tar().add(hardLink("h", "etc/passwd")), "h", "etc/passwd");
        refuse("T04 hard link to a directory", tar().add(directory("d/")).add(hardLink("h", "d")));
        refuse("T04 hard link to the root", tar().add(hardLink("h", "/")));
        show(
                "T05 hard link to a link",
                tar().add(symlink("l", canary + "/secret"))
                        .add(hardLink("h", "l"))
                        .add(file("h", "x").mode(0777)),
                "l",
                "h");
        show("T05 hard link to itself", tar().add(file("f", "x")).add(hardLink("f", "f")), "f");
        show(
                "T06 directory becomes link",
                tar().add(directory("d/"))
                        .add(file("d/x", "x"))
                        .add(symlink("d", canary.toString()))
                        .add(file("d/pwned", "x")),
                "d",
                inside("pwned"));
        show(
                "T07 link becomes directory",
                tar().add(symlink("d", canary.toString()))
                        .add(directory("d/").mode(0777))
                        .add(file("d/x", "x")),
                "d/x");
        show(
                "T07 link of the layer below becomes directory",
                tar().add(directory("lib/").mode(0777)).add(file("lib/x", "x")),
                "lib/x",
                "usr/lib/libc.so");
        show("mode for a link", tar().add(symlink("l", canary + "/secret").mode(04777)), "l");
        show(
                "twice: link, then file",
                tar().add(symlink("l", canary + "/secret")).add(file("l", "x").mode(0666)),
                "l");
        refuse("below a file", tar().add(file("f", "x")).add(file("f/x", "x")));
        refuse("below a file of the layer below", tar().add(file("etc/passwd/x", "x")));
    }

    private void kinds() {
        show(
                "T08 devices",
                tar().add(header('3', "null").device(1, 3))
                        .add(header('4', "disk").device(8, 0)),
                "null",
                "disk");
        refuse(
                "T08 through a device",
                tar().add(header('3', "null").device(1, 3)).add(file("null/x", "x")));
        show("T09 FIFO", tar().add(header('6', "fifo")), "fifo");
        refuse("T09 unknown kind", tar().add(header('s', "socket")));
        show(
                "T31 where the runtime mounts",
                tar().add(symlink("dev", canary.toString()))
                        .add(file("proc", "x"))
                        .add(symlink("sys", "/")),
                "dev",
                "proc",
                "sys");
        show("T32 nobody may enter", tar().add(directory("d/").mode(0)).add(file("d/x", "x")), "d/x");
    }

    private void whiteouts() {
        refuse("T11 whiteout of the dot", tar().add(file(".wh..", "")));
        refuse("T11 whiteout of the dots", tar().add(file(".wh...", "")));
        refuse("T11 whiteout of nothing", tar().add(file("etc/.wh.", "")));
        show("T12 opaque root", tar().add(file(".wh..wh..opq", "")).add(file("x", "x")), "x");
        refuse("T13 whiteout with a slash", tar().add(file(".wh./etc", "")));
        refuse("T13 file in a whiteout", tar().add(file(".wh.etc/passwd", "x")));
        show("T13 AUFS's books", tar().add(file(".wh..wh.plnk/1.2", "x")).add(file("x", "x")), "x");
        show(
                "whiteout through a link",
                tar().add(symlink("esc", canary.toString())).add(file("esc/.wh.secret", "")),
                "esc");
        show(
                "opaque through a link",
                tar().add(symlink("esc", canary.toString())).add(file("esc/.wh..wh..opq", "")),
                "esc");
    }

    private void attributes() {
        show(
                "T10 setuid and capabilities",
                tar().pax('x', ascii("SCHILY.xattr.security.capability"), CAPABILITY)
                        .add(file("su", "x").mode(06755)),
                "su");
        refuse(
                "T14 too large an attribute",
                tar().pax("SCHILY.xattr.user.big", "v".repeat(70_000)).add(file("f", "x")));
        refuse(
                "T14 too many",
                () -> stream(
                        10_000,
                        i -> i == 0 ? header('x', "p").size(10_000L * 65_500).open() : new byte[65_500]));
        show(
                "T15 overlayfs's own",
                tar().pax(
                                "SCHILY.xattr.trusted.overlay.redirect",
                                "/../../../",
                                "SCHILY.xattr.trusted.overlay.opaque",
                                "y")
                        .add(directory("etc/"))
                        .add(file("etc/x", "x")),
                "etc/x",
                "etc/passwd");
        refuse("attribute without a name", tar().pax("SCHILY.xattr.", "v").add(file("f", "x")));
    }

    private void sparse() {
        refuse(
                "T16 hole of 8 EiB",
                tar().add(file("f", "x")
                        .put(156, new byte[] {'S'})
                        .put(257, ascii("ustar  \0"))
                        .octal(386, 12, 0)
                        .octal(398, 12, 1)
                        .binary(483, 12, Long.MAX_VALUE)));
        refuse(
                "T16 hole of 900 PiB",
                tar().pax("GNU.sparse.map", "0,1", "GNU.sparse.size", "999999999999999999")
                        .add(file("f", "x")));
        show(
                "T17 old map",
                tar().add(file("f", "data")
                        .put(156, new byte[] {'S'})
                        .put(257, ascii("ustar  \0"))
                        .octal(386, 12, 4096)
                        .octal(398, 12, 4)
                        .octal(483, 12, 8192)),
                "f");
        show(
                "T17 map 0.1",
                tar().pax("GNU.sparse.map", "4096,4", "GNU.sparse.size", "8192", "GNU.sparse.name", "g")
                        .add(file("f", "data")),
                "g");
        byte[] map = new byte[512];
        byte[] lines = ascii("1\n4096\n4\n");
        System.arraycopy(lines, 0, map, 0, lines.length);
        byte[] content = new byte[516];
        System.arraycopy(map, 0, content, 0, 512);
        System.arraycopy(ascii("data"), 0, content, 512, 4);
        show(
                "T17 map 1.0",
                tar().pax(
                                "GNU.sparse.major",
                                "1",
                                "GNU.sparse.minor",
                                "0",
                                "GNU.sparse.name",
                                "g",
                                "GNU.sparse.realsize",
                                "8192")
                        .add(file("f", "").content(content)),
                "g");
        refuse(
                "T17 pieces overlap",
                tar().pax("GNU.sparse.map", "0,2,1,2", "GNU.sparse.size", "8192")
                        .add(file("f", "data")));
        refuse(
                "T17 piece outside",
                tar().pax("GNU.sparse.map", "8190,4", "GNU.sparse.size", "8192").add(file("f", "data")));
        refuse(
                "T17 half a pair",
                tar().pax("GNU.sparse.map", "0", "GNU.sparse.size", "8192").add(file("f", "data")));
        refuse(
                "T17 endless map",
                tar().pax("GNU.sparse.major", "1", "GNU.sparse.minor", "0", "GNU.sparse.realsize", "8192")
                        .add(file("f", "9".repeat(2000))));
        refuse(
                "T17 name climbs",
                tar().pax("GNU.sparse.map", "0,4", "GNU.sparse.size", "4", "GNU.sparse.name", "../canary/pwned")
                        .add(file("f", "data")));
    }

    private void extensions() {
        refuse("T20 path replaced", tar().pax("path", "../canary/pwned").add(file("harmless", "x")));
        refuse("T20 target replaced", tar().pax("linkpath", canary + "/secret").add(hardLink("h", "etc/passwd")));
        show(
                "T20 global header",
                tar().pax('g', ascii("path"), ascii("../canary/pwned")).add(file("x", "x")),
                "x");
        refuse(
                "T20 GNU name climbs",
                tar().add(header('L', "././@LongLink").content("../canary/pwned\0"))
                        .add(file("x", "x")));
        refuse(
                "T20 record too long",
                tar().add(header('x', "p").content("99 path=a\n")).add(file("x", "x")));
        refuse(
                "T20 record without length",
                tar().add(header('x', "p").content("path=a\n")).add(file("x", "x")));
        refuse("T20 endless headers", endless());
        refuse(
                "T20 huge header",
                () -> stream(3000, i -> i == 0 ? header('x', "p").size(1L << 31).open() : new byte[512]));
    }

    private static RawTar endless() {
        RawTar tar = tar();
        for (int i = 0; i < 100; i++) {
            tar.pax("comment", "x");
        }
        return tar.add(file("x", "x"));
    }

    private void numbers() {
        refuse("T21 size of 8 GiB", tar().add(file("f", "").binary(124, 12, 8L << 30)));
        refuse("T21 negative size", tar().add(file("f", "").binary(124, 12, -512)));
        refuse("T21 size beyond numbers", tar().add(file("f", "").put(124, new byte[] {
            (byte) 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        })));
        refuse("T21 size in letters", tar().add(file("f", "").put(124, ascii("huge"))));
        refuse(
                "T21 size below nothing in the extension",
                tar().pax("size", "-1").add(file("f", "x")));
        show(
                "T23 large owner",
                tar().pax("uid", "2147483648", "gid", "4294967294").add(file("f", "x")),
                "f");
        refuse("T23 owner who would be root", tar().pax("uid", "4294967296").add(file("f", "x")));
        refuse("T23 owner of nobody", tar().pax("uid", "4294967295").add(file("f", "x")));
        refuse("T23 negative owner", tar().add(file("f", "x").binary(108, 8, -2)));
        show("T24 before the epoch", tar().pax("mtime", "-1.5").add(file("f", "x")), "f");
        show(
                "T24 in a thousand million years",
                tar().pax("mtime", "31556926000000000").add(file("f", "x")),
                "f");
        refuse("T24 no time", tar().pax("mtime", "1e400").add(file("f", "x")));
    }

    private void damage() {
        byte[] whole = tar().add(directory("d/"))
                .add(file("d/f", "x".repeat(700)))
                .add(symlink("l", "d"))
                .pax("path", "long")
                .add(file("s", "y"))
                .tar();
        for (int cut = 512; cut < whole.length - 1024; cut += 512) {
            byte[] part = java.util.Arrays.copyOf(whole, cut + 100);
            refuse("T25 cut at " + part.length, () -> new ByteArrayInputStream(part));
        }
        byte[] open = tar().add(file("f", "x")).open();
        show("T25 without an end", () -> new ByteArrayInputStream(open), "f");
        show(
                "T26 another tar behind",
                tar().add(file("f", "x"))
                        .raw(new byte[1024])
                        .raw(tar().add(file("../canary/pwned", "x")).tar()),
                "f");
        refuse(
                "T26 hole in the tar",
                tar().add(file("f", "x")).raw(new byte[512]).add(file("g", "x")));
        refuse("T30 checksum", tar().add(file("f", "x").withoutChecksum()));
        refuse(
                "no tar",
                () -> new ByteArrayInputStream("no tar at all".repeat(100).getBytes(StandardCharsets.UTF_8)));
    }

    private void masses() {
        show(
                "T18 the same again and again",
                () -> stream(
                        5_000,
                        i -> i % 2 == 0
                                ? file("f", "x" + i).open()
                                : i % 4 == 1
                                        ? symlink("f", "/").open()
                                        : directory("f/").open()),
                "f");
        refuse(
                "T28 too many entries",
                () -> stream(10_000_000, i -> file("f" + i % 50, "").open()));
        refuse(
                "too much content",
                () -> stream(
                        10_000,
                        i -> file("f" + i, "").content(new byte[1 << 20]).open()));
    }

    // ---- making them ----

    private static final byte[] CAPABILITY = {1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    private static RawTar tar() {
        return new RawTar();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private String inside(String name) {
        return canary.toString().substring(1) + "/" + name;
    }

    private void refuse(String name, RawTar tar) {
        byte[] bytes = tar.tar();
        refuse(name, () -> new ByteArrayInputStream(bytes));
    }

    private void refuse(String name, Supplier<InputStream> tar) {
        all.add(new Hostile(name, tar, true, List.of()));
    }

    private void show(String name, RawTar tar, String... shows) {
        byte[] bytes = tar.tar();
        show(name, () -> new ByteArrayInputStream(bytes), shows);
    }

    private void show(String name, Supplier<InputStream> tar, String... shows) {
        all.add(new Hostile(name, tar, false, List.of(shows)));
    }

    /** A tar that is made as it is read, so that the test itself does not run out of memory. */
    private static InputStream stream(int parts, IntFunction<byte[]> part) {
        return new InputStream() {
            private byte[] current = new byte[0];
            private int at;
            private int next;

            @Override
            public int read() {
                byte[] one = new byte[1];
                return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
            }

            @Override
            public int read(byte[] into, int offset, int length) {
                while (at == current.length) {
                    if (next == parts) {
                        return -1;
                    }
                    current = part.apply(next++);
                    at = 0;
                }
                int step = Math.min(length, current.length - at);
                System.arraycopy(current, at, into, offset, step);
                at += step;
                return step;
            }
        };
    }
}
