package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.libc.LibC;
import dev.wharf.spi.kernel.Journald;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.StreamSink.StandardStream;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JournaldTargetTest {
    private final LibC libc = LibC.get();

    @TempDir
    private Path folder;

    private int listen(Path path) {
        byte[] name = (path + "\0").getBytes(StandardCharsets.UTF_8);
        byte[] address = ByteBuffer.allocate(2 + name.length)
                .order(ByteOrder.nativeOrder())
                .putShort((short) 1)
                .put(name)
                .array();
        int fd = libc.socket(1, 2, 0);
        assertThat(libc.bind(fd, address, address.length)).isZero();
        return fd;
    }

    private String receive(int fd) {
        ByteBuffer entry = ByteBuffer.allocateDirect(1 << 18);
        byte[] bytes = new byte[(int) libc.recv(fd, entry, entry.capacity(), 0)];
        entry.get(bytes);
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    /** A field as it stands in an entry: its name, the length of its value in 8 bytes, the value. */
    private static String field(String name, String value) {
        byte[] length = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value.length())
                .array();
        return name + "\n" + new String(length, StandardCharsets.ISO_8859_1) + value + "\n";
    }

    @Test
    void aLineIsAnEntryWithTheContainersFieldsAndALongOneSeveral() throws Exception {
        Path socket = folder.resolve("s");
        int fd = listen(socket);
        LogSettings settings = LogSettings.of(RuntimeSpecs.of(Path.of("/tmp"), "/bin/true")
                .log("journald", Map.of("tag", "web"))
                .build());
        JournaldTarget target = new JournaldTarget(Host.DESCRIPTORS, socket, settings);
        try {
            target.send(new LogLine(StandardStream.ERR, 1_000_000, 5_000, utf8("careful\n")));
            target.send(new LogLine(StandardStream.OUT, 1, 0, utf8("y".repeat(Journald.LONGEST_TEXT) + "z\n")));

            assertThat(receive(fd))
                    .contains(field("MESSAGE", "careful"))
                    .contains(field("PRIORITY", "3"))
                    .contains(field("SYSLOG_IDENTIFIER", "web"))
                    .contains(field("CONTAINER_TAG", "web"))
                    .contains(field("SYSLOG_TIMESTAMP", "1000000000005"))
                    .contains("CONTAINER_ID\n")
                    .doesNotContain("CONTAINER_PARTIAL_MESSAGE");
            assertThat(receive(fd))
                    .contains(field("MESSAGE", "y".repeat(Journald.LONGEST_TEXT)))
                    .contains(field("PRIORITY", "6"))
                    .contains(field("CONTAINER_PARTIAL_MESSAGE", "true"));
            assertThat(receive(fd)).contains(field("MESSAGE", "z")).doesNotContain("CONTAINER_PARTIAL_MESSAGE");
        } finally {
            target.close();
            libc.close(fd);
        }
    }

    private static ByteBuffer utf8(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }
}
