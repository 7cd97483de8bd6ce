package dev.wharf.testkit.journal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.journal.BatchTooLargeException;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What every journal promises, one test for each sentence of {@link EventJournal}. */
@Timeout(value = 1, unit = TimeUnit.MINUTES)
public abstract class JournalContract<D> {
    @TempDir(factory = InMemory.class)
    Path temporary = Path.of(".");

    protected abstract JournalKit<D> kit();

    /** The same with the smallest files it can have, for tests that open thousands of them. */
    protected JournalKit<D> smallKit() {
        return kit();
    }

    private Path directory() {
        return temporary.resolve("journal");
    }

    private EventJournal open() throws IOException {
        return kit().open(directory());
    }

    private static List<Batch> fill(EventJournal journal, int count) throws IOException {
        Random chance = new Random(count);
        List<Batch> batches = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Batch batch = Batches.random(chance, 800);
            journal.append(batch);
            batches.add(batch);
        }
        return batches;
    }

    // ---- appending and reading

    @Test
    public void anEmptyJournalEndsAtTheStart() throws IOException {
        try (EventJournal journal = open()) {
            assertThat(journal.end()).isEqualTo(Position.START);
            assertThat(journal.origin()).isEqualTo(Position.START);
            assertThat(journal.recovery()).isEmpty();
            assertThat(journal.verify()).isEmpty();
            assertThat(Batches.read(journal).batches()).isEmpty();
        }
        try (EventJournal again = open()) {
            assertThat(again.end()).isEqualTo(Position.START);
            assertThat(again.recovery()).isEmpty();
        }
    }

    @Test
    public void positionsFollowOneAnother() throws IOException {
        try (EventJournal journal = open()) {
            assertThat(journal.append(Batches.saying("one"))).isEqualTo(new Position(1));
            assertThat(journal.append(Batches.saying("two"))).isEqualTo(new Position(2));
            assertThat(journal.end()).isEqualTo(new Position(2));
        }
    }

    @Test
    public void aReaderSeesWhatIsThereAndThenWhatComes() throws IOException {
        try (EventJournal journal = open()) {
            Batch one = Batches.saying("one");
            Batch two = Batches.saying("two");
            journal.append(one);
            try (EventJournal.Reader reader = journal.open(Position.START)) {
                assertThat(reader.poll()).contains(new Entry(new Position(1), one));
                assertThat(reader.poll()).isEmpty();
                assertThat(reader.poll()).isEmpty();
                journal.append(two);
                assertThat(reader.poll()).contains(new Entry(new Position(2), two));
                assertThat(reader.poll()).isEmpty();
            }
        }
    }

    @Test
    public void aReaderKnowsTheHeadOfWhatItRead() throws IOException {
        try (EventJournal journal = open()) {
            List<Digest> heads = new ArrayList<>();
            for (int i = 0; i < 5; i++) {
                journal.append(Batches.saying("batch " + i));
                heads.add(journal.head());
            }
            try (EventJournal.Reader reader = journal.open(Position.START)) {
                for (Digest head : heads) {
                    assertThat(reader.poll()).isPresent();
                    assertThat(reader.head()).isEqualTo(head);
                }
                assertThat(reader.poll()).isEmpty();
                assertThat(reader.head()).isEqualTo(journal.head());
            }
        }
    }

    @Test
    public void aReaderBeginsJustAfterItsPosition() throws IOException {
        try (EventJournal journal = open()) {
            List<Batch> batches = fill(journal, 50);
            for (int after = 0; after <= 50; after++) {
                assertThat(Batches.read(journal, new Position(after)).inOrder()).isEqualTo(batches.subList(after, 50));
            }
        }
    }

    @Test
    public void aPositionBehindTheEndIsRefused() throws IOException {
        try (EventJournal journal = open()) {
            journal.append(Batches.saying("one"));
            assertThatThrownBy(() -> journal.open(new Position(2)))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("after the end");
        }
    }

    @Test
    public void manyReadersFollowOneAppenderAndSeeOnlyWholeBatches() throws Exception {
        int count = 2000;
        ExecutorService threads = Executors.newFixedThreadPool(4);
        try (EventJournal journal = open()) {
            List<Future<Integer>> readers = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                readers.add(threads.submit(follow(journal, count)));
            }
            for (int i = 1; i <= count; i++) {
                journal.append(Batches.saying("word " + i));
                if (i % 100 == 0) {
                    journal.sync();
                }
            }
            for (Future<Integer> reader : readers) {
                assertThat(reader.get(30, TimeUnit.SECONDS)).isEqualTo(count);
            }
        } finally {
            threads.shutdownNow();
            threads.awaitTermination(10, TimeUnit.SECONDS);
        }
    }

    private static Callable<Integer> follow(EventJournal journal, int count) {
        return () -> {
            try (EventJournal.Reader reader = journal.open(Position.START)) {
                int seen = 0;
                while (seen < count) {
                    Optional<Entry> entry = reader.poll();
                    if (entry.isEmpty()) {
                        Thread.sleep(1);
                        continue;
                    }
                    seen++;
                    assertThat(entry.get().position()).isEqualTo(new Position(seen));
                    assertThat(entry.get().batch()).isEqualTo(Batches.saying("word " + seen));
                }
                return seen;
            }
        };
    }

    @Test
    public void aReaderThatIsInterruptedHarmsNobody() throws Exception {
        try (EventJournal journal = open()) {
            List<Batch> batches = fill(journal, 30);
            Thread reader = new Thread(() -> {
                Thread.currentThread().interrupt();
                try {
                    Batches.read(journal);
                } catch (IOException e) {
                    // Its own reading may fail.
                }
            });
            reader.start();
            reader.join(10_000);
            journal.append(Batches.saying("more"));
            journal.sync();
            assertThat(Batches.read(journal).inOrder().subList(0, 30)).isEqualTo(batches);
        }
    }

    @Test
    public void aBatchMayBeLargeAndOneThatIsTooLargeIsRefused() throws IOException {
        Batch large = Batches.saying(Batches.noise(new Random(1), 3 << 20));
        try (EventJournal journal = open()) {
            journal.append(Batches.saying("small"));
            journal.append(large);
            assertThatThrownBy(() -> journal.append(Batches.saying(Batches.noise(new Random(2), 5 << 20))))
                    .isInstanceOf(IOException.class);
            journal.append(Batches.saying("small again"));
            journal.sync();
        }
        try (EventJournal journal = open()) {
            assertThat(Batches.read(journal).inOrder())
                    .isEqualTo(List.of(Batches.saying("small"), large, Batches.saying("small again")));
        }
    }

    @Test
    public void aWishMayTakeHalfOfWhatABatchMay() throws IOException {
        Batch wish = Batches.wishing(Batches.noise(new Random(1), 1 << 20));
        try (EventJournal journal = open()) {
            journal.append(wish);
            assertThatThrownBy(() -> journal.append(Batches.wishing(Batches.noise(new Random(2), 3 << 20))))
                    .isInstanceOf(BatchTooLargeException.class);
            journal.append(Batches.saying("small"));
            assertThat(Batches.read(journal).inOrder()).isEqualTo(List.of(wish, Batches.saying("small")));
        }
    }

    // ---- closing and opening

    @Test
    public void everythingIsThereAfterACleanClose() throws IOException {
        List<Batch> batches = new ArrayList<>();
        Digest head = Digest.sha256("");
        for (int life = 0; life < 5; life++) {
            try (EventJournal journal = open()) {
                assertThat(journal.recovery()).isEmpty();
                assertThat(Batches.read(journal).inOrder()).isEqualTo(batches);
                assertThat(life == 0 || journal.head().equals(head)).isTrue();
                batches.addAll(fill(journal, 20 + life));
                head = journal.head();
            }
        }
    }

    @Test
    public void everythingIsThereAfterTheProcessDied() throws IOException {
        Path left = temporary.resolve("left");
        List<Batch> batches;
        try (EventJournal journal = open()) {
            batches = fill(journal, 60);
            copy(directory(), left);
        }
        try (EventJournal journal = kit().open(left)) {
            assertThat(journal.recovery()).hasValueSatisfying(recovery -> {
                assertThat(recovery.last()).isEqualTo(new Position(60));
                assertThat(recovery.droppedBytes()).isZero();
            });
            assertThat(Batches.read(journal).inOrder()).isEqualTo(batches);
            assertThat(journal.verify()).isEmpty();
            assertThat(journal.append(Batches.saying("on"))).isEqualTo(new Position(61));
        }
        try (EventJournal journal = kit().open(left)) {
            assertThat(journal.recovery()).isEmpty();
            assertThat(journal.end()).isEqualTo(new Position(61));
        }
    }

    @Test
    public void onlyOneMayHaveIt() throws IOException {
        try (EventJournal journal = open()) {
            journal.append(Batches.saying("one"));
            assertThatThrownBy(this::open).isInstanceOf(IOException.class).hasMessageContaining("in use");
        }
    }

    @Test
    public void aClosedJournalTakesNothingMore() throws IOException {
        EventJournal journal = open();
        journal.append(Batches.saying("one"));
        journal.close();
        journal.close();
        assertThatThrownBy(() -> journal.append(Batches.saying("two"))).isInstanceOf(IOException.class);
        assertThatThrownBy(journal::sync).isInstanceOf(IOException.class);
    }

    @Test
    public void filesOfOthersAreLeftAlone() throws IOException {
        try (EventJournal journal = open()) {
            journal.append(Batches.saying("one"));
        }
        Path foreign = directory().resolve("README");
        Files.writeString(foreign, "mine");
        try (EventJournal journal = open()) {
            assertThat(Batches.read(journal).inOrder()).containsExactly(Batches.saying("one"));
        }
        assertThat(foreign).hasContent("mine");
    }

    @Test
    public void aJournalThatNobodyHasCanBeReadAndVerifiedWhereItLies() throws IOException {
        List<Batch> batches;
        Path left = temporary.resolve("left");
        try (EventJournal journal = open()) {
            batches = fill(journal, 300);
            assertThatThrownBy(() -> kit().openClosed(directory())).hasMessageContaining("in use");
            copy(directory(), left);
        }
        for (Path there : List.of(directory(), left)) {
            Map<Path, byte[]> before = contents(there);
            try (EventJournal journal = kit().openClosed(there)) {
                assertThat(Batches.read(journal).inOrder()).isEqualTo(batches);
                assertThat(journal.verify()).isEmpty();
                assertThatThrownBy(() -> journal.append(Batches.saying("no"))).isInstanceOf(IOException.class);
            }
            Map<Path, byte[]> after = contents(there);
            assertThat(after.keySet()).isEqualTo(before.keySet());
            before.forEach((file, bytes) -> assertThat(after.get(file)).isEqualTo(bytes));
        }
        assertThatThrownBy(() -> kit().openClosed(temporary.resolve("nowhere")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("no journal");
    }

    @Test
    public void aStartReadsNoMoreOfALongerHistory() throws IOException {
        try (EventJournal journal = smallKit().open(directory())) {
            fill(journal, 500);
        }
        long filesBefore = recordFiles();
        long before = bytesReadToOpen();
        for (int life = 0; life < 4; life++) {
            try (EventJournal journal = smallKit().open(directory())) {
                fill(journal, 1000);
            }
        }
        long files = recordFiles() - filesBefore;
        assertThat(files).isGreaterThan(4);
        assertThat(bytesReadToOpen()).isLessThan(before + files * (80 << 10) + (64 << 10));
        try (EventJournal journal = smallKit().open(directory())) {
            assertThat(journal.end()).isEqualTo(new Position(4500));
            assertThat(Batches.read(journal).batches()).hasSize(4500);
            assertThat(journal.verify()).isEmpty();
        }
    }

    private long recordFiles() throws IOException {
        return contents(directory()).keySet().stream()
                .filter(smallKit()::holdsRecords)
                .count();
    }

    private long bytesReadToOpen() throws IOException {
        AtomicLong bytes = new AtomicLong();
        Intercepted.Hook count = call -> {
            Object answer = call.proceed();
            if (call.name().equals("read") && answer instanceof Integer got) {
                bytes.addAndGet(Math.max(0, got));
            }
            return answer;
        };
        JournalKit<D> kit = smallKit();
        try (EventJournal journal = kit.open(directory(), Intercepted.by(count, kit.diskType(), kit.disk()))) {
            assertThat(journal.recovery()).isEmpty();
            return bytes.get();
        }
    }

    // ---- the chain

    @Test
    public void theHeadChangesWithEveryBatchAndHoldsAllBefore() throws IOException {
        Set<Digest> heads = new HashSet<>();
        try (EventJournal journal = open()) {
            heads.add(journal.head());
            for (int i = 0; i < 20; i++) {
                journal.append(Batches.saying("the same"));
                assertThat(heads.add(journal.head())).isTrue();
            }
            assertThat(journal.verify()).isEmpty();
        }
    }

    // ---- trimming

    @Test
    public void trimmingDeletesWhatLiesBeforeAndNothingElse() throws IOException {
        List<Batch> batches;
        long size;
        try (EventJournal journal = open()) {
            batches = fill(journal, 300);
            size = journal.sizeBytes();
            journal.trim(new Position(250));
            long origin = journal.origin().sequence();
            assertThat(origin).isPositive().isLessThan(250);
            assertThat(journal.sizeBytes()).isPositive().isLessThan(size);
            assertThat(Batches.read(journal).inOrder()).isEqualTo(batches.subList((int) origin, 300));
            journal.append(Batches.saying("on"));
        }
        try (EventJournal journal = open()) {
            long origin = journal.origin().sequence();
            assertThat(origin).isPositive().isLessThan(250);
            assertThat(Batches.read(journal).inOrder()).startsWith(batches.get((int) origin));
            assertThat(journal.end()).isEqualTo(new Position(301));
            assertThat(journal.verify()).isEmpty();
            assertThat(journal.recovery()).isEmpty();
        }
    }

    @Test
    public void trimmingNeverTakesTheLastBatch() throws IOException {
        try (EventJournal journal = open()) {
            fill(journal, 100);
            journal.trim(journal.end().next());
            assertThat(journal.end()).isEqualTo(new Position(100));
            assertThat(journal.origin().sequence()).isLessThan(100);
        }
        try (EventJournal journal = open()) {
            assertThat(journal.end()).isEqualTo(new Position(100));
        }
    }

    // ---- damage

    @Test
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    public void aTailTornAtAnyByteIsCutAtTheLastWholeBatch() throws IOException {
        Batch last = Batches.saying("the last");
        List<Batch> batches;
        Map<Path, byte[]> before;
        Map<Path, byte[]> after;
        try (EventJournal journal = smallKit().open(directory())) {
            batches = fill(journal, 3);
            journal.sync();
            before = contents(directory());
            journal.append(last);
            after = contents(directory());
        }
        int bytes = difference(before, after);
        assertThat(bytes).isPositive();
        for (int written = 0; written <= bytes; written++) {
            Path torn = temporary.resolve("torn");
            write(torn, mix(before, after, written));
            try (EventJournal journal = smallKit().open(torn)) {
                List<Batch> found = Batches.read(journal).inOrder();
                assertThat(found.subList(0, 3)).as("%s bytes written", written).isEqualTo(batches);
                if (found.size() > 3) {
                    assertThat(found).as("%s bytes written", written).hasSize(4).endsWith(last);
                }
                assertThat(journal.recovery()).isPresent();
                assertThat(journal.append(Batches.saying("on"))).isEqualTo(new Position(found.size() + 1));
                journal.sync();
            }
            try (EventJournal journal = smallKit().open(torn)) {
                assertThat(journal.recovery()).isEmpty();
                assertThat(Batches.read(journal).inOrder())
                        .startsWith(batches.get(0))
                        .endsWith(Batches.saying("on"));
                assertThat(journal.verify()).isEmpty();
            }
            JournalCrashContract.delete(torn);
        }
    }

    @Test
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    public void aBitFlippedAnywhereIsFoundAndCostsOneBatchAtMost() throws IOException {
        List<Batch> batches;
        try (EventJournal journal = smallKit().open(directory())) {
            batches = fill(journal, 4);
        }
        Map<Path, byte[]> whole = contents(directory());
        Random chance = new Random(4);
        for (Map.Entry<Path, byte[]> file : whole.entrySet()) {
            for (int at : nonZero(file.getValue())) {
                TreeMap<Path, byte[]> flipped = new TreeMap<>(whole);
                byte[] bytes = file.getValue().clone();
                bytes[at] ^= (byte) (1 << chance.nextInt(8));
                flipped.put(file.getKey(), bytes);
                Path rotten = temporary.resolve("rotten");
                write(rotten, flipped);
                try {
                    checkRotten(rotten, batches);
                } catch (IOException | RuntimeException | Error e) {
                    throw new AssertionError("byte " + at + " of " + file.getKey() + " flipped", e);
                }
                JournalCrashContract.delete(rotten);
            }
        }
    }

    private void checkRotten(Path rotten, List<Batch> batches) throws IOException {
        int known = batches.size();
        try (EventJournal journal = smallKit().open(rotten)) {
            Batches.Contents found = Batches.read(journal);
            found.batches().forEach((at, batch) -> assertThat(batch).isEqualTo(batches.get((int) (at - 1))));
            assertThat(found.batches().size()).isGreaterThanOrEqualTo(known - 1);
            if (found.batches().size() < known) {
                assertThat(journal.recovery()).isPresent();
            }
            assertThat(journal.verify().isPresent()).isEqualTo(!found.damaged().isEmpty());
            Position next = journal.append(Batches.saying("on"));
            assertThat(next.sequence()).isGreaterThan(found.batches().lastKey());
            journal.sync();
        }
        try (EventJournal journal = smallKit().open(rotten)) {
            assertThat(Batches.read(journal).inOrder())
                    .hasSizeGreaterThanOrEqualTo(known)
                    .endsWith(Batches.saying("on"));
        }
    }

    @Test
    @Timeout(value = 3, unit = TimeUnit.MINUTES)
    public void aFileCutShortAnywhereKeepsWhatComesBefore() throws IOException {
        List<Batch> batches;
        try (EventJournal journal = smallKit().open(directory())) {
            batches = fill(journal, 4);
        }
        Map<Path, byte[]> whole = contents(directory());
        for (Map.Entry<Path, byte[]> file : whole.entrySet()) {
            if (!smallKit().holdsRecords(file.getKey())) {
                continue;
            }
            for (int length : nonZero(file.getValue())) {
                TreeMap<Path, byte[]> shortened = new TreeMap<>(whole);
                shortened.put(file.getKey(), Arrays.copyOf(file.getValue(), length));
                Path rotten = temporary.resolve("short");
                write(rotten, shortened);
                try (EventJournal journal = smallKit().open(rotten)) {
                    Batches.Contents found = Batches.read(journal);
                    assertThat(found.inOrder())
                            .isEqualTo(batches.subList(0, found.batches().size()));
                    assertThat(found.damaged()).hasSize(4 - found.batches().size());
                    assertThat(journal.append(Batches.saying("on"))).isEqualTo(new Position(5));
                }
                JournalCrashContract.delete(rotten);
            }
        }
    }

    @Test
    public void damageInTheMiddleHidesNothingThatFollows() throws IOException {
        List<Batch> batches;
        Map<Path, byte[]> before = new TreeMap<>();
        Map<Path, byte[]> after = new TreeMap<>();
        try (EventJournal journal = smallKit().open(directory())) {
            batches = fill(journal, 120);
            journal.sync();
            before.putAll(contents(directory()));
            batches.addAll(fill(journal, 1));
            journal.sync();
            after.putAll(contents(directory()));
            batches.addAll(fill(journal, 120));
            journal.sync();
        }
        Map<Path, byte[]> rotten = contents(directory());
        for (Path file : after.keySet()) {
            if (smallKit().holdsRecords(file)) {
                byte[] old = before.getOrDefault(file, new byte[0]);
                byte[] one = after.get(file);
                byte[] bytes = rotten.getOrDefault(file, new byte[0]);
                for (int i = 0; i < one.length; i++) {
                    if (one[i] != (i < old.length ? old[i] : 0)) {
                        bytes[i] = 0;
                    }
                }
            }
        }
        Path there = temporary.resolve("rotten");
        write(there, rotten);
        try (EventJournal journal = smallKit().open(there)) {
            Batches.Contents found = Batches.read(journal);
            assertThat(found.damaged()).containsKey(121L).hasSizeLessThan(3);
            assertThat(found.inOrder()).startsWith(batches.get(0)).endsWith(batches.get(240));
            assertThat(journal.verify())
                    .hasValueSatisfying(damage -> assertThat(damage.position()).isEqualTo(new Position(121)));
            assertThat(Batches.read(journal, new Position(200)).damaged()).isEmpty();
        }
    }

    // ---- files, for the tests above

    private Map<Path, byte[]> contents(Path directory) throws IOException {
        Map<Path, byte[]> contents = new TreeMap<>();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                contents.put(directory.relativize(file), Files.readAllBytes(file));
            }
        }
        return contents;
    }

    private static void write(Path directory, Map<Path, byte[]> contents) throws IOException {
        for (Map.Entry<Path, byte[]> file : contents.entrySet()) {
            Path path = directory.resolve(file.getKey());
            Files.createDirectories(path.getParent());
            byte[] bytes = file.getValue();
            try (FileChannel out = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
                int end = bytes.length;
                while (end > 0 && bytes[end - 1] == 0) {
                    end--;
                }
                out.write(ByteBuffer.wrap(bytes, 0, end));
                if (end < bytes.length) {
                    out.write(ByteBuffer.allocate(1), bytes.length - 1L);
                }
            }
        }
    }

    private void copy(Path from, Path to) throws IOException {
        write(to, contents(from));
    }

    private int difference(Map<Path, byte[]> before, Map<Path, byte[]> after) {
        int bytes = 0;
        for (Map.Entry<Path, byte[]> file : after.entrySet()) {
            byte[] old = before.getOrDefault(file.getKey(), new byte[0]);
            for (int i = 0; i < file.getValue().length; i++) {
                bytes += file.getValue()[i] == (i < old.length ? old[i] : 0) ? 0 : 1;
            }
        }
        return bytes;
    }

    /** What lies there when only the first {@code written} bytes of the change were written. */
    private Map<Path, byte[]> mix(Map<Path, byte[]> before, Map<Path, byte[]> after, int written) {
        Map<Path, byte[]> mixed = new TreeMap<>();
        int left = written;
        for (Map.Entry<Path, byte[]> file : after.entrySet()) {
            byte[] old = before.getOrDefault(file.getKey(), new byte[0]);
            byte[] bytes = file.getValue().clone();
            for (int i = 0; i < bytes.length; i++) {
                byte was = i < old.length ? old[i] : 0;
                if (bytes[i] != was && left-- <= 0) {
                    bytes[i] = was;
                }
            }
            mixed.put(file.getKey(), bytes);
        }
        return mixed;
    }

    private static List<Integer> nonZero(byte[] bytes) {
        List<Integer> places = new ArrayList<>();
        for (int i = 0; i < bytes.length; i++) {
            if (bytes[i] != 0) {
                places.add(i);
            }
        }
        return places;
    }
}
