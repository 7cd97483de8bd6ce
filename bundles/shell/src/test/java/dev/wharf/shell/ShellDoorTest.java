package dev.wharf.shell;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.DataInputStream;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.apache.felix.gogo.runtime.CommandProcessorImpl;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ShellDoorTest {
    @TempDir
    private Path folder;

    private CommandProcessorImpl gogo;
    private ShellDoor door;

    @BeforeEach
    void open() throws IOException {
        gogo = new CommandProcessorImpl(null);
        gogo.addCommand("test", new Commands(), "greet");
        gogo.addCommand("test", new Commands(), "fail");
        door = ShellDoor.open(gogo, folder.resolve("shell.sock"));
    }

    @AfterEach
    void close() throws IOException {
        door.close();
    }

    /** What can be said in this test. */
    public static final class Commands {
        public String greet(String name) {
            return "hello " + name;
        }

        public void fail() {
            throw new IllegalStateException("not today");
        }
    }

    private SocketChannel connect() throws IOException {
        SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
        channel.connect(UnixDomainSocketAddress.of(folder.resolve("shell.sock")));
        return channel;
    }

    private static String ask(SocketChannel channel, String line) throws IOException {
        channel.write(ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8)));
        DataInputStream in = new DataInputStream(Channels.newInputStream(channel));
        StringBuilder answer = new StringBuilder();
        for (int b = in.readUnsignedByte(); b != 0; b = in.readUnsignedByte()) answer.append((char) b);
        answer.append((char) in.readUnsignedByte());
        assertThat(in.readUnsignedByte()).isEqualTo('\n');
        return answer.toString();
    }

    @Test
    void aLineIsAnsweredWithItsOutputAndHowItWent() throws IOException {
        try (SocketChannel client = connect()) {
            assertThat(ask(client, "greet world")).isEqualTo("hello world\n0");
            assertThat(ask(client, "fail")).isEqualTo("not today\n1");
            assertThat(ask(client, "nosuchcommand")).endsWith("1").contains("nosuchcommand");
            assertThat(ask(client, "x = 5; $x")).isEqualTo("5\n0");
        }
    }

    @Test
    void sessionsDoNotShareVariables() throws IOException {
        try (SocketChannel one = connect();
                SocketChannel two = connect()) {
            ask(one, "mine = 1");

            assertThat(ask(two, "greet \"<$mine>\"")).isEqualTo("hello <>\n0");
        }
    }

    @Test
    void nobodyButItsOwnerMayOpenTheSocket() throws IOException {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("shell.sock"))))
                .isEqualTo("rw-------");
        assertThat(folder.resolve(".s")).doesNotExist();
    }

    @Test
    void whatAKilledAgentLeftIsReplaced() throws IOException {
        Files.createFile(folder.resolve("left"));
        try (ShellDoor first = ShellDoor.open(gogo, folder.resolve("left"));
                ShellDoor second = ShellDoor.open(gogo, folder.resolve("left"))) {
            assertThat(first).isNotSameAs(second);
        }
    }

    @Test
    void closingEndsSessionsAndTakesTheSocketAway() throws IOException {
        try (SocketChannel client = connect()) {
            ask(client, "greet world");
            door.close();

            assertThat(client.read(ByteBuffer.allocate(1))).isEqualTo(-1);
            assertThat(folder.resolve("shell.sock")).doesNotExist();
        }
    }
}
