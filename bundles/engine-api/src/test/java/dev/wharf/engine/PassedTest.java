package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Endpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PassedTest {
    @TempDir
    private Path proc;

    @BeforeEach
    void aProcessWithDescriptors() throws IOException {
        Path self = Files.createDirectories(proc.resolve("4711"));
        Files.createSymbolicLink(proc.resolve("self"), Path.of("4711"));
        Path open = Files.createDirectories(self.resolve("fd"));
        Files.createSymbolicLink(open.resolve("3"), Path.of("socket:[100]"));
        Files.createSymbolicLink(open.resolve("4"), Path.of("socket:[200]"));
        Files.createSymbolicLink(open.resolve("5"), Path.of("null"));
        Files.writeString(Files.createDirectories(proc.resolve("net")).resolve("unix"), """
                Num       RefCount Protocol Flags    Type St Inode Path
                0000000000000000: 00000002 00000000 00010000 0001 01   100 /run/wharf/a socket
                0000000000000000: 00000003 00000000 00000000 0001 03   200 /run/wharf/connected
                0000000000000000: 00000003 00000000 00000000 0001 03   300
                """);
    }

    private Passed passed(String pid, String count) {
        return new Passed(Map.of("LISTEN_PID", pid, "LISTEN_FDS", count), proc);
    }

    @Test
    void aListeningSocketIsTakenWithItsPath() throws IOException {
        assertThat(passed("4711", "1").sockets()).containsExactly(new Endpoint.Passed(3, "/run/wharf/a socket"));
    }

    @Test
    void whatIsMeantForAnotherProcessIsNotTaken() {
        assertThatThrownBy(passed("1", "1")::sockets).hasMessageContaining("no sockets were passed");
        assertThatThrownBy(new Passed(Map.of(), proc)::sockets).hasMessageContaining("no sockets were passed");
    }

    @Test
    void whatDoesNotListenIsNamed() {
        assertThatThrownBy(passed("4711", "2")::sockets)
                .hasMessageContaining("descriptor 4 is no listening unix socket");
        assertThatThrownBy(passed("4711", "3")::sockets).hasMessageContaining("descriptor 4");
    }
}
