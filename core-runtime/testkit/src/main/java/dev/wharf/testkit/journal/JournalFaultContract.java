package dev.wharf.testkit.journal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a journal does when the n-th file call fails, for every n: each append is refused or kept, and what was acknowledged
 * is there afterwards.
 */
public abstract class JournalFaultContract<D> {
    @TempDir(factory = InMemory.class)
    Path temporary = Path.of(".");

    protected abstract JournalKit<D> kit();

    /** What happens to a call. */
    private enum Fault {
        /** It fails and nothing was done. */
        EIO,
        /** It fails, if it is one that needs space; half of what was to be written is there. */
        ENOSPC,
        /** It does half its work and says so, which is no failure. */
        SHORT
    }

    @Test
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    public void anIoErrorAtAnyCallRefusesOrKeepsEachAppend() throws IOException {
        failEachCallInTurn(Fault.EIO, false);
    }

    @Test
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    public void aDiskThatFailsForGoodAtAnyCallRefusesOrKeepsEachAppend() throws IOException {
        failEachCallInTurn(Fault.EIO, true);
    }

    @Test
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    public void aFullDiskAtAnyCallRefusesOrKeepsEachAppend() throws IOException {
        failEachCallInTurn(Fault.ENOSPC, false);
        failEachCallInTurn(Fault.ENOSPC, true);
    }

    @Test
    @Timeout(value = 2, unit = TimeUnit.MINUTES)
    public void shortWritesChangeNothing() throws IOException {
        failEachCallInTurn(Fault.SHORT, true);
    }

    private void failEachCallInTurn(Fault fault, boolean forGood) throws IOException {
        for (int n = 1; ; n++) {
            Path directory = Files.createTempDirectory(temporary, "fault-");
            Failing failing = new Failing(n, fault, forGood);
            try {
                new Run(directory, failing).go();
            } catch (IOException | RuntimeException | Error e) {
                throw new AssertionError(
                        fault + (forGood ? " for good" : "") + " at call " + n + ": " + failing.what, e);
            }
            JournalCrashContract.delete(directory);
            if (!failing.happened) {
                assertThat(n).as("file calls of a whole life").isGreaterThan(20);
                return;
            }
        }
    }

    /** Makes the n-th call fail, or all from the n-th on. */
    private static final class Failing implements Intercepted.Hook {
        private final int from;
        private final Fault fault;
        private final boolean forGood;
        private int calls;
        private boolean healed;
        private boolean happened;
        private String what = "none";

        Failing(int from, Fault fault, boolean forGood) {
            this.from = from;
            this.fault = fault;
            this.forGood = forGood;
        }

        @Override
        public Object on(Intercepted.Call call) throws Throwable {
            if (healed || call.name().equals("close") || call.name().equals("size")) {
                return call.proceed();
            }
            calls++;
            if (forGood ? calls < from : calls != from) {
                return call.proceed();
            }
            if (!happened) {
                happened = true;
                what = call.name() + " " + call.file().map(Path::toString).orElse("");
            }
            return switch (fault) {
                case EIO -> throw new IOException("Input/output error");
                case ENOSPC -> full(call);
                case SHORT -> half(call);
            };
        }

        private static Object full(Intercepted.Call call) throws Throwable {
            if (!call.changes() || call.name().equals("delete")) {
                return call.proceed();
            }
            if (call.bytes().isPresent()) {
                half(call);
            }
            throw new IOException("No space left on device");
        }

        private static Object half(Intercepted.Call call) throws Throwable {
            if (call.bytes().isEmpty() || call.bytes().get().remaining() < 2) {
                return call.proceed();
            }
            ByteBuffer bytes = call.bytes().get();
            int limit = bytes.limit();
            bytes.limit(bytes.position() + bytes.remaining() / 2);
            try {
                return call.proceed();
            } finally {
                bytes.limit(limit);
            }
        }
    }

    private final class Run {
        private final Path directory;
        private final Failing failing;
        private final Random chance = new Random(7);
        private final TreeMap<Long, Batch> acknowledged = new TreeMap<>();
        private final Map<Long, Batch> accepted = new HashMap<>();
        private final List<Batch> refused = new ArrayList<>();

        Run(Path directory, Failing failing) {
            this.directory = directory;
            this.failing = failing;
        }

        void go() throws IOException {
            D disk = Intercepted.by(failing, kit().diskType(), kit().disk());
            try {
                life(disk);
                life(disk);
            } catch (OpenFailed e) {
                // Nothing was promised by a journal that did not open.
            }
            failing.healed = true;
            try (EventJournal journal = kit().open(directory)) {
                Batches.Contents contents = Batches.read(journal);
                assertThat(contents.damaged()).isEmpty();
                assertThat(contents.batches()).containsAllEntriesOf(acknowledged);
                contents.batches()
                        .forEach((position, batch) -> assertThat(accepted).containsEntry(position, batch));
                assertThat(contents.batches().values()).noneMatch(refused::contains);
                assertThat(journal.verify()).isEmpty();
                write(journal);
                assertThat(Batches.read(journal).batches()).containsAllEntriesOf(acknowledged);
            }
        }

        private void life(D disk) throws IOException {
            EventJournal journal;
            try {
                journal = kit().open(directory, disk);
            } catch (IOException e) {
                throw new OpenFailed();
            }
            try (journal) {
                for (int i = 0; i < 12; i++) {
                    write(journal);
                }
            } catch (IOException e) {
                assertThat(failing.happened).as("failed without a cause: %s", e).isTrue();
            }
        }

        private void write(EventJournal journal) {
            Batch batch = Batches.random(chance, 3000);
            long position;
            try {
                position = journal.append(batch).sequence();
                accepted.put(position, batch);
            } catch (IOException e) {
                assertThat(failing.happened).as("failed without a cause: %s", e).isTrue();
                refused.add(batch);
                return;
            }
            try {
                journal.sync();
                for (long at = 1; at <= position; at++) {
                    if (accepted.containsKey(at)) {
                        acknowledged.put(at, accepted.get(at));
                    }
                }
            } catch (IOException e) {
                assertThat(failing.happened).as("failed without a cause: %s", e).isTrue();
                assertThat(refuses(journal))
                        .as("takes more after a failed sync")
                        .isTrue();
            }
        }

        private boolean refuses(EventJournal journal) {
            try {
                journal.append(Batches.saying("more"));
                return false;
            } catch (IOException e) {
                return true;
            }
        }
    }

    private static final class OpenFailed extends RuntimeException {
        private static final long serialVersionUID = 1L;
    }
}
