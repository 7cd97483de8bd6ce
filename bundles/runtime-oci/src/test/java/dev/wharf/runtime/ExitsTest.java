package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.spi.runtime.OciRuntime.ExitListener;
import dev.wharf.testkit.kernel.KernelVersion;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExitsTest {
    private static final ContainerId WEB = new ContainerId("a".repeat(64));

    /** Beyond every pid there is. */
    private static final int NOBODY = 1 << 30;

    @TempDir
    private Path directory;

    private final List<String> told = new CopyOnWriteArrayList<>();
    private final ExecutorService teller = Executors.newSingleThreadExecutor();
    private Path bundle;
    private Exits exits;

    @BeforeEach
    void listen() throws Exception {
        Places places = new Places(directory.resolve("run"), directory.resolve("data"));
        bundle = Places.make(places.bundle(WEB));
        exits = new Exits(
                places,
                new Monitors(
                        Path.of("/usr/bin/conmon"),
                        Host.PROCESSES,
                        Host.DESCRIPTORS,
                        new Programs(Host.PROCESSES, Host.DESCRIPTORS),
                        new SealedPrograms(Host.DESCRIPTORS),
                        directory,
                        Duration.ofSeconds(5)),
                Host.PROCESSES,
                new Cgroups(Map.of(), Optional.empty()),
                Host.DESCRIPTORS,
                teller,
                container -> {},
                path -> false,
                path -> false);
        exits.listen(new ExitListener() {
            @Override
            public void exited(ContainerId container, InitProcess process, Exit exit) {
                told.add(process.pid() + " " + exit.code());
            }

            @Override
            public void execExited(ContainerId container, ExecId exec, int code) {}

            @Override
            public void outOfMemory(ContainerId container) {
                told.add(Monitors.OOM);
            }
        });
    }

    @AfterEach
    void close() {
        exits.close();
        teller.shutdownNow();
    }

    private static Note draft(int generation) {
        return new Note(
                Path.of("/usr/bin/crun"),
                Path.of("/run/crun"),
                generation,
                new InitProcess(0, 0, 0),
                0,
                false,
                false,
                false,
                "");
    }

    /** A process was made, ended, and was noticed. */
    private void ended(int pid, int generation, int code) throws Exception {
        Files.deleteIfExists(bundle.resolve(Monitors.EXIT));
        exits.expect(bundle);
        Note draft = draft(generation);
        draft.begin(bundle);
        draft.with(new InitProcess(pid, pid, pid + 1), pid).settle(bundle);
        Monitors.writeExit(bundle, code);
        exits.settled(bundle);
        exits.follow(WEB);
        awaitTold(pid + " " + code);
    }

    @Test
    void anEndIsToldOnce() throws Exception {
        ended(NOBODY, 1, 3);
        exits.settle(WEB);
        assertThat(told).containsExactly(NOBODY + " 3");
    }

    @Test
    void twoProcessesOfOneStartEndOneAfterTheOther() throws Exception {
        ended(NOBODY, 1, 137);
        ended(NOBODY + 2, 1, 7);
        assertThat(told).containsExactly(NOBODY + " 137", (NOBODY + 2) + " 7");
    }

    /** The monitor is some process that writes no exit status. */
    @Test
    void anEndIsToldBeforeTheMonitorHasWrittenIt() throws Exception {
        assumeThat(KernelVersion.isAtLeast(6, 15)).isTrue();
        Process process = new ProcessBuilder("/bin/sh", "-c", "read line; exit 5").start();
        int pid = (int) process.pid();
        int self = (int) ProcessHandle.current().pid();
        Note draft = draft(1);
        draft.begin(bundle);
        long monitorTicks = Host.PROCESSES.startTicks(self).orElseThrow();
        draft.with(new InitProcess(pid, Host.PROCESSES.startTicks(pid).orElseThrow(), self), monitorTicks)
                .settle(bundle);
        exits.follow(WEB);
        assertThat(told).isEmpty();

        process.getOutputStream().close();

        awaitTold(pid + " 5");
        assertThat(exits.exit(bundle)).as("as its monitor has not written it").isEmpty();
        exits.settle(WEB);
        assertThat(told).containsExactly(pid + " 5");
    }

    /** The monitor of Podman, conmon, does that where it works in the folder that it notes things in. */
    @Test
    void whatTheMonitorMarksTwiceInARowIsToldOnce() throws Exception {
        Process process = new ProcessBuilder("/bin/sh", "-c", "read line").start();
        int pid = (int) process.pid();
        int self = (int) ProcessHandle.current().pid();
        long ticks = Host.PROCESSES.startTicks(pid).orElseThrow();
        Note draft = draft(1);
        draft.begin(bundle);
        draft.with(
                        new InitProcess(pid, ticks, self),
                        Host.PROCESSES.startTicks(self).orElseThrow())
                .settle(bundle);
        exits.follow(WEB);

        Files.write(bundle.resolve(Monitors.OOM), new byte[0]);
        Thread.sleep(20);
        Files.write(bundle.resolve(Monitors.OOM), new byte[0]);
        awaitTold(Monitors.OOM);
        Thread.sleep(200);

        assertThat(told).containsExactly(Monitors.OOM);
        process.destroy();
    }

    private void awaitTold(String end) throws InterruptedException {
        for (int i = 0; i < 200 && !told.contains(end); i++) {
            Thread.sleep(10);
        }
    }
}
