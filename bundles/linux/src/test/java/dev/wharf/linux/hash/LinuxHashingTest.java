package dev.wharf.linux.hash;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.Digest;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxHashingTest {
    private final LinuxHashing hashing = new LinuxHashing();

    @Test
    void givesWhatJavaGivesHoweverTheBytesCome() {
        Random random = new Random(7);
        for (String algorithm : new String[] {"sha256", "sha512"}) {
            for (int size : new int[] {0, 1, 63, 64, 65, 4096, 300_000, 1_000_003}) {
                byte[] bytes = new byte[size + 10];
                random.nextBytes(bytes);
                MessageDigest java = Digest.hasher(algorithm);
                java.update(bytes, 10, size);
                byte[] expected = java.digest();

                MessageDigest whole = hashing.hasher(algorithm);
                whole.update(bytes, 10, size);
                assertThat(whole.digest()).isEqualTo(expected);

                MessageDigest pieces = hashing.hasher(algorithm);
                for (int at = 10; at < bytes.length; ) {
                    int step = Math.min(bytes.length - at, 1 + random.nextInt(100_000));
                    if (step == 1) {
                        pieces.update(bytes[at]);
                    } else {
                        pieces.update(ByteBuffer.wrap(bytes, at, step));
                    }
                    at += step;
                }
                assertThat(pieces.digest()).isEqualTo(expected);

                ByteBuffer direct = ByteBuffer.allocateDirect(size);
                direct.put(bytes, 10, size).flip();
                MessageDigest outside = hashing.hasher(algorithm);
                outside.update(direct);
                assertThat(direct.hasRemaining()).isFalse();
                assertThat(outside.digest()).isEqualTo(expected);
            }
        }
    }

    @Test
    void canBeUsedAgainAfterTheHashWasTaken() {
        MessageDigest hasher = hashing.hasher("sha256");
        hasher.update(new byte[] {1, 2, 3});
        hasher.digest();
        assertThat(hasher.digest(new byte[] {4}))
                .isEqualTo(Digest.hasher("sha256").digest(new byte[] {4}));
    }
}
