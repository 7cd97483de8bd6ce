package dev.wharf.testkit.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.github.luben.zstd.ZstdOutputStream;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.testkit.storage.AgentDied;
import dev.wharf.testkit.storage.DyingPorts;
import dev.wharf.testkit.storage.Ports;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The promises of {@link ContentStore}, one test each, on a real file system. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class ContentStoreContract {
    /** What any layer may unfold to in the store under test. */
    protected static final long FREE_BYTES = 4 << 20;

    /** How many times its size a layer may unfold to in the store under test. */
    protected static final long RATIO = 200;

    private static final String TEXT = "text/plain";

    private Path base;

    private Path root;
    private ContentStore store;

    /** The calls to the real kernel; only its files are asked for. */
    protected abstract Ports ports();

    /** A new store below {@code root} that lets layers unfold by {@link #FREE_BYTES} and {@link #RATIO}. */
    protected abstract ContentStore store(Path root, FileCalls files);

    @BeforeEach
    void begin() throws IOException {
        base = Files.createTempDirectory("wharf-content-");
        root = base.resolve("content");
        store = fresh();
    }

    @AfterEach
    void end() throws IOException {
        ports().files().removeTree(base);
    }

    private ContentStore fresh() {
        return store(root, ports().files());
    }

    // ---- what is kept ----

    @Test
    void whatWasPutIsThereAndDoesNotChange() throws Exception {
        Descriptor blob = put(TEXT, bytes("hello"));
        assertThat(blob).isEqualTo(new Descriptor(TEXT, Digest.sha256("hello"), 5));
        assertThat(store.size(blob.digest())).contains(5L);
        assertThat(Files.readString(store.path(blob.digest()))).isEqualTo("hello");
        try (InputStream in = store.open(blob.digest())) {
            assertThat(in.readAllBytes()).isEqualTo(bytes("hello"));
        }
        assertThat(put(TEXT, bytes("hello"))).isEqualTo(blob);
        assertThat(fresh().survey()).isEqualTo(Map.of(blob.digest(), 5L));
    }

    @Test
    void whatIsNotThereIsMissing() {
        Digest none = Digest.sha256("none");
        assertThat(store.size(none)).isEmpty();
        assertThat(failureOf(() -> store.path(none))).isEqualTo(Failure.Kind.MISSING);
        assertThat(failureOf(() -> store.open(none))).isEqualTo(Failure.Kind.MISSING);
        assertThat(failureOf(() -> store.openLayer(new Descriptor(TEXT, none, 1), none)))
                .isEqualTo(Failure.Kind.MISSING);
    }

    @Test
    void whatIsRemovedIsGoneAndMayBeRemovedAgain() throws Exception {
        Descriptor blob = put(TEXT, bytes("hello"));
        store.remove(blob.digest());
        store.remove(blob.digest());
        assertThat(store.size(blob.digest())).isEmpty();
        assertThat(store.survey()).isEmpty();
    }

    @Test
    void aSha512DigestIsAsGood() throws Exception {
        byte[] bytes = bytes("hello");
        Digest digest = Digest.of("sha512", Digest.hasher("sha512").digest(bytes));
        ingest(new Descriptor(TEXT, digest, 5), bytes);
        assertThat(fresh().survey()).isEqualTo(Map.of(digest, 5L));
    }

    // ---- deliveries ----

    @Test
    void whatADeliveryBroughtStaysUntilItIsClosed() throws Exception {
        Descriptor brought;
        Descriptor found = put(TEXT, bytes("found"));
        try (ContentStore.Delivery delivery = store.deliver();
                ContentStore.Delivery other = store.deliver()) {
            try (ContentStore.Ingest ingest = delivery.receive()) {
                ingest.write(ByteBuffer.wrap(bytes("brought")));
                brought = ingest.commit(TEXT);
            }
            delivery.put(TEXT, bytes("found"));
            other.put(TEXT, bytes("found"));
            delivery.close();
            assertThat(store.remove(brought.digest())).isTrue();
            assertThat(store.remove(found.digest()))
                    .as("the other one holds it")
                    .isFalse();
            assertThat(store.survey()).containsOnlyKeys(found.digest());
        }
        assertThat(store.remove(found.digest())).isTrue();
        assertThat(store.survey()).isEmpty();
    }

    /** What goes in the moment in which it comes again: the race of an image that is removed and loaded. */
    @Test
    void aBlobThatIsRemovedWhileItComesIsThereAfterwards() throws Exception {
        ExecutorService remover = Executors.newSingleThreadExecutor();
        try {
            for (int i = 0; i < 200; i++) {
                Descriptor old = put(TEXT, bytes("same"));
                Future<Boolean> removed = remover.submit(() -> store.remove(old.digest()));
                try (ContentStore.Delivery delivery = store.deliver()) {
                    delivery.put(TEXT, bytes("same"));
                    removed.get(30, TimeUnit.SECONDS);
                    assertThat(store.size(old.digest())).contains(4L);
                }
            }
        } finally {
            remover.shutdownNow();
        }
    }

    private Descriptor put(String mediaType, byte[] bytes) throws DriverException {
        try (ContentStore.Delivery delivery = store.deliver()) {
            return delivery.put(mediaType, bytes);
        }
    }

    // ---- ingest ----

    @Test
    void aBlobAppearsWithItsCommitAndNotBefore() throws Exception {
        byte[] bytes = random(1_000_000);
        Descriptor blob = describe(bytes);
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            assertThat(ingest.offset()).isZero();
            ingest.write(ByteBuffer.wrap(bytes, 0, 300_000));
            ByteBuffer direct = ByteBuffer.allocateDirect(200_000);
            direct.put(bytes, 300_000, 200_000).flip();
            ingest.write(direct);
            assertThat(ingest.offset()).isEqualTo(500_000);
            ingest.write(new ByteArrayInputStream(bytes, 500_000, 500_000));
            assertThat(store.size(blob.digest())).isEmpty();
            assertThat(store.survey()).isEmpty();
            assertThat(ingest.commit(TEXT)).isEqualTo(blob);
        }
        assertThat(fresh().survey()).isEqualTo(Map.of(blob.digest(), 1_000_000L));
        assertThat(Files.readAllBytes(store.path(blob.digest()))).isEqualTo(bytes);
    }

    @Test
    void bytesOfUnknownDigestGetTheirDescriptorAtTheEnd() throws Exception {
        byte[] bytes = random(100_000);
        try (ContentStore.Delivery delivery = store.deliver();
                ContentStore.Ingest ingest = delivery.receive()) {
            ingest.write(new ByteArrayInputStream(bytes));
            assertThat(ingest.commit(TEXT)).isEqualTo(describe(bytes));
        }
        assertThat(store.survey()).containsOnlyKeys(Digest.sha256(bytes));
    }

    @Test
    void anInterruptedBlobGoesOnWhereItStoppedEvenInAnotherProcess() throws Exception {
        byte[] bytes = random(700_000);
        Descriptor blob = describe(bytes);
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            ingest.write(ByteBuffer.wrap(bytes, 0, 400_000));
        }
        store = fresh();
        assertThat(store.survey()).isEmpty();
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            assertThat(ingest.offset()).isEqualTo(400_000);
            ingest.write(ByteBuffer.wrap(bytes, 400_000, 300_000));
            assertThat(ingest.commit(TEXT)).isEqualTo(blob);
        }
        assertThat(Files.readAllBytes(store.path(blob.digest()))).isEqualTo(bytes);
    }

    @Test
    void aBlobThatIsHereAlreadyNeedsNothingMore() throws Exception {
        byte[] bytes = bytes("hello");
        Descriptor blob = put(TEXT, bytes);
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            assertThat(ingest.offset()).isEqualTo(5);
            assertThat(ingest.commit(TEXT)).isEqualTo(blob);
        }
        assertThat(store.survey()).hasSize(1);
    }

    @Test
    void bytesThatCameToNothingAreForgotten() throws Exception {
        store.survey();
        List<String> before = files();
        try (ContentStore.Delivery delivery = store.deliver();
                ContentStore.Ingest ingest = delivery.receive()) {
            ingest.write(ByteBuffer.wrap(bytes("hello")));
        }
        assertThat(files()).isEqualTo(before);
    }

    @Test
    void otherBytesThanPromisedAreCorruptAndNothingIsKept() throws Exception {
        store.survey();
        List<String> before = files();
        Descriptor promised = new Descriptor(TEXT, Digest.sha256("hello"), 5);
        for (String came : List.of("hallo", "hell", "hello!", "")) {
            assertThat(failureOf(() -> ingest(promised, bytes(came)))).isEqualTo(Failure.Kind.CORRUPT);
            assertThat(files()).isEqualTo(before);
        }
        ingest(promised, bytes("hello"));
        assertThat(store.survey()).hasSize(1);
    }

    @Test
    void aBlobThatEndsNowhereIsStoppedAtItsSize() throws Exception {
        Descriptor promised = new Descriptor(TEXT, Digest.sha256("hello"), 5);
        InputStream endless = new InputStream() {
            @Override
            public int read() {
                return 'x';
            }
        };
        assertThat(failureOf(() -> {
                    try (ContentStore.Ingest ingest = store.ingest(promised)) {
                        ingest.write(endless);
                    }
                }))
                .isEqualTo(Failure.Kind.CORRUPT);
    }

    @Test
    void aPartThatWentBadIsThrownAwayAndTheNextTryBeginsAnew() throws Exception {
        byte[] bytes = random(1000);
        Descriptor blob = describe(bytes);
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            ingest.write(ByteBuffer.wrap(random(999), 0, 500));
        }
        assertThat(failureOf(() -> {
                    try (ContentStore.Ingest ingest = store.ingest(blob)) {
                        ingest.write(ByteBuffer.wrap(bytes, 500, 500));
                        ingest.commit(TEXT);
                    }
                }))
                .isEqualTo(Failure.Kind.CORRUPT);
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            assertThat(ingest.offset()).isZero();
        }
        ingest(blob, bytes);
    }

    @Test
    void manyMayReceiveTheSameBlobAtOnce() throws Exception {
        byte[] bytes = random(300_000);
        Descriptor blob = describe(bytes);
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            List<Callable<Descriptor>> calls = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                calls.add(() -> {
                    try (ContentStore.Ingest ingest = store.ingest(blob)) {
                        int at = (int) ingest.offset();
                        while (at < bytes.length) {
                            int step = Math.min(10_000, bytes.length - at);
                            ingest.write(ByteBuffer.wrap(bytes, at, step));
                            at += step;
                        }
                        return ingest.commit(TEXT);
                    }
                });
            }
            for (Future<Descriptor> answer : pool.invokeAll(calls)) {
                assertThat(answer.get()).isEqualTo(blob);
            }
        } finally {
            pool.shutdownNow();
        }
        assertThat(store.survey()).isEqualTo(Map.of(blob.digest(), 300_000L));
        assertThat(files()).filteredOn(file -> file.contains("ingest/")).isEmpty();
    }

    @Test
    void aKillLeavesTheBlobWholeOrAbsent() throws Exception {
        byte[] bytes = random(50_000);
        Descriptor blob = describe(bytes);
        for (int calls = 0; ; calls++) {
            ports().files().removeTree(root);
            boolean survived = true;
            try {
                Ports dying = DyingPorts.after(calls, ports());
                store = store(root, dying.files());
                ingest(blob, bytes);
            } catch (AgentDied e) {
                survived = false;
            }
            store = fresh();
            assertThat(store.survey()).isIn(Map.of(), Map.of(blob.digest(), 50_000L));
            try (ContentStore.Ingest ingest = store.ingest(blob)) {
                int at = (int) ingest.offset();
                ingest.write(ByteBuffer.wrap(bytes, at, bytes.length - at));
                assertThat(ingest.commit(TEXT)).isEqualTo(blob);
            }
            assertThat(Files.readAllBytes(store.path(blob.digest()))).isEqualTo(bytes);
            if (survived) {
                return;
            }
        }
    }

    @Test
    void aBlobThatIsWholeIsFoundWholeAndStays() throws Exception {
        Descriptor blob = put(TEXT, "hello".getBytes(StandardCharsets.UTF_8));
        List<Long> read = new ArrayList<>();

        assertThat(store.check(blob.digest(), read::add)).isEmpty();
        assertThat(read.stream().mapToLong(n -> n).sum()).isEqualTo(5);
        assertThat(store.setAside(blob.digest())).isEmpty();
        assertThat(store.size(blob.digest())).contains(5L);
    }

    @Test
    void aBlobWithOneByteFlippedIsFoundMovedAsideAndCanComeAgain() throws Exception {
        byte[] bytes = "hello".getBytes(StandardCharsets.UTF_8);
        Descriptor blob = put(TEXT, bytes);
        byte[] other = bytes.clone();
        other[3] ^= 1;
        Files.write(store.path(blob.digest()), other);

        assertThat(store.check(blob.digest(), n -> {})).contains("it is " + Digest.sha256(other));
        assertThat(store.setAside(blob.digest())).contains("it is " + Digest.sha256(other));
        assertThat(store.size(blob.digest())).isEmpty();
        assertThat(store.survey()).doesNotContainKey(blob.digest());

        put(TEXT, bytes);

        assertThat(store.check(blob.digest(), n -> {})).isEmpty();
    }

    @Test
    void aBlobThatIsNotHereIsNotDamaged() throws Exception {
        assertThat(store.check(Digest.sha256("nowhere"), n -> {})).isEmpty();
        assertThat(store.setAside(Digest.sha256("nowhere"))).isEmpty();
    }

    @Test
    void nobodyElseMayLookIntoTheStore() throws Exception {
        Descriptor blob = put(TEXT, bytes("hello"));
        for (Path at = store.path(blob.digest()); at != null && at.startsWith(root); at = at.getParent()) {
            int mode = ports().files().stat(at).mode();
            assertThat(mode & 077)
                    .as(at + " has mode " + Integer.toOctalString(mode))
                    .isZero();
        }
    }

    // ---- layers ----

    @Test
    void aLayerIsUnfoldedByItsFirstBytesWhateverItSaysItIs() throws Exception {
        byte[] tar = random(300_000);
        for (byte[] packed : List.of(tar, gzip(tar), zstd(tar))) {
            Descriptor blob = put(MediaTypes.OCI_LAYER, packed);
            try (InputStream in = store.openLayer(blob, Digest.sha256(tar))) {
                assertThat(in.readAllBytes()).isEqualTo(tar);
                assertThat(in.read()).isEqualTo(-1);
            }
        }
    }

    @Test
    void aLayerMayComeInSeveralMembersAndFramesSomeToBeSkipped() throws Exception {
        byte[] tar = random(100_000);
        byte[] first = java.util.Arrays.copyOf(tar, 60_000);
        byte[] second = java.util.Arrays.copyOfRange(tar, 60_000, 100_000);
        byte[] skippable = {0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3};
        for (byte[] packed : List.of(
                join(gzip(first), gzip(second)),
                join(zstd(first), zstd(second)),
                join(skippable, zstd(first), skippable, zstd(second)))) {
            Descriptor blob = put(MediaTypes.OCI_LAYER, packed);
            try (InputStream in = store.openLayer(blob, Digest.sha256(tar))) {
                assertThat(in.readAllBytes()).isEqualTo(tar);
            }
        }
    }

    @Test
    void aLayerWithAnotherTarThanPromisedFailsAtItsEnd() throws Exception {
        byte[] tar = random(100_000);
        Descriptor blob = put(MediaTypes.OCI_LAYER_GZIP, gzip(tar));
        try (InputStream in = store.openLayer(blob, Digest.sha256("another"))) {
            assertThat(in.readNBytes(100_000)).isEqualTo(tar);
            assertThatThrownBy(in::read).isInstanceOf(IOException.class).satisfies(this::isCorrupt);
        }
    }

    @Test
    void aLayerThatIsCutShortOrDamagedFails() throws Exception {
        byte[] tar = random(100_000);
        for (byte[] packed : List.of(gzip(tar), zstd(tar))) {
            byte[] cut = java.util.Arrays.copyOf(packed, packed.length - 20);
            byte[] damaged = packed.clone();
            for (int i = 5000; i < 5100; i++) {
                damaged[i] ^= 0x55;
            }
            for (byte[] bad : List.of(cut, damaged)) {
                Descriptor blob = put(MediaTypes.OCI_LAYER, bad);
                try (InputStream in = store.openLayer(blob, Digest.sha256(tar))) {
                    assertThatThrownBy(in::readAllBytes)
                            .isInstanceOf(IOException.class)
                            .satisfies(this::isCorrupt);
                }
            }
        }
    }

    @Test
    void aLayerThatUnfoldsBeyondEveryReasonFails() throws Exception {
        byte[] zeros = new byte[(int) FREE_BYTES * 8];
        for (byte[] packed : List.of(gzip(zeros), zstd(zeros))) {
            assertThat(packed.length * RATIO).isLessThan(zeros.length);
            Descriptor blob = put(MediaTypes.OCI_LAYER, packed);
            try (InputStream in = store.openLayer(blob, Digest.sha256(zeros))) {
                assertThatThrownBy(() -> in.transferTo(OutputStream.nullOutputStream()))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining("unfolds to more than")
                        .hasCauseInstanceOf(DriverException.class);
            }
        }
    }

    @Test
    void aLayerThatWantsAWindowOfTwoGibibytesIsRefused() throws Exception {
        // Magic, a descriptor that asks for a window and gives no size, and the largest window there is (RFC 8878,
        // 3.1.1).
        byte[] frame = {0x28, (byte) 0xb5, 0x2f, (byte) 0xfd, 0x00, (byte) 0xa8, 0x01, 0x00, 0x00};
        Descriptor blob = put(MediaTypes.OCI_LAYER_ZSTD, frame);
        try (InputStream in = store.openLayer(blob, Digest.sha256(""))) {
            assertThatThrownBy(in::readAllBytes).isInstanceOf(IOException.class).satisfies(this::isCorrupt);
        }
    }

    @Test
    void aSmallLayerMayUnfoldFarAndAnEmptyOneMayBeOne() throws Exception {
        byte[] zeros = new byte[(int) FREE_BYTES];
        Descriptor blob = put(MediaTypes.OCI_LAYER, gzip(zeros));
        try (InputStream in = store.openLayer(blob, Digest.sha256(zeros))) {
            assertThat(in.transferTo(OutputStream.nullOutputStream())).isEqualTo(FREE_BYTES);
        }
        Descriptor empty = put(MediaTypes.OCI_LAYER, new byte[0]);
        try (InputStream in = store.openLayer(empty, Digest.sha256(""))) {
            assertThat(in.read()).isEqualTo(-1);
        }
    }

    // ---- help ----

    private interface Call {
        void run() throws Exception;
    }

    private static Failure.Kind failureOf(Call call) {
        DriverException thrown = catchThrowableOfType(DriverException.class, call::run);
        assertThat(thrown).as("it should have failed").isNotNull();
        return thrown.failure().kind();
    }

    private void isCorrupt(Throwable thrown) {
        assertThat(thrown.getCause())
                .isInstanceOfSatisfying(
                        DriverException.class,
                        cause -> assertThat(cause.failure().kind()).isEqualTo(Failure.Kind.CORRUPT));
    }

    private void ingest(Descriptor blob, byte[] bytes) throws DriverException {
        try (ContentStore.Ingest ingest = store.ingest(blob)) {
            ingest.write(ByteBuffer.wrap(bytes));
            ingest.commit(TEXT);
        }
    }

    /** Every file there is, by its path. */
    private List<String> files() throws IOException {
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.filter(Files::isRegularFile)
                    .map(path -> root.relativize(path).toString())
                    .sorted()
                    .toList();
        }
    }

    private static Descriptor describe(byte[] bytes) {
        return new Descriptor(TEXT, Digest.sha256(bytes), bytes.length);
    }

    private static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] random(int size) {
        byte[] bytes = new byte[size];
        new Random(size).nextBytes(bytes);
        return bytes;
    }

    private static byte[] join(byte[]... parts) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static byte[] gzip(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (GZIPOutputStream out = new GZIPOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }

    private static byte[] zstd(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (ZstdOutputStream out = new ZstdOutputStream(packed)) {
            out.write(bytes);
        }
        return packed.toByteArray();
    }
}
