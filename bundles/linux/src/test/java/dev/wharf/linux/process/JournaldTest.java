package dev.wharf.linux.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.net.Mailbox;
import dev.wharf.spi.kernel.Journald;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class JournaldTest {
    private final LibC libc = LibC.get();
    private final Epoll epoll = new Epoll();

    @TempDir
    private Path folder;

    @AfterEach
    void close() {
        epoll.close();
    }

    private static int listen(Path path) {
        return Mailbox.open((path + "\0").getBytes(StandardCharsets.UTF_8));
    }

    private Map<String, String> receive(int fd) {
        ByteBuffer entry = ByteBuffer.allocateDirect(1 << 18).order(ByteOrder.LITTLE_ENDIAN);
        entry.limit((int) libc.recv(fd, entry, entry.capacity(), 0));
        Map<String, String> fields = new LinkedHashMap<>();
        while (entry.hasRemaining()) {
            StringBuilder name = new StringBuilder();
            for (byte b = entry.get(); b != '\n'; b = entry.get()) name.append((char) b);
            byte[] value = new byte[(int) entry.getLong()];
            entry.get(value);
            assertThat(entry.get()).isEqualTo((byte) '\n');
            fields.put(name.toString(), new String(value, StandardCharsets.UTF_8));
        }
        return fields;
    }

    private Journald journald(Path socket) {
        return new Journald(new LinuxDescriptors(epoll), socket, Map.of("SYSLOG_IDENTIFIER", "me"));
    }

    @Test
    void anEntryHasItsFieldsWhateverStandsInThem() throws IOException {
        Path socket = folder.resolve("s");
        int fd = listen(socket);
        String longest = "x".repeat(Journald.LONGEST_TEXT);
        try (Journald journald = journald(socket)) {
            journald.send(Journald.bytes(Map.of("MESSAGE", "two\nlines=ü", "_TRUSTED", "no", "lower", "no")));
            journald.send(Journald.bytes(Map.of("MESSAGE", longest, "WHARF_OTHER", longest)));

            assertThat(receive(fd)).isEqualTo(Map.of("SYSLOG_IDENTIFIER", "me", "MESSAGE", "two\nlines=ü"));
            assertThat(receive(fd)).containsEntry("MESSAGE", longest).containsEntry("WHARF_OTHER", longest);
        } finally {
            libc.close(fd);
        }
    }

    @Test
    void aServiceThatComesBackIsFoundAgain() throws IOException {
        Path socket = folder.resolve("s");
        try (Journald journald = journald(socket)) {
            assertThatThrownBy(() -> journald.send(Map.of())).isInstanceOf(NoSuchFileException.class);
            int first = listen(socket);
            journald.send(Map.of());
            libc.close(first);
            assertThatThrownBy(() -> journald.send(Map.of())).isInstanceOf(IOException.class);
            Files.delete(socket);
            int second = listen(socket);
            try {
                journald.send(Journald.bytes(Map.of("MESSAGE", "again")));
                assertThat(receive(second)).containsEntry("MESSAGE", "again");
            } finally {
                libc.close(second);
            }
        }
    }

    @Test
    void oneThatDoesNotKeepUpIsAnErrorAndNothingToWaitFor() throws IOException {
        Path socket = folder.resolve("s");
        int fd = listen(socket);
        try (Journald journald = journald(socket)) {
            assertThatThrownBy(() -> {
                        for (int i = 0; i < 100_000; i++) journald.send(Journald.bytes(Map.of("MESSAGE", "again")));
                    })
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("keep up");
        } finally {
            libc.close(fd);
        }
    }
}
