package dev.wharf.core.loop;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongConsumer;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Remembers which blobs came before anybody owned them, and removes those for which no owner came: what was brought by a load
 * of half an archive, a build that failed or a pull that was denied its layers. Those that a crash leaves are the survey's.
 */
final class Strays {
    private static final Logger log = LoggerFactory.getLogger(Strays.class);

    private final Set<Digest> newcomers = ConcurrentHashMap.newKeySet();
    private volatile Runnable delivered = () -> {};

    /** Says what is to be done whenever a delivery is over. */
    void whenDelivered(Runnable then) {
        delivered = then;
    }

    /** The content store as everybody is to use it. */
    ContentStore watched(ContentStore store) {
        return new Watched(store);
    }

    boolean isEmpty() {
        return newcomers.isEmpty();
    }

    /**
     * What came of a sweep.
     *
     * @param again whether an owner is just letting go of something, which is worth another look in a moment
     */
    record Swept(List<Event> events, boolean again) {}

    /**
     * Removes newcomers that belong to nobody. What a pull that still asks about has found to be here nobody can tell, so they
     * all wait for its end.
     */
    synchronized Swept sweep(Supplier<Host> host, ContentStore store) {
        List<Event> swept = new ArrayList<>();
        boolean again = false;
        for (Digest blob : newcomers) {
            // Judged one by one, by the host as it is at that moment: removals may take their time.
            Host now = host.get();
            if (isKept(now, blob) || store.size(blob).isEmpty()) {
                newcomers.remove(blob);
            } else if (isLeaving(now, blob)) {
                again = true;
            } else if (!isOfPull(now, blob) && isRemoved(store, blob)) {
                log.info("swept kind=blob key={}", blob);
                newcomers.remove(blob);
                swept.add(new HostEvent.Swept("blob", blob.toString()));
            }
        }
        return new Swept(swept, again);
    }

    private boolean isRemoved(ContentStore store, Digest blob) {
        try {
            return store.remove(blob);
        } catch (DriverException e) {
            log.warn(
                    "a blob that nobody owns stays until the next look blob={} reason={}",
                    blob,
                    e.failure().message());
            return false;
        }
    }

    /** Whether it has found an owner, who lets it go in the end. */
    private static boolean isKept(Host host, Digest blob) {
        return host.layers().values().stream().anyMatch(l -> is(blob, l.spec().descriptor()) && host.isWanted(l.id()))
                || host.images().values().stream()
                        .filter(Image::wanted)
                        .anyMatch(i -> i.documents().stream().anyMatch(d -> is(blob, d)));
    }

    /** Whether it has an owner that is wanted no more. */
    private static boolean isLeaving(Host host, Digest blob) {
        return host.layers().values().stream().anyMatch(l -> is(blob, l.spec().descriptor()))
                || host.images().values().stream()
                        .flatMap(i -> i.documents().stream())
                        .anyMatch(d -> is(blob, d));
    }

    /** Whether a pull may yet make it somebody's. */
    private static boolean isOfPull(Host host, Digest blob) {
        return host.pulls().values().stream()
                .anyMatch(p -> p.resolved()
                        .map(r -> documents(r).anyMatch(d -> is(blob, d)))
                        .orElse(true));
    }

    private static Stream<Descriptor> documents(Pull.Resolved resolved) {
        return Stream.concat(
                Stream.of(resolved.target(), resolved.manifest(), resolved.configBlob()),
                resolved.layers().stream().map(l -> l.descriptor()));
    }

    private static boolean is(Digest blob, Descriptor descriptor) {
        return descriptor.digest().equals(blob);
    }

    private final class Watched implements ContentStore {
        private final ContentStore store;

        Watched(ContentStore store) {
            this.store = store;
        }

        @Override
        public Ingest ingest(Descriptor expected) throws DriverException {
            return new Received(store.ingest(expected));
        }

        @Override
        public Delivery deliver() throws DriverException {
            Delivery delivery = store.deliver();
            return new Delivery() {
                @Override
                public Ingest receive() throws DriverException {
                    return new Received(delivery.receive());
                }

                @Override
                public Descriptor put(String mediaType, byte[] bytes) throws DriverException {
                    Descriptor blob = delivery.put(mediaType, bytes);
                    newcomers.add(blob.digest());
                    return blob;
                }

                @Override
                public void close() {
                    delivery.close();
                    delivered.run();
                }
            };
        }

        @Override
        public Optional<Long> size(Digest digest) {
            return store.size(digest);
        }

        @Override
        public Path path(Digest digest) throws DriverException {
            return store.path(digest);
        }

        @Override
        public InputStream open(Digest digest) throws DriverException {
            return store.open(digest);
        }

        @Override
        public InputStream openLayer(Descriptor blob, Digest diffId) throws DriverException {
            return store.openLayer(blob, diffId);
        }

        @Override
        public boolean remove(Digest digest) throws DriverException {
            return store.remove(digest);
        }

        @Override
        public Optional<String> check(Digest digest, LongConsumer read) throws DriverException {
            return store.check(digest, read);
        }

        @Override
        public Optional<String> setAside(Digest digest) throws DriverException {
            return store.setAside(digest);
        }

        @Override
        public Map<Digest, Long> survey() throws DriverException {
            return store.survey();
        }
    }

    private final class Received implements ContentStore.Ingest {
        private final ContentStore.Ingest ingest;

        Received(ContentStore.Ingest ingest) {
            this.ingest = ingest;
        }

        @Override
        public long offset() {
            return ingest.offset();
        }

        @Override
        public void write(ByteBuffer bytes) throws DriverException {
            ingest.write(bytes);
        }

        @Override
        public void write(InputStream stream) throws DriverException {
            ingest.write(stream);
        }

        @Override
        public Descriptor commit(String mediaType) throws DriverException {
            Descriptor blob = ingest.commit(mediaType);
            newcomers.add(blob.digest());
            return blob;
        }

        @Override
        public void close() {
            ingest.close();
        }
    }
}
