package dev.wharf.oci.archive;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.ZstdOutputStream;
import dev.wharf.oci.image.DocumentException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.SequenceInputStream;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.apache.commons.compress.compressors.bzip2.BZip2CompressorOutputStream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.tukaani.xz.LZMA2Options;
import org.tukaani.xz.XZOutputStream;

/** Whether an archive is damaged or cannot be read is two things: one is for who sent it, the other for who keeps it. */
class PackedTest {
    private static final byte[] PLAIN = new byte[300_000];

    static {
        new Random(7).nextBytes(PLAIN);
    }

    private interface Packing {
        OutputStream over(OutputStream out) throws IOException;
    }

    static Stream<Named<byte[]>> kinds() throws IOException {
        return Stream.of(
                Named.of("gzip", packed(GZIPOutputStream::new)),
                Named.of("zstd", packed(out -> new ZstdOutputStream(out).setChecksum(true))),
                Named.of("bzip2", packed(BZip2CompressorOutputStream::new)),
                Named.of("xz", packed(out -> new XZOutputStream(out, new LZMA2Options(1)))));
    }

    private static byte[] packed(Packing packing) throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (OutputStream out = packing.over(bytes)) {
            out.write(PLAIN);
        }
        return bytes.toByteArray();
    }

    private static byte[] read(InputStream archive) throws IOException {
        InputStream tar = Packed.unpack(archive);
        try {
            return tar.readAllBytes();
        } finally {
            Packed.done(tar);
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsWholeIsUnpacked(byte[] archive) throws IOException {
        assertThat(read(new ByteArrayInputStream(archive))).isEqualTo(PLAIN);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatIsCutIsDamaged(byte[] archive) {
        for (int length : new int[] {7, archive.length / 2, archive.length - 1}) {
            assertThatThrownBy(() -> read(new ByteArrayInputStream(Arrays.copyOf(archive, length))))
                    .isInstanceOf(DocumentException.class)
                    .hasMessageStartingWith("the packing is damaged: ")
                    .hasMessageNotContaining("null");
        }
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatWasChangedIsDamaged(byte[] archive) {
        byte[] changed = archive.clone();
        for (int i = changed.length / 2; i < changed.length / 2 + 64; i++) {
            changed[i] ^= 0x55;
        }
        assertThatThrownBy(() -> read(new ByteArrayInputStream(changed))).isInstanceOf(DocumentException.class);
    }

    @ParameterizedTest
    @MethodSource("kinds")
    void whatCannotBeReadFailsAsItDoes(byte[] archive) {
        InputStream half = new ByteArrayInputStream(archive, 0, archive.length / 2);
        InputStream broken = new InputStream() {
            @Override
            public int read() throws IOException {
                throw new IOException("the client went away");
            }
        };
        assertThatThrownBy(() -> read(new SequenceInputStream(half, broken)))
                .isExactlyInstanceOf(IOException.class)
                .hasMessage("the client went away");
    }
}
