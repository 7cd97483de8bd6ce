package dev.wharf.kafka;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.RecordMetadata;

/**
 * How much is under way to the brokers and not yet acknowledged. Kafka's producer would take as much as its buffer holds, which
 * must be larger than the largest record, and keeps objects for each record: more than survives in the young generation of a
 * small heap, so that all of it would be copied to the old one. No more requests are under way at once than this lets through.
 */
final class Window {
    private static final int STEP_BYTES = 256 << 10;
    private static final int STEPS = 6;

    private final Deque<Future<RecordMetadata>> steps = new ArrayDeque<>(STEPS + 1);
    private long bytes;

    /** Waits where too much is under way. */
    void sent(Future<RecordMetadata> last, int size) throws IOException, InterruptedException {
        bytes += size;
        if (bytes < STEP_BYTES) {
            return;
        }
        bytes = 0;
        steps.add(last);
        if (steps.size() > STEPS) {
            try {
                steps.remove().get();
            } catch (ExecutionException e) {
                if (e.getCause() instanceof RuntimeException known) {
                    throw known;
                }
                throw new IOException(String.valueOf(e.getMessage()), e);
            }
        }
    }
}
