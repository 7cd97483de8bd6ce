package dev.wharf.oci.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.oci.make.ImageMaker;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Documents with seeded damage; the seed of a failing case is in its message. */
@Timeout(120)
class MutationTest {
    private static final String[] SPLICES = {
        "null",
        "-1",
        "1e999",
        "[]",
        "{}",
        "\"\"",
        "{\"",
        "\"layers\":[]",
        "true",
        "\\u0000",
        "\"mediaType\":7",
        "9".repeat(40)
    };

    @Test
    void damagedDocumentsAreReadOrRefusedAndNothingElseHappens() throws Exception {
        Descriptor part = new Descriptor(MediaTypes.OCI_CONFIG, Digest.sha256("x"), 3);
        Descriptor layer = new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("y"), 3);
        byte[] manifest = new Manifest(part, List.of(layer, layer)).write();
        byte[] index = new Index(List.of(part, layer)).write();
        byte[] config = ImageConfigs.write(new ImageMaker()
                .layer(entries -> entries.directory("tmp", 01777))
                .cmd("a", "b")
                .env("c", "d")
                .label("e", "f")
                .config());

        int read = 0;
        int refused = 0;
        for (int seed = 0; seed < 20_000; seed++) {
            Random chance = new Random(seed);
            byte[] original = List.of(manifest, index, config).get(seed % 3);
            byte[] damaged = damage(original, chance);
            try {
                switch (seed % 3) {
                    case 0 -> Manifest.parse(damaged, "");
                    case 1 -> Index.parse(damaged, "");
                    default -> ImageConfigs.parse(damaged);
                }
                read++;
            } catch (DocumentException e) {
                assertThat(e.getMessage()).isNotBlank();
                refused++;
            } catch (RuntimeException | Error e) {
                throw new AssertionError("seed " + seed, e);
            }
        }
        assertThat(read).isPositive();
        assertThat(refused).isPositive();
    }

    private static byte[] damage(byte[] original, Random chance) {
        byte[] bytes = original.clone();
        switch (chance.nextInt(3)) {
            case 0 -> bytes[chance.nextInt(bytes.length)] = (byte) chance.nextInt(256);
            case 1 -> bytes = java.util.Arrays.copyOf(bytes, chance.nextInt(bytes.length));
            default -> {
                byte[] splice =
                        SPLICES[chance.nextInt(SPLICES.length)].getBytes(java.nio.charset.StandardCharsets.UTF_8);
                int at = chance.nextInt(bytes.length);
                int drop = Math.min(chance.nextInt(12), bytes.length - at);
                byte[] after = new byte[bytes.length - drop + splice.length];
                System.arraycopy(bytes, 0, after, 0, at);
                System.arraycopy(splice, 0, after, at, splice.length);
                System.arraycopy(bytes, at + drop, after, at + splice.length, bytes.length - at - drop);
                bytes = after;
            }
        }
        return bytes;
    }
}
