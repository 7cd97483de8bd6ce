package dev.wharf.linux.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.model.Signal;
import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.Processes.Spawn;
import dev.wharf.spi.kernel.Processes.Watch;
import dev.wharf.testkit.kernel.KernelVersion;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxProcessesTest {
    private static final Path SHELL = Path.of("/bin/sh");

    private final Epoll epoll = new Epoll();
    private final LinuxProcesses processes = new LinuxProcesses(epoll);
    private final LinuxDescriptors descriptors = new LinuxDescriptors(epoll);

    @AfterEach
    void closeTheSet() {
        epoll.close();
    }

    @Test
    void aSpawnedProgramGetsItsArgumentsEnvironmentDirectoryAndDescriptors() throws Exception {
        Descriptors.Pair out = descriptors.pipe(false);
        Descriptors.Pair extra = descriptors.pipe(false);
        String script = "echo $0 \"$1\" $WORD $(pwd) $(cat <&3) ; ls /proc/self/fd | wc -l; env | grep -c HOME";
        CompletableFuture<Integer> exit = new CompletableFuture<>();

        processes.spawn(
                new Spawn(
                        SHELL,
                        "sh",
                        List.of("-c", script, "name", "one two"),
                        Map.of("WORD", "wörd", "PATH", "/usr/bin:/bin"),
                        Path.of("/usr"),
                        List.of(Spawn.NULL, out.far(), out.far(), extra.near()),
                        false),
                exit::complete);
        descriptors.close(out.far());
        write(extra.far(), "through three");
        descriptors.close(extra.far());

        // The listing itself is descriptor 4 of ls; nothing else of ours is there.
        assertThat(readAll(out.near()).lines().map(String::strip))
                .containsExactly("name one two wörd /usr through three", "5", "0");
        assertThat(exit.get()).isEqualTo(1);
        descriptors.close(out.near());
        descriptors.close(extra.near());
    }

    @Test
    void descriptorsMayBeGivenInAnyOrderEvenTheirOwn() throws Exception {
        Descriptors.Pair a = descriptors.pipe(false);
        Descriptors.Pair b = descriptors.pipe(false);
        CompletableFuture<Integer> exit = new CompletableFuture<>();

        // Descriptor 0, 1 and 2 of this JVM are among the targets as well as among the sources.
        processes.spawn(
                new Spawn(
                        SHELL,
                        "sh",
                        List.of("-c", "echo first >&3; echo second >&4; test -e /proc/self/fd/2"),
                        Map.of("PATH", "/usr/bin:/bin"),
                        Path.of("/"),
                        List.of(2, 0, 1, a.far(), b.far()),
                        false),
                exit::complete);
        descriptors.close(a.far());
        descriptors.close(b.far());

        assertThat(readAll(a.near())).isEqualTo("first\n");
        assertThat(readAll(b.near())).isEqualTo("second\n");
        assertThat(exit.get()).isZero();
    }

    @Test
    void anExitCodeAndASignalAreTold() throws Exception {
        assertThat(run("exit 42", true)).isEqualTo(42);
        assertThat(run("kill -9 $$", false)).isEqualTo(137);
        assertThat(run("test $(ps -o sid= -p $$) = $$", true)).isZero();
    }

    @Test
    void aMissingProgramIsAnExceptionAndNotAnExit() {
        assertThatThrownBy(() -> processes.spawn(
                        new Spawn(Path.of("/no/such"), "x", List.of(), Map.of(), Path.of("/"), List.of(), false),
                        code -> {}))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("/no/such");
    }

    @Test
    void noSignalIsBlockedOrIgnoredInAChild() throws Exception {
        assertThat(run("grep -q 'SigBlk:.0*$' /proc/self/status && grep -q 'SigIgn:.0*$' /proc/self/status", false))
                .isZero();
    }

    @Test
    void theEndOfAForeignProcessIsTold() throws Exception {
        Process sleeper = new ProcessBuilder("sleep", "60").start();
        int pid = (int) sleeper.pid();
        long ticks = processes.startTicks(pid).orElseThrow();
        CountDownLatch ended = new CountDownLatch(1);
        AtomicBoolean unwanted = new AtomicBoolean();
        processes.watch(pid, ticks, ended::countDown);
        Watch dropped = processes.watch(pid, ticks, () -> unwanted.set(true));
        dropped.close();
        dropped.close();

        assertThat(processes.signal(pid, ticks + 1, Signal.KILL)).isFalse();
        assertThat(sleeper.isAlive()).isTrue();
        assertThat(processes.signal(pid, ticks, Signal.KILL)).isTrue();

        ended.await();
        sleeper.waitFor();
        assertThat(processes.startTicks(pid)).isEmpty();
        assertThat(processes.signal(pid, ticks, Signal.KILL)).isFalse();
        assertThat(unwanted).isFalse();
    }

    @Test
    void aProcessThatIsGoneOrAnotherIsToldAtOnce() throws Exception {
        CountDownLatch ended = new CountDownLatch(2);
        int self = (int) ProcessHandle.current().pid();

        processes.watch(self, processes.startTicks(self).orElseThrow() + 1, ended::countDown);
        processes.watch(Integer.MAX_VALUE - 1, 1, ended::countDown);

        ended.await();
    }

    @Test
    void theExitCodeOfAProcessThatAnotherReapsIsTold() throws Exception {
        assumeThat(KernelVersion.isAtLeast(6, 15)).isTrue();
        assertThat(codeOf(
                        "read line; exit 42",
                        process -> process.getOutputStream().close()))
                .isEqualTo(42);
        assertThat(codeOf("exec sleep 60", Process::destroyForcibly)).isEqualTo(137);
    }

    @Test
    void nothingIsToldOfTheCodeOfAProcessThatHadEndedBefore() throws Exception {
        AtomicBoolean told = new AtomicBoolean();
        processes.watchReaped(Integer.MAX_VALUE - 1, 1, code -> told.set(true)).close();
        assertThat(told).isFalse();
    }

    private interface Ending {
        void end(Process process) throws IOException;
    }

    /** The code that is told of a child of the JVM, which reaps it. */
    private int codeOf(String script, Ending ending) throws Exception {
        Process process = new ProcessBuilder("/bin/sh", "-c", script).start();
        int pid = (int) process.pid();
        CompletableFuture<Integer> code = new CompletableFuture<>();
        processes.watchReaped(pid, processes.startTicks(pid).orElseThrow(), code::complete);
        assertThat(code).isNotDone();
        ending.end(process);
        return code.get();
    }

    @Test
    void aHundredProcessesAreWatchedByOneThread() throws Exception {
        CountDownLatch ended = new CountDownLatch(100);
        int before = Thread.activeCount();
        for (int i = 0; i < 100; i++) {
            processes.spawn(
                    new Spawn(Path.of("/bin/true"), "true", List.of(), Map.of(), Path.of("/"), List.of(), false),
                    code -> ended.countDown());
        }
        assertThat(Thread.activeCount()).isLessThanOrEqualTo(before + 1);
        ended.await();
    }

    private int run(String script, boolean newSession) throws Exception {
        CompletableFuture<Integer> exit = new CompletableFuture<>();
        processes.spawn(
                new Spawn(
                        SHELL,
                        "sh",
                        List.of("-c", script),
                        Map.of("PATH", "/usr/bin:/bin"),
                        Path.of("/"),
                        List.of(Spawn.NULL, Spawn.NULL, Spawn.NULL),
                        newSession),
                exit::complete);
        return exit.get();
    }

    private void write(int descriptor, String text) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(UTF_8));
        while (bytes.hasRemaining()) {
            descriptors.write(descriptor, bytes);
        }
    }

    private String readAll(int descriptor) throws IOException {
        ByteBuffer bytes = ByteBuffer.allocate(4096);
        while (descriptors.read(descriptor, bytes) >= 0) {
            assertThat(bytes.hasRemaining()).isTrue();
        }
        return new String(bytes.array(), 0, bytes.position(), UTF_8);
    }
}
