package dev.wharf.testkit.storage;

import static dev.wharf.testkit.storage.RawTar.directory;
import static dev.wharf.testkit.storage.RawTar.file;
import static dev.wharf.testkit.storage.RawTar.hardLink;
import static dev.wharf.testkit.storage.RawTar.header;
import static dev.wharf.testkit.storage.RawTar.symlink;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wharf.model.FileChange;
import dev.wharf.model.FileChange.Kind;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Limits;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import dev.wharf.spi.storage.StorageDriver;
import dev.wharf.spi.storage.Usage;
import dev.wharf.testkit.storage.HostileTars.Hostile;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;

/** The promises of {@link StorageDriver} and {@link dev.wharf.spi.Driver}, one test each, on the real kernel and as root. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class StorageDriverContract {
    private static final SnapshotKey BASE = new SnapshotKey("layer-" + "ba5e".repeat(16));
    private static final SnapshotKey LAYER = new SnapshotKey("layer-" + "1a7e".repeat(16));
    private static final SnapshotKey WEB = new SnapshotKey("container-" + "3eb0".repeat(16));
    private static final SnapshotKey SEALED = new SnapshotKey("layer-" + "5ea1".repeat(16));
    private static final byte[] CAPABILITY = {1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    private Path scratch;
    private Path root;
    private Path canary;
    private Ports ports;
    private StorageDriver driver;

    /** The calls to the real kernel. */
    protected abstract Ports ports();

    /** A new driver that keeps everything below {@code root}. */
    protected abstract StorageDriver driver(Path root, Ports ports, Limits limits);

    /** Where the tests keep what they make, for a driver that needs a file system of its own. */
    protected Path home() {
        return Path.of(System.getProperty("java.io.tmpdir"));
    }

    @BeforeEach
    void begin() throws IOException {
        scratch = Files.createTempDirectory(home(), "wharf-storage-");
        root = scratch.resolve("root");
        canary = Files.createDirectory(scratch.resolve("canary"));
        Files.writeString(canary.resolve("secret"), "secret");
        ports = ports();
        driver = fresh();
    }

    @AfterEach
    void end() throws IOException {
        ports.mounts().unmount(scratch.resolve("mnt"));
        clean(root);
        ports.files().removeTree(scratch);
    }

    /** Removes everything a driver may have made below {@code root}. */
    protected void clean(Path directory) throws IOException {
        ports.files().removeTree(directory);
    }

    private StorageDriver fresh() {
        return driver(
                root,
                ports,
                Limits.DEFAULT.withEntries(HostileTars.MOST_ENTRIES).withSizeBytes(HostileTars.MOST_BYTES));
    }

    // ---- what it says of itself ----

    @Test
    void aDriverHasANameAndAFormatAndIsReadyHere() {
        assertThat(driver.name().value()).isNotEmpty();
        assertThat(driver.formats()).isNotEmpty();
        assertThat(driver.probe()).isEqualTo(StorageDriver.Readiness.yes());
    }

    @Test
    void lookingAtTheHostLeavesNothingBehind() throws Exception {
        driver.survey();
        Map<String, String> before = disk();
        driver.probe();
        assertThat(disk()).isEqualTo(before);
    }

    // ---- prepare ----

    @Test
    void aPreparedSnapshotIsWritableAndShowsItsParent() throws Exception {
        base();
        assertThat(driver.prepare(WEB, BASE)).isEqualTo(new Snapshot(WEB, BASE, false));
        Map<String, String> seen = mounted(WEB, at -> {
            assertThat(Files.readString(at.resolve("etc/passwd"))).isEqualTo("root");
            Files.writeString(at.resolve("etc/new"), "new");
            Files.delete(at.resolve("etc/passwd"));
        });
        assertThat(seen).containsKey("etc/new").doesNotContainKey("etc/passwd");
        assertThat(mounted(WEB)).isEqualTo(seen);
    }

    @Test
    void aSnapshotOnScratchBeginsEmpty() throws Exception {
        driver.prepare(WEB, SnapshotKey.SCRATCH);
        assertThat(mounted(WEB).keySet()).containsExactly(".");
        mounted(WEB, at -> Files.writeString(at.resolve("x"), "x"));
        assertThat(mounted(WEB)).containsKey("x");
    }

    @Test
    void preparingAgainReturnsWhatIsThere() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        mounted(WEB, at -> Files.writeString(at.resolve("kept"), "x"));
        assertThat(fresh().prepare(WEB, BASE)).isEqualTo(new Snapshot(WEB, BASE, false));
        assertThat(mounted(WEB)).containsKey("kept");
    }

    @Test
    void aTakenKeyIsNotPreparedOnAnotherParent() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        assertThat(failureOf(() -> driver.prepare(WEB, SnapshotKey.SCRATCH))).isEqualTo(Failure.Kind.EXISTS);
    }

    @Test
    void aParentMustBeThereAndCommitted() throws Exception {
        assertThat(failureOf(() -> driver.prepare(WEB, BASE))).isEqualTo(Failure.Kind.MISSING);
        driver.prepare(WEB, SnapshotKey.SCRATCH);
        SnapshotKey child = new SnapshotKey("child");
        assertThat(failureOf(() -> driver.prepare(child, WEB))).isEqualTo(Failure.Kind.MISSING);
        assertThat(failureOf(() -> driver.unpack(LAYER, WEB, layer(file("x", "x")))))
                .isEqualTo(Failure.Kind.MISSING);
        assertThat(driver.survey()).containsExactly(new Snapshot(WEB, SnapshotKey.SCRATCH, false));
    }

    @Test
    void theRootDirectoryIsAsTheParentHasIt() throws Exception {
        driver.unpack(
                BASE, SnapshotKey.SCRATCH, layer(directory("./").mode(01770).owner(7, 8), file("x", "x")));
        driver.prepare(WEB, BASE);
        assertThat(mounted(WEB).get(".")).isEqualTo(mounted(BASE).get(".")).startsWith("41770 7:8");
    }

    // ---- commit ----

    @Test
    void committingSealsUnderTheNewNameAndTheOldKeyIsGone() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        Map<String, String> seen = mounted(WEB, at -> {
            Files.writeString(at.resolve("new"), "new");
            Files.delete(at.resolve("usr/lib/libc.so"));
        });
        assertThat(driver.commit(WEB, SEALED)).isEqualTo(new Snapshot(SEALED, BASE, true));
        assertThat(driver.survey())
                .containsExactlyInAnyOrder(
                        new Snapshot(BASE, SnapshotKey.SCRATCH, true), new Snapshot(SEALED, BASE, true));
        assertThat(mounted(SEALED)).isEqualTo(seen);
        assertThat(driver.commit(WEB, SEALED)).isEqualTo(new Snapshot(SEALED, BASE, true));
    }

    @Test
    void aCommittedSnapshotCannotBeWrittenAndMayBeAParent() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        mounted(WEB, at -> Files.writeString(at.resolve("new"), "new"));
        driver.commit(WEB, SEALED);
        mounted(
                SEALED,
                at -> assertThatThrownBy(() -> Files.writeString(at.resolve("x"), "x"))
                        .hasMessageContaining("Read-only"));
        driver.prepare(WEB, SEALED);
        assertThat(mounted(WEB)).containsKeys("new", "etc/passwd");
    }

    @Test
    void whatIsNotThereIsNotCommitted() {
        assertThat(failureOf(() -> driver.commit(WEB, SEALED))).isEqualTo(Failure.Kind.MISSING);
    }

    // ---- unpack ----

    @Test
    void everythingATarHoldsComesOutAsItWentIn() throws Exception {
        byte[] tar = new RawTar()
                .add(directory("bin/").mode(01755).time(1_000_000_000))
                .add(file("bin/su", "su").mode(04755).owner(0, 5).time(1_100_000_000))
                .pax("mtime", "1200000000.123456789")
                .add(file("bin/exact", "x"))
                .pax('x', "SCHILY.xattr.security.capability".getBytes(StandardCharsets.US_ASCII), CAPABILITY)
                .add(file("bin/ping", "ping"))
                .add(hardLink("bin/ping6", "bin/ping"))
                .add(symlink("bin/sh", "/usr/bin/dash").owner(3, 4).time(1_300_000_000))
                .add(header('3', "null").device(1, 3).mode(0666))
                .add(header('4', "disk").device(300, 70000).mode(0660))
                .add(header('6', "fifo").mode(0600))
                .pax("path", "n".repeat(90) + "/" + "\u00fc".repeat(60), "uid", "3000000000")
                .add(file("short", "long name"))
                .tar();
        driver.unpack(LAYER, SnapshotKey.SCRATCH, new ByteArrayInputStream(tar));
        Map<String, String> seen = mounted(LAYER);
        assertThat(seen.get("bin")).isEqualTo("41755 0:0 time=1000000000.0");
        assertThat(seen.get("bin/su")).startsWith("104755 0:5 size=2").endsWith("time=1100000000.0");
        assertThat(seen.get("bin/exact")).endsWith("time=1200000000.123456789");
        assertThat(seen.get("bin/ping")).contains("security.capability=0100000200200000");
        assertThat(seen.get("bin/ping6")).isEqualTo(seen.get("bin/ping")).contains("same=bin/ping");
        assertThat(seen.get("bin/sh")).startsWith("120777 3:4 -> /usr/bin/dash").endsWith("time=1300000000.0");
        assertThat(seen.get("null")).startsWith("20666 0:0 device=1:3");
        assertThat(seen.get("disk")).startsWith("60660 0:0 device=300:70000");
        assertThat(seen.get("fifo")).startsWith("10600 0:0");
        assertThat(seen.get("n".repeat(90) + "/" + "\u00fc".repeat(60))).startsWith("100644 3000000000:0 size=9");
    }

    @Test
    void aHoleInAFileIsAHoleAfterwards() throws Exception {
        byte[] tar = new RawTar()
                .pax("GNU.sparse.map", "4194304,4", "GNU.sparse.size", "16777216", "GNU.sparse.name", "sparse")
                .add(file("f", "data"))
                .tar();
        driver.unpack(LAYER, SnapshotKey.SCRATCH, new ByteArrayInputStream(tar));
        mounted(LAYER, at -> FileChannelProbe.assertContent(at.resolve("sparse"), 16_777_216, 4_194_304, "data"));
        long blocks = 0;
        try (Stream<Path> everything = Files.walk(root)) {
            for (Path path : everything.toList()) {
                blocks += ports.files().stat(path).blocks();
            }
        }
        assertThat(blocks).as("of 512 bytes, on disk").isLessThan(512);
    }

    @Test
    void whiteoutsDeleteWhatLowerLayersHave() throws Exception {
        base();
        driver.unpack(
                LAYER,
                BASE,
                layer(
                        file("etc/.wh.passwd", ""),
                        file("usr/.wh.lib", ""),
                        file("etc/.wh.never-there", ""),
                        file("etc/kept", "x")));
        assertThat(mounted(LAYER).keySet())
                .contains("etc/kept", "etc/shadow", "usr")
                .doesNotContain("etc/passwd", "usr/lib", "usr/lib/libc.so")
                .noneMatch(path -> path.contains(".wh.") || path.contains("never-there"));
        driver.prepare(WEB, LAYER);
        assertThat(mounted(WEB)).isEqualTo(mounted(LAYER));
    }

    @Test
    void anOpaqueDirectoryShowsOnlyWhatItsOwnLayerBrings() throws Exception {
        base();
        driver.unpack(
                LAYER,
                BASE,
                layer(file("etc/mine", "x"), directory("etc/"), file("etc/.wh..wh..opq", ""), file("etc/too", "x")));
        assertThat(mounted(LAYER).keySet())
                .filteredOn(path -> path.startsWith("etc/"))
                .containsExactlyInAnyOrder("etc/mine", "etc/too");
    }

    @Test
    void anOpaqueRootHidesEverythingBelow() throws Exception {
        base();
        driver.unpack(LAYER, BASE, layer(file("etc/mine", "x"), file(".wh..wh..opq", "")));
        assertThat(mounted(LAYER).keySet()).containsExactlyInAnyOrder(".", "etc", "etc/mine");
        driver.prepare(WEB, LAYER);
        assertThat(mounted(WEB).keySet()).containsExactlyInAnyOrder(".", "etc", "etc/mine");
    }

    @Test
    void aWhiteoutNeverHidesWhatTheSameLayerBringsWhicheverComesFirst() throws Exception {
        base();
        driver.unpack(
                LAYER,
                BASE,
                layer(
                        file(".wh.etc", ""),
                        directory("etc/"),
                        file("etc/mine", "x"),
                        file("usr/lib/mine", "x"),
                        file("usr/.wh.lib", ""),
                        file("lib2", "x"),
                        file(".wh.lib2", "")));
        assertThat(mounted(LAYER).keySet())
                .contains("etc/mine", "usr/lib/mine", "lib2")
                .doesNotContain("etc/passwd", "etc/shadow", "usr/lib/libc.so");
    }

    @Test
    void aDirectoryThatTookTheTurnOfAFileShowsNothingFromBelow() throws Exception {
        base();
        driver.unpack(LAYER, BASE, layer(file("etc", "for a moment"), directory("etc/"), file("etc/mine", "x")));
        assertThat(mounted(LAYER).keySet()).contains("etc/mine").doesNotContain("etc/passwd");
    }

    @Test
    void aDirectoryTheTarDoesNotMentionStaysAsItWas() throws Exception {
        driver.unpack(
                BASE,
                SnapshotKey.SCRATCH,
                layer(directory("tmp/").mode(01777).owner(1, 2).time(1_000_000_000)));
        driver.unpack(LAYER, BASE, layer(file("tmp/x", "x")));
        assertThat(mounted(LAYER).get("tmp")).isEqualTo("41777 1:2 time=1000000000.0");
    }

    @Test
    void aDirectoryThatComesAgainIsAsTheLastLayerSays() throws Exception {
        byte[] first = new RawTar()
                .pax("SCHILY.xattr.user.old", "1")
                .add(directory("d/").mode(0700).owner(1, 2))
                .add(file("d/x", "x"))
                .tar();
        driver.unpack(BASE, SnapshotKey.SCRATCH, new ByteArrayInputStream(first));
        byte[] second = new RawTar()
                .add(file("d/y", "y"))
                .pax("SCHILY.xattr.user.new", "2")
                .add(directory("d/").mode(0755).owner(3, 4).time(1_000_000_000))
                .tar();
        driver.unpack(LAYER, BASE, new ByteArrayInputStream(second));
        assertThat(mounted(LAYER).get("d")).isEqualTo("40755 3:4 time=1000000000.0 user.new=32");
        assertThat(mounted(LAYER)).containsKeys("d/x", "d/y");
    }

    @Test
    void aFileOfALowerLayerMayGetAnotherName() throws Exception {
        base();
        driver.unpack(LAYER, BASE, layer(hardLink("usr/other", "etc/passwd")));
        Map<String, String> seen = mounted(LAYER);
        assertThat(seen.get("usr/other")).isEqualTo(seen.get("etc/passwd")).contains("same=");
        assertThat(seen.get("etc")).isEqualTo(mounted(BASE).get("etc"));
    }

    @Test
    void aLayerIsReadThroughTheLinksOfThoseBelow() throws Exception {
        base();
        driver.unpack(LAYER, BASE, layer(file("lib/new", "x"), file("lib/.wh.libc.so", "")));
        assertThat(mounted(LAYER).get("lib")).contains("-> usr/lib");
        assertThat(mounted(LAYER).keySet()).contains("usr/lib/new").doesNotContain("usr/lib/libc.so");
    }

    @Test
    void unpackingAgainReturnsWhatIsThere() throws Exception {
        base();
        Snapshot first = driver.unpack(LAYER, BASE, layer(file("x", "x")));
        assertThat(first).isEqualTo(new Snapshot(LAYER, BASE, true));
        assertThat(fresh().unpack(LAYER, BASE, layer(file("y", "y")))).isEqualTo(first);
        assertThat(mounted(LAYER)).containsKey("x").doesNotContainKey("y");
    }

    @Test
    void aStreamThatFailsAtItsVeryEndLeavesNothing() throws Exception {
        base();
        Map<String, String> before = disk();
        byte[] tar = new RawTar().add(file("x", "x")).tar();
        DriverException why = DriverException.failure(Failure.Kind.CORRUPT, "the digest is another");
        InputStream layer = new InputStream() {
            private int at;

            @Override
            public int read() throws IOException {
                if (at == tar.length) {
                    throw new IOException(why);
                }
                return tar[at++] & 0xff;
            }
        };
        assertThat(failureOf(() -> driver.unpack(LAYER, BASE, layer))).isEqualTo(Failure.Kind.CORRUPT);
        assertThat(disk()).isEqualTo(before);
        assertThat(driver.survey()).containsExactly(new Snapshot(BASE, SnapshotKey.SCRATCH, true));
    }

    @Test
    void aFailureIsToldInASentence() {
        DriverException failure = catchThrowableOfType(
                DriverException.class,
                () -> driver.unpack(LAYER, SnapshotKey.SCRATCH, layer(file("../../etc/passwd", "x"))));
        assertThat(failure.failure().kind()).isEqualTo(Failure.Kind.INVALID);
        assertThat(failure.failure().message())
                .contains(LAYER.value())
                .contains("\"../../etc/passwd\"")
                .doesNotContain("Exception")
                .doesNotEndWith(".");
    }

    @Test
    void aStackOfTwoHundredLayersIsStillMounted() throws Exception {
        SnapshotKey below = SnapshotKey.SCRATCH;
        for (int i = 0; i < 200; i++) {
            SnapshotKey key = new SnapshotKey("layer-" + String.format("%064x", i));
            driver.unpack(key, below, layer(file("f" + i, "x")));
            below = key;
        }
        driver.prepare(WEB, below);
        assertThat(mounted(WEB)).containsKeys("f0", "f128", "f199");
    }

    @TestFactory
    Stream<DynamicTest> aHostileTarIsRefusedOrContained() {
        return HostileTars.aimedAt(canary).stream()
                .map(hostile -> DynamicTest.dynamicTest(
                        hostile.name(),
                        () -> assertTimeoutPreemptively(Duration.ofSeconds(60), () -> withstands(hostile))));
    }

    private void withstands(Hostile hostile) throws Exception {
        base();
        Map<String, String> host = list(canary);
        Map<String, String> before = disk();
        Runtime.getRuntime().gc();
        try (InputStream tar = hostile.tar().get()) {
            driver.unpack(LAYER, BASE, tar);
            assertThat(hostile.refused()).as("it was taken").isFalse();
            assertThat(mounted(LAYER)).containsKeys(hostile.shows().toArray(String[]::new));
            assertThat(mounted(LAYER).toString()).doesNotContain("trusted.overlay");
            driver.remove(LAYER);
        } catch (DriverException e) {
            assertThat(hostile.refused())
                    .as("it was refused: " + e.getMessage())
                    .isTrue();
            assertThat(e.failure().kind()).isIn(Failure.Kind.INVALID, Failure.Kind.CORRUPT);
        }
        assertThat(list(canary)).isEqualTo(host);
        assertThat(disk()).isEqualTo(before);
        assertThat(driver.survey()).containsExactly(new Snapshot(BASE, SnapshotKey.SCRATCH, true));
    }

    // ---- remove, usage, survey ----

    @Test
    void whatIsRemovedIsGoneAndMayBeRemovedAgain() throws Exception {
        driver.survey();
        Map<String, String> empty = disk();
        base();
        Map<String, String> before = disk();
        driver.prepare(WEB, BASE);
        mounted(WEB, at -> Files.createDirectories(at.resolve("a/b/c")));
        driver.remove(WEB);
        driver.remove(WEB);
        assertThat(disk()).isEqualTo(before);
        driver.remove(BASE);
        assertThat(disk()).isEqualTo(empty);
        assertThat(driver.survey()).isEmpty();
    }

    @Test
    void aSnapshotOthersStandOnIsBusy() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        assertThat(failureOf(() -> driver.remove(BASE))).isEqualTo(Failure.Kind.BUSY);
        driver.remove(WEB);
        driver.unpack(LAYER, BASE, layer(file("x", "x")));
        assertThat(failureOf(() -> driver.remove(BASE))).isEqualTo(Failure.Kind.BUSY);
        driver.remove(LAYER);
        driver.remove(BASE);
        assertThat(driver.survey()).isEmpty();
    }

    @Test
    void usageCountsWhatASnapshotAddsAndNoMore() throws Exception {
        driver.unpack(BASE, SnapshotKey.SCRATCH, layer(file("big", "x".repeat(5000))));
        driver.unpack(
                LAYER,
                BASE,
                layer(
                        directory("d/"),
                        file("d/f", "1234567"),
                        hardLink("d/g", "d/f"),
                        file("d/h", "12"),
                        file("d/h", "1"),
                        symlink("d/i", "to/h")));
        Usage usage = driver.usage(LAYER);
        assertThat(usage.sizeBytes()).isEqualTo(12);
        // d, d/f, d/h and d/i; whether its own root counts is the driver's to say.
        assertThat(usage.inodes()).isBetween(4L, 5L);
        driver.prepare(WEB, BASE);
        long empty = driver.usage(WEB).sizeBytes();
        mounted(WEB, at -> Files.writeString(at.resolve("new"), "12345"));
        assertThat(driver.usage(WEB).sizeBytes()).isEqualTo(empty + 5);
        assertThat(failureOf(() -> driver.usage(SEALED))).isEqualTo(Failure.Kind.MISSING);
    }

    @Test
    void anotherDriverFindsWhatThisOneMade() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        Map<String, String> seen = mounted(WEB, at -> Files.writeString(at.resolve("x"), "x"));
        StorageDriver other = fresh();
        assertThat(other.survey())
                .containsExactlyInAnyOrder(
                        new Snapshot(BASE, SnapshotKey.SCRATCH, true), new Snapshot(WEB, BASE, false));
        driver = other;
        assertThat(mounted(WEB)).isEqualTo(seen);
        other.remove(WEB);
        assertThat(fresh().survey()).containsExactly(new Snapshot(BASE, SnapshotKey.SCRATCH, true));
    }

    @Test
    void aSurveyLeavesAloneWhatIsBeingMade() throws Exception {
        base();
        InputStream slow = new InputStream() {
            private final byte[] tar = new RawTar().add(file("x", "x")).tar();
            private int at;

            @Override
            public int read() throws IOException {
                if (at == 600) {
                    try {
                        driver.survey();
                    } catch (DriverException e) {
                        throw new IOException(e);
                    }
                }
                return at == tar.length ? -1 : tar[at++] & 0xff;
            }

            @Override
            public int read(byte[] into, int offset, int length) throws IOException {
                int one = read();
                if (one < 0) {
                    return -1;
                }
                into[offset] = (byte) one;
                return 1;
            }
        };
        driver.unpack(LAYER, BASE, slow);
        assertThat(mounted(LAYER)).containsKey("x");
    }

    @Test
    void mountsOfWhatIsNotThereAreMissing() {
        assertThat(failureOf(() -> driver.mounts(WEB))).isEqualTo(Failure.Kind.MISSING);
    }

    @Test
    void manyThreadsMakeOneSnapshot() throws Exception {
        base();
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            List<Callable<Snapshot>> calls = new ArrayList<>();
            for (int i = 0; i < 8; i++) {
                calls.add(() -> driver.unpack(LAYER, BASE, layer(file("x", "x"))));
                calls.add(() -> driver.prepare(WEB, BASE));
            }
            for (Future<Snapshot> answer : pool.invokeAll(calls)) {
                assertThat(answer.get()).isIn(new Snapshot(LAYER, BASE, true), new Snapshot(WEB, BASE, false));
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(driver.survey()).hasSize(3);
        Map<String, String> before = disk();
        driver.survey();
        assertThat(disk()).isEqualTo(before);
    }

    // ---- diff ----

    @Test
    void theChangesOfASnapshotMakeTheSameOfItsParentAgain() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        Map<String, String> seen = mounted(WEB, at -> {
            Files.writeString(at.resolve("etc/passwd"), "changed");
            Files.delete(at.resolve("etc/shadow"));
            ports.files().removeTree(at.resolve("usr/lib"));
            Files.createDirectory(at.resolve("usr/lib"));
            Files.writeString(at.resolve("usr/lib/mine"), "x");
            ports.files().chmod(at.resolve("usr"), 0750);
            Files.writeString(at.resolve("caf\u00e9"), "x".repeat(100_000));
            ports.files().link(at.resolve("caf\u00e9"), at.resolve("again"));
            ports.files().mknod(at.resolve("null"), 0020666, 1, 3);
            ports.files().mknod(at.resolve("fifo"), 0010600, 0, 0);
            Files.createSymbolicLink(at.resolve("etc/link"), Path.of("/nowhere"));
            ports.files().setXattr(at.resolve("again"), "security.capability", CAPABILITY);
            ports.files().chown(at.resolve("etc/link"), 3_000_000_000L, 12);
            ports.files().setTimes(at.resolve("etc"), 1_000_000_000, 7);
            ports.files().chmod(at, 0711);
        });
        byte[] changes;
        try (InputStream diff = diffing().diff(WEB)) {
            changes = diff.readAllBytes();
        }
        driver.unpack(LAYER, BASE, new ByteArrayInputStream(changes));
        // Which of the two names of a file comes first may differ; times of the root are its own.
        assertThat(withoutRootTime(mounted(LAYER))).isEqualTo(withoutRootTime(seen));
        try (InputStream diff = diffing().diff(WEB)) {
            assertThat(diff.readAllBytes()).as("equal trees are equal tars").isEqualTo(changes);
        }
    }

    @Test
    void aContainerIsReceivedAsItWasAndGoesOnFromThere() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        Map<String, String> seen = mounted(WEB, at -> {
            Files.writeString(at.resolve("etc/passwd"), "changed");
            Files.delete(at.resolve("etc/shadow"));
            ports.files().removeTree(at.resolve("usr/lib"));
            Files.createDirectory(at.resolve("usr/lib"));
            Files.writeString(at.resolve("usr/lib/mine"), "x");
        });
        byte[] changes;
        try (InputStream diff = diffing().diff(WEB)) {
            changes = diff.readAllBytes();
        }
        driver.remove(WEB);
        StorageDriver.Receiving receiving =
                driver.capability(StorageDriver.Receiving.class).orElseThrow();
        Snapshot received = new Snapshot(WEB, BASE, false);
        assertThat(receiving.receive(WEB, BASE, new ByteArrayInputStream(changes)))
                .isEqualTo(received);
        assertThat(withoutRootTime(mounted(WEB))).isEqualTo(withoutRootTime(seen));
        mounted(WEB, at -> Files.writeString(at.resolve("etc/later"), "x"));
        assertThat(receiving.receive(WEB, BASE, new ByteArrayInputStream(changes)))
                .as("what is there is not received again")
                .isEqualTo(received);
        assertThat(mounted(WEB)).containsKeys("etc/later", "usr/lib/mine").doesNotContainKey("etc/shadow");
        assertThat(failureOf(() -> receiving.receive(SEALED, LAYER, new ByteArrayInputStream(changes))))
                .isEqualTo(Failure.Kind.MISSING);
    }

    @Test
    void aKillAtAnyCallOfReceiveLeavesItUndoneOrDone() throws Exception {
        survivesKills(
                d -> {},
                d -> d.capability(StorageDriver.Receiving.class)
                        .orElseThrow()
                        .receive(WEB, BASE, layer(file("etc/.wh.passwd", ""), file("usr/lib/x", "x"))));
    }

    @Test
    void theChangesOfACommittedLayerAreWhatItBrought() throws Exception {
        base();
        driver.unpack(
                LAYER,
                BASE,
                layer(file("etc/.wh.passwd", ""), directory("usr/"), file("usr/.wh..wh..opq", ""), file("usr/x", "x")));
        Map<String, String> seen = mounted(LAYER);
        byte[] changes;
        try (InputStream diff = diffing().diff(LAYER)) {
            changes = diff.readAllBytes();
        }
        driver.unpack(SEALED, BASE, new ByteArrayInputStream(changes));
        assertThat(withoutRootTime(mounted(SEALED))).isEqualTo(withoutRootTime(seen));
    }

    @Test
    void aSnapshotWithoutChangesHasNone() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        mounted(WEB);
        try (InputStream diff = diffing().diff(WEB)) {
            assertThat(diff.readAllBytes()).containsOnly(0).hasSize(1024);
        }
    }

    @Test
    void thePathsOfChangesAreToldEachDirectoryBeforeWhatIsInIt() throws Exception {
        base();
        driver.unpack(
                LAYER,
                BASE,
                layer(directory("usr/"), directory("usr/lib/"), file("usr/lib/a", "a"), file("etc/kept", "k")));
        driver.prepare(WEB, LAYER);
        mounted(WEB, at -> {
            Files.delete(at.resolve("etc/passwd"));
            Files.writeString(at.resolve("usr/lib/a"), "other");
            Files.createDirectories(at.resolve("new/er"));
            Files.writeString(at.resolve("new/er/file"), "x");
            // Replaced as a whole: what it had is gone, and what it has is new.
            ports.files().removeTree(at.resolve("usr/lib"));
            Files.createDirectory(at.resolve("usr/lib"));
            Files.writeString(at.resolve("usr/lib/b"), "b");
        });
        assertThat(diffing().changes(WEB))
                .contains(
                        new FileChange(Kind.DELETED, "/etc/passwd"),
                        new FileChange(Kind.ADDED, "/new"),
                        new FileChange(Kind.ADDED, "/new/er"),
                        new FileChange(Kind.ADDED, "/new/er/file"),
                        new FileChange(Kind.MODIFIED, "/usr/lib"),
                        new FileChange(Kind.ADDED, "/usr/lib/b"))
                .doesNotContain(new FileChange(Kind.MODIFIED, "/etc/kept"), new FileChange(Kind.ADDED, "/etc/kept"))
                .extracting(FileChange::path)
                .isSorted()
                .doesNotHaveDuplicates();
    }

    @Test
    void aSnapshotWithoutChangesHasNoPathsOfThem() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        mounted(WEB);
        assertThat(diffing().changes(WEB)).isEmpty();
    }

    @Test
    void whatIsForgottenWasNeverChanged() throws Exception {
        Optional<StorageDriver.Forgetting> forgetting = driver.capability(StorageDriver.Forgetting.class);
        assumeTrue(forgetting.isPresent(), "this driver forgets nothing");
        base();
        driver.prepare(WEB, BASE);
        Map<String, String> before = mounted(WEB);
        mounted(WEB, at -> {
            Files.createFile(at.resolve("stub"));
            Files.createFile(at.resolve("etc/stub"));
            Files.createDirectories(at.resolve("way/er"));
            Files.delete(at.resolve("etc/passwd"));
        });
        forgetting.get().forget(WEB, List.of("stub", "etc/stub", "etc/.wh.none", "none/at/all", "way/er", "way/"));
        assertThat(diffing().changes(WEB))
                .containsExactly(new FileChange(Kind.MODIFIED, "/etc"), new FileChange(Kind.DELETED, "/etc/passwd"));

        forgetting.get().forget(WEB, List.of("etc/"));
        assertThat(diffing().changes(WEB)).isEmpty();
        before.remove(".");
        assertThat(mounted(WEB))
                .as("but for the time of the top, which is in no layer")
                .containsAllEntriesOf(before);
    }

    private StorageDriver.Diffing diffing() {
        return driver.capability(StorageDriver.Diffing.class).orElseThrow();
    }

    // ---- crashes ----

    @Test
    void aKillAtAnyCallOfPrepareLeavesItUndoneOrDone() throws Exception {
        survivesKills(d -> {}, d -> d.prepare(WEB, BASE));
    }

    @Test
    void aKillAtAnyCallOfUnpackLeavesItUndoneOrDone() throws Exception {
        survivesKills(
                d -> {},
                d -> d.unpack(
                        LAYER,
                        BASE,
                        layer(
                                file("etc/.wh.passwd", ""),
                                file("usr/lib/x", "x"),
                                hardLink("h", "etc/shadow"),
                                directory("etc/"))));
    }

    @Test
    void aKillAtAnyCallOfCommitLeavesItUndoneOrDone() throws Exception {
        survivesKills(
                d -> {
                    d.prepare(WEB, BASE);
                    mounted(WEB, at -> Files.writeString(at.resolve("x"), "x"));
                },
                d -> d.commit(WEB, SEALED));
    }

    @Test
    void aKillAtAnyCallOfRemoveLeavesItUndoneOrDone() throws Exception {
        survivesKills(
                d -> {
                    d.prepare(WEB, BASE);
                    mounted(WEB, at -> Files.createDirectories(at.resolve("a/b")));
                },
                d -> d.remove(WEB));
    }

    // ---- limits ----

    /** A driver that knows no limits has no such promise to keep. */
    @Test
    void aSnapshotTakesNoMoreThanItsLimit() throws Exception {
        base();
        driver.prepare(WEB, BASE);
        Optional<StorageDriver.Limiting> limiting = driver.capability(StorageDriver.Limiting.class);
        if (limiting.isEmpty()) {
            return;
        }
        try {
            limiting.get().limit(WEB, 4 << 20);
            limiting.get().limit(WEB, 4 << 20);
        } catch (DriverException e) {
            assertThat(e.failure().kind()).isEqualTo(Failure.Kind.UNSUPPORTED);
            assertThat(limitsHere()).as(e.getMessage()).isFalse();
            assertThat(e.failure().message()).contains("quota");
            return;
        }
        mounted(WEB, at -> {
            Files.write(at.resolve("little"), new byte[1 << 20]);
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 16; i++) {
                            Files.write(at.resolve("much" + i), new byte[1 << 20]);
                            ports.files().syncFileSystem(at);
                        }
                    })
                    .hasMessageMatching("(?s).*(quota|space).*");
        });
        assertThat(driver.usage(WEB).sizeBytes()).isLessThan(6 << 20);
        driver.remove(WEB);
    }

    /** Whether the file system of {@link #home} can limit what a tree takes. */
    protected boolean limitsHere() {
        return false;
    }

    private void survivesKills(Act given, Act act) throws Exception {
        List<Snapshot> undone = List.of();
        Map<String, String> diskUndone = Map.of();
        List<Snapshot> done = List.of();
        Map<String, String> diskDone = Map.of();
        for (int calls = -1; ; calls++) {
            clean(root);
            driver = fresh();
            base();
            given.on(driver);
            boolean survived = true;
            if (calls < 0) {
                undone = driver.survey();
                diskUndone = names();
                act.on(driver);
                done = driver.survey();
                diskDone = names();
                continue;
            }
            try {
                act.on(driver(root, DyingPorts.after(calls, ports), Limits.DEFAULT));
            } catch (AgentDied e) {
                survived = false;
            }
            StorageDriver next = fresh();
            List<Snapshot> found = next.survey();
            assertThat(found).as("after %s calls", calls).isIn(undone, done);
            assertThat(names()).as("after %s calls", calls).isEqualTo(found.equals(undone) ? diskUndone : diskDone);
            act.on(next);
            assertThat(next.survey()).as("again after %s calls", calls).isEqualTo(done);
            assertThat(names()).as("again after %s calls", calls).isEqualTo(diskDone);
            if (survived) {
                return;
            }
        }
    }

    // ---- help ----

    /** What the test does with a driver. */
    protected interface Act {
        void on(StorageDriver driver) throws Exception;
    }

    private interface Inside {
        void at(Path directory) throws Exception;
    }

    private interface Call {
        void run() throws Exception;
    }

    private void base() throws DriverException {
        driver.unpack(
                BASE,
                SnapshotKey.SCRATCH,
                layer(
                        directory("etc/").time(1_500_000_000),
                        file("etc/passwd", "root"),
                        file("etc/shadow", "x").mode(0640).owner(0, 42),
                        directory("usr/"),
                        directory("usr/lib/"),
                        file("usr/lib/libc.so", "libc"),
                        symlink("lib", "usr/lib")));
    }

    private static InputStream layer(RawTar.Header... entries) {
        RawTar tar = new RawTar();
        for (RawTar.Header entry : entries) {
            tar.add(entry);
        }
        return new ByteArrayInputStream(tar.tar());
    }

    private static Failure.Kind failureOf(Call call) {
        DriverException thrown = catchThrowableOfType(DriverException.class, call::run);
        assertThat(thrown).as("it should have failed").isNotNull();
        return thrown.failure().kind();
    }

    private Map<String, String> mounted(SnapshotKey key) throws Exception {
        return mounted(key, at -> {});
    }

    /** Mounts {@code key}, does something in it, and lists what is there then. */
    private Map<String, String> mounted(SnapshotKey key, Inside inside) throws Exception {
        Path point = scratch.resolve("mnt");
        Files.createDirectories(point);
        for (Mount mount : driver.mounts(key)) {
            ports.mounts().mount(mount, point);
        }
        try {
            inside.at(point);
            return list(point);
        } finally {
            ports.mounts().unmount(point);
        }
    }

    private Map<String, String> list(Path directory) throws IOException {
        try (Dir dir = ports.tree().open(directory)) {
            return Listing.of(dir);
        }
    }

    private Map<String, String> disk() throws IOException {
        try (Dir dir = ports.tree().open(root)) {
            return Listing.timeless(dir);
        }
    }

    private Map<String, String> names() throws IOException {
        Map<String, String> names = new TreeMap<>(disk());
        names.replaceAll((path, line) -> line.split(" ", 2)[0]);
        return names;
    }

    private static Map<String, String> withoutRootTime(Map<String, String> listing) {
        Map<String, String> rest = new TreeMap<>(listing);
        rest.computeIfPresent(".", (path, line) -> line.replaceAll(" time=\\S+", ""));
        return rest;
    }
}
