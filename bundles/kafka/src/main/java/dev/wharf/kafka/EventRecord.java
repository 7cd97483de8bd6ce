package dev.wharf.kafka;

import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.Headers;
import org.jspecify.annotations.Nullable;

/**
 * An event on its way, whose headers go once they are written. Kafka's producer keeps the headers of each record until the
 * brokers have acknowledged it, for interceptors, which we have none of. While there is much to catch up with those would be all
 * that survives in the agent's small heap, megabytes of it, and be copied again and again.
 */
final class EventRecord extends ProducerRecord<byte[], byte[]> {
    private static final Header[] NONE = {};

    private final Written headers;

    /** Takes over {@code headers}. */
    EventRecord(String topic, byte[] key, byte[] value, Header[] headers) {
        super(topic, key, value);
        this.headers = new Written(headers);
    }

    @Override
    public Headers headers() {
        return headers;
    }

    /** The producer has written it into its buffer. */
    void sent() {
        headers.all = NONE;
    }

    @Override
    public boolean equals(Object other) {
        return super.equals(other)
                && other instanceof EventRecord record
                && Arrays.equals(headers.all, record.headers.all);
    }

    @Override
    public int hashCode() {
        return 31 * super.hashCode() + Arrays.hashCode(headers.all);
    }

    /** Headers that nobody adds to. */
    private static final class Written implements Headers {
        private Header[] all;

        Written(Header[] all) {
            this.all = all;
        }

        @Override
        public Header[] toArray() {
            return all;
        }

        @Override
        public Iterator<Header> iterator() {
            return List.of(all).iterator();
        }

        @Override
        public @Nullable Header lastHeader(String key) {
            @Nullable Header last = null;
            for (Header header : all) {
                last = header.key().equals(key) ? header : last;
            }
            return last;
        }

        @Override
        public Iterable<Header> headers(String key) {
            return Arrays.stream(all).filter(header -> header.key().equals(key)).toList();
        }

        @Override
        public Headers add(Header header) {
            throw fixed();
        }

        @Override
        public Headers add(String key, byte[] value) {
            throw fixed();
        }

        @Override
        public Headers remove(String key) {
            throw fixed();
        }

        private static IllegalStateException fixed() {
            return new IllegalStateException("the headers of an event are made with it");
        }
    }
}
