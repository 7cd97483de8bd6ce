package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.linux.libc.LibC;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LinuxDatagramsTest {
    private final LibC libc = LibC.get();
    private final LinuxDatagrams datagrams = new LinuxDatagrams();

    @TempDir
    private Path folder;

    private String receive(int fd) {
        ByteBuffer into = ByteBuffer.allocateDirect(4096);
        int length = (int) libc.recv(fd, into, into.capacity(), 0);
        byte[] bytes = new byte[length];
        into.get(bytes);
        return new String(bytes, StandardCharsets.UTF_8);
    }

    @Test
    void aMessageComesWholeToAPathAndToAnAbstractName() throws IOException {
        Path path = folder.resolve("s");
        int byPath = Mailbox.open((path + "\0").getBytes(StandardCharsets.UTF_8));
        String name = "wharf-test-" + ProcessHandle.current().pid();
        int byName = Mailbox.open(("\0" + name).getBytes(StandardCharsets.UTF_8));
        try {
            datagrams.send(path.toString(), "READY=1\nSTATUS=ü\n".getBytes(StandardCharsets.UTF_8));
            datagrams.send("@" + name, "WATCHDOG=1".getBytes(StandardCharsets.UTF_8));

            assertThat(receive(byPath)).isEqualTo("READY=1\nSTATUS=ü\n");
            assertThat(receive(byName)).isEqualTo("WATCHDOG=1");
        } finally {
            libc.close(byPath);
            libc.close(byName);
        }
    }

    @Test
    void nobodyThereIsAnErrorWithTheAddress() {
        assertThatThrownBy(() -> datagrams.send(folder.resolve("none").toString(), new byte[1]))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("none");
        assertThatThrownBy(() -> datagrams.send("vsock:2:1234", new byte[1])).hasMessageContaining("no address");
    }
}
