package dev.wharf.log.codec.record;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.DamagedException;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.EventJournal.Entry;
import dev.wharf.core.journal.Position;
import dev.wharf.log.codec.EventCodec;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class BatchReaderTest {
    private static final int MANY = 10_000;

    @Test
    void whatIsDecodedAheadComesInOrder() throws IOException {
        try (BatchReader reader = new BatchReader(upTo(MANY, 0), MANY, BatchReaderTest::decode)) {
            for (long at = 1; at <= MANY; at++) {
                assertThat(reader.poll()).contains(new Entry(new Position(at), batch(at)));
            }
            assertThat(reader.poll()).isEmpty();
        }
    }

    @Test
    void severalThreadsDecodeWhereThereAreCores() throws IOException {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        BatchReader.Decoder slow = record -> {
            threads.add(Thread.currentThread());
            pause();
            return decode(record);
        };
        try (BatchReader reader = new BatchReader(upTo(MANY, 0), MANY, slow)) {
            for (int i = 0; i < 2000; i++) {
                assertThat(reader.poll()).isPresent();
            }
        }
        assertThat(threads)
                .hasSizeGreaterThanOrEqualTo(Math.min(2, Runtime.getRuntime().availableProcessors()));
    }

    @Test
    void fewRecordsAreReadAlone() throws IOException {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        BatchReader.Decoder decoder = record -> {
            threads.add(Thread.currentThread());
            return decode(record);
        };
        try (BatchReader reader = new BatchReader(upTo(100, 0), 100, decoder)) {
            while (reader.poll().isPresent()) {
                // reads on
            }
        }
        assertThat(threads).containsExactly(Thread.currentThread());
    }

    @Test
    void damageIsToldInItsPlaceAndOnce() throws IOException {
        try (BatchReader reader = new BatchReader(upTo(MANY, 5000), MANY, BatchReaderTest::decode)) {
            for (long at = 1; at < 5000; at++) {
                assertThat(reader.poll()).isPresent();
            }
            assertThatThrownBy(reader::poll)
                    .isInstanceOf(DamagedException.class)
                    .hasMessageContaining("5000");
            assertThat(reader.poll()).contains(new Entry(new Position(5001), batch(5001)));
        }
    }

    @Test
    void whatCannotBeDecodedIsToldInItsPlace() throws IOException {
        BatchReader.Decoder decoder = record -> {
            if (record.sequence() == 4711) {
                throw new IOException("unknown");
            }
            return decode(record);
        };
        try (BatchReader reader = new BatchReader(upTo(MANY, 0), MANY, decoder)) {
            for (long at = 1; at < 4711; at++) {
                assertThat(reader.poll()).isPresent();
            }
            assertThatThrownBy(reader::poll).isInstanceOf(IOException.class).hasMessage("unknown");
        }
    }

    private static void pause() {
        try {
            Thread.sleep(0, 100_000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static EventCodec.Found decode(Envelope.Sealed record) {
        return new EventCodec.Found(batch(record.sequence()), new int[0]);
    }

    private static Batch batch(long number) {
        return new Batch(
                new Cause(CommandId.NONE, Optional.empty(), Actor.WHARF),
                Instant.EPOCH,
                List.of(new HostEvent.Swept("number", "" + number)));
    }

    /** Records 1 to {@code last}, of which one may be damaged. */
    private static RecordLog.Reader upTo(long last, long damaged) {
        return new RecordLog.Reader() {
            private long at;

            @Override
            public Optional<Envelope.Sealed> poll() throws IOException {
                if (at == last) {
                    return Optional.empty();
                }
                at++;
                if (at == damaged) {
                    throw new RecordLog.DamagedRecords(at, at, "nowhere");
                }
                return Optional.of(new Envelope.Sealed(Envelope.seal(1, at, 0, Envelope.genesis(), new byte[0])));
            }

            @Override
            public void close() {
                at = last;
            }
        };
    }
}
