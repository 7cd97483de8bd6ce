package dev.wharf.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class LayerCheckTest {
    private final ByteArrayOutputStream came = new ByteArrayOutputStream();
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

    @Test
    void orderLinksAndWhatOnlyOneHasMakeNoDifference() throws Exception {
        entry(came, "etc/", '5', "", "");
        entry(came, "etc/a", '0', "", "hello");
        entry(came, "etc/b", '1', "etc/a", "");
        entry(came, "etc/alone", '0', "", "x");
        entry(kept, "./etc/b", '0', "", "hello");
        entry(kept, "./etc/a", '1', "./etc/b", "");

        assertThat(LayerCheck.compare(in(came), in(kept)).count()).isZero();
    }

    @Test
    void aFlippedByteIsFoundAndNamed() throws Exception {
        entry(came, "etc/a", '0', "", "hello");
        entry(came, "etc/b", '0', "", "same");
        entry(kept, "etc/a", '0', "", "hellp");
        entry(kept, "etc/b", '0', "", "same");

        LayerCheck.Difference difference = LayerCheck.compare(in(came), in(kept));

        assertThat(difference.count()).isEqualTo(1);
        assertThat(difference.names()).containsExactly("etc/a");
    }

    private static InputStream in(ByteArrayOutputStream tar) {
        byte[] end = new byte[1024];
        tar.write(end, 0, end.length);
        return new ByteArrayInputStream(tar.toByteArray());
    }

    /** One entry of a tar (POSIX ustar). */
    private static void entry(ByteArrayOutputStream tar, String name, char flag, String target, String content) {
        byte[] header = new byte[512];
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        put(header, 0, name);
        put(header, 100, "0000644\0");
        put(header, 108, "0000000\0");
        put(header, 116, "0000000\0");
        put(header, 124, String.format("%011o\0", bytes.length));
        put(header, 136, "00000000000\0");
        put(header, 148, "        ");
        header[156] = (byte) flag;
        put(header, 157, target);
        put(header, 257, "ustar\00000");
        int sum = 0;
        for (byte b : header) {
            sum += b & 0xff;
        }
        put(header, 148, String.format("%06o\0 ", sum));
        tar.writeBytes(header);
        tar.writeBytes(bytes);
        tar.writeBytes(new byte[-bytes.length & 511]);
    }

    private static void put(byte[] header, int at, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        System.arraycopy(bytes, 0, header, at, bytes.length);
    }
}
