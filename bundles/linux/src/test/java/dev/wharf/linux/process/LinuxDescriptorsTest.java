package dev.wharf.linux.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Descriptors.SocketType;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxDescriptorsTest {
    private final Epoll epoll = new Epoll();
    private final LinuxDescriptors descriptors = new LinuxDescriptors(epoll);

    @TempDir
    private Path dir;

    @AfterEach
    void closeTheSet() {
        epoll.close();
    }

    @Test
    void aPacketSocketKeepsPacketsApart() throws IOException {
        Descriptors.Pair pair = descriptors.socketPair(SocketType.SEQPACKET, true);

        descriptors.write(pair.near(), text("one"));
        descriptors.write(pair.near(), text("two"));

        assertThat(read(pair.far())).isEqualTo("one");
        assertThat(read(pair.far())).isEqualTo("two");
        assertThat(descriptors.read(pair.far(), ByteBuffer.allocate(9))).isEqualTo(Descriptors.WOULD_BLOCK);
        descriptors.close(pair.near());
        assertThat(descriptors.read(pair.far(), ByteBuffer.allocate(9))).isEqualTo(Descriptors.END);
        descriptors.close(pair.far());
    }

    @Test
    void buffersOfBothKindsAreUsedFromTheirPositionOn() throws IOException {
        Descriptors.Pair pipe = descriptors.pipe(true);
        ByteBuffer direct = ByteBuffer.allocateDirect(20).put(text("..hello..")).flip();
        direct.position(2).limit(7);

        assertThat(descriptors.write(pipe.far(), direct)).isEqualTo(5);
        assertThat(direct.hasRemaining()).isFalse();
        ByteBuffer into = ByteBuffer.allocateDirect(20).put((byte) '<');
        assertThat(descriptors.read(pipe.near(), into)).isEqualTo(5);
        assertThat(UTF_8.decode(into.put((byte) '>').flip()).toString()).isEqualTo("<hello>");
        descriptors.close(pipe.near());
        assertThatThrownBy(() -> descriptors.write(pipe.far(), text("x"))).isInstanceOf(IOException.class);
        descriptors.close(pipe.far());
    }

    @Test
    void aFullPipeWouldBlock() throws IOException {
        Descriptors.Pair pipe = descriptors.pipe(true);
        ByteBuffer much = ByteBuffer.allocate(1 << 20);
        int last;
        do {
            last = descriptors.write(pipe.far(), much);
        } while (last > 0);

        assertThat(last).isEqualTo(Descriptors.WOULD_BLOCK);
        assertThat(much.position()).isEqualTo(65536);
        descriptors.close(pipe.near());
        descriptors.close(pipe.far());
    }

    @Test
    void whatLiesInMemoryIsReadFromItsBeginningByWhoeverOpensItsDescriptor() throws IOException {
        byte[] much = "0123456789".repeat(20_000).getBytes(UTF_8);
        int memory = descriptors.memory("much", much);

        Path file = Path.of("/proc/self/fd/" + memory);
        assertThat(Files.readAllBytes(file)).isEqualTo(much);
        assertThat(Files.readAllBytes(file)).isEqualTo(much);
        descriptors.close(memory);
        assertThat(file).doesNotExist();
    }

    @Test
    void aSocketWithALongPathIsReached() throws IOException {
        Path deep = Files.createDirectories(dir.resolve("d".repeat(100)).resolve("e".repeat(100)));
        Path shortcut = Files.createSymbolicLink(Path.of("/tmp/wharf-l-" + System.nanoTime()), deep);
        try (ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
            server.bind(UnixDomainSocketAddress.of(shortcut.resolve("attach")));

            int fd = descriptors.connect(deep.resolve("attach"), SocketType.STREAM, true);

            try (SocketChannel peer = server.accept()) {
                descriptors.write(fd, text("hello"));
                descriptors.shutdownOutput(fd);
                ByteBuffer heard = ByteBuffer.allocate(10);
                while (peer.read(heard) >= 0) {
                    assertThat(heard.hasRemaining()).isTrue();
                }
                assertThat(heard.position()).isEqualTo(5);
                peer.write(text("answer"));
                assertThat(read(fd)).isEqualTo("answer");
            }
            descriptors.close(fd);
        } finally {
            Files.delete(shortcut);
        }
    }

    @Test
    void readinessIsHeardOnlyWhenWanted() throws Exception {
        Descriptors.Pair pipe = descriptors.pipe(true);
        LinkedBlockingQueue<String> heard = new LinkedBlockingQueue<>();
        Descriptors.Readiness readiness = descriptors.watch(pipe.near(), (readable, writable) -> {
            try {
                ByteBuffer into = ByteBuffer.allocate(10);
                int count = descriptors.read(pipe.near(), into);
                heard.add(count + (writable ? " writable" : ""));
            } catch (IOException e) {
                heard.add(e.toString());
            }
        });

        descriptors.write(pipe.far(), text("abc"));
        assertThat(heard.poll(50, TimeUnit.MILLISECONDS)).isNull();
        readiness.want(true, false);
        assertThat(heard.take()).isEqualTo("3");
        readiness.want(false, false);
        descriptors.close(pipe.far());
        assertThat(heard.poll(50, TimeUnit.MILLISECONDS)).isNull();
        readiness.want(true, false);
        assertThat(heard.take()).isEqualTo("-1");
        readiness.close();
        readiness.close();
        descriptors.close(pipe.near());
    }

    @Test
    void aListenerThatFailsDoesNotSilenceTheOthers() throws Exception {
        Descriptors.Pair bad = descriptors.socketPair(SocketType.STREAM, true);
        Descriptors.Pair good = descriptors.socketPair(SocketType.STREAM, true);
        CountDownLatch heard = new CountDownLatch(1);
        AtomicInteger failures = new AtomicInteger();
        Descriptors.Readiness failing = descriptors.watch(bad.near(), (readable, writable) -> {
            if (failures.incrementAndGet() < 3) {
                throw new IllegalStateException("on purpose");
            }
        });
        Descriptors.Readiness fine = descriptors.watch(good.near(), (readable, writable) -> heard.countDown());
        failing.want(false, true);
        fine.want(false, true);

        heard.await();
        failing.close();
        fine.close();
        for (int fd : new int[] {bad.near(), bad.far(), good.near(), good.far()}) {
            descriptors.close(fd);
        }
    }

    private String read(int descriptor) throws IOException {
        ByteBuffer into = ByteBuffer.allocate(100);
        int count = descriptors.read(descriptor, into);
        return count < 0 ? "" + count : UTF_8.decode(into.flip()).toString();
    }

    private static ByteBuffer text(String text) {
        return ByteBuffer.wrap(text.getBytes(UTF_8));
    }
}
