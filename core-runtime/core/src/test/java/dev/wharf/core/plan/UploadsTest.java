package dev.wharf.core.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class UploadsTest {
    private record Blob(Descriptor descriptor) implements Content {
        @Override
        public InputStream open() {
            return InputStream.nullInputStream();
        }
    }

    private static List<Blob> blobs(int count) {
        return IntStream.range(0, count)
                .mapToObj(i -> new Blob(new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("blob " + i), 1)))
                .toList();
    }

    private final Set<Content> sent = ConcurrentHashMap.newKeySet();

    @Test
    void fiveAreOnTheirWayAtOnce() throws DriverException {
        CyclicBarrier five = new CyclicBarrier(5);
        List<Blob> blobs = blobs(10);

        Uploads.all(blobs, blob -> {
            try {
                five.await(30, TimeUnit.SECONDS);
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            sent.add(blob);
        });

        assertThat(sent).containsExactlyInAnyOrderElementsOf(blobs);
    }

    @Test
    void oneAloneGoesByWhoeverSendsIt() throws DriverException {
        Thread me = Thread.currentThread();

        Uploads.all(blobs(1), blob -> {
            assertThat(Thread.currentThread()).isSameAs(me);
            sent.add(blob);
        });

        assertThat(sent).hasSize(1);
        Uploads.all(blobs(0), sent::add);
    }

    @Test
    void noneIsBegunAfterOneThatFailed() {
        assertThatThrownBy(() -> Uploads.all(blobs(1000), blob -> {
                    sent.add(blob);
                    throw DriverException.failure(Failure.Kind.UNAUTHORISED, "who are you?");
                }))
                .isInstanceOf(DriverException.class)
                .hasMessage("who are you?");
        assertThat(sent).hasSizeLessThanOrEqualTo(5);
    }

    @Test
    void whoeverInterruptsTheFirstEndsAll() {
        Thread.currentThread().interrupt();

        assertThatThrownBy(() -> Uploads.all(blobs(100), blob -> {
                    try {
                        Thread.sleep(30_000);
                    } catch (InterruptedException e) {
                        throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted");
                    }
                }))
                .hasMessage("interrupted");
        assertThat(Thread.interrupted()).isFalse();
    }
}
