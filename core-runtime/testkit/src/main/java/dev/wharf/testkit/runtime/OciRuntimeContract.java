package dev.wharf.testkit.runtime;

import static dev.wharf.testkit.runtime.RuntimeSpecs.exec;
import static dev.wharf.testkit.runtime.RuntimeSpecs.execId;
import static dev.wharf.testkit.runtime.RuntimeSpecs.interactive;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.Resources;
import dev.wharf.model.Signal;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogCursor.LogLine;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.OciRuntime.Executing;
import dev.wharf.spi.runtime.OciRuntime.ExitListener;
import dev.wharf.spi.runtime.OciRuntime.Freezing;
import dev.wharf.spi.runtime.OciRuntime.Grounding;
import dev.wharf.spi.runtime.OciRuntime.Limiting;
import dev.wharf.spi.runtime.OciRuntime.Measuring;
import dev.wharf.spi.runtime.OciRuntime.Streaming;
import dev.wharf.spi.runtime.RuntimeSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The promises of {@link OciRuntime} and its capabilities. Needs root and a Linux kernel. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class OciRuntimeContract {
    protected OciRuntime runtime;
    protected final RecordingExits exits = new RecordingExits();
    private final List<ContainerId> made = new ArrayList<>();
    private AutoCloseable listening;

    /** A runtime over directories that belong to this test alone; asked again, another one over the same. */
    protected abstract OciRuntime open() throws Exception;

    /** A root file system with busybox's {@code sh} and its usual company in /bin. */
    protected abstract Path rootfs();

    /** Stops what {@link #open} began, without touching containers. */
    protected abstract void stop(OciRuntime opened) throws Exception;

    /** Removes the directories, when no container is left. */
    protected abstract void discard() throws Exception;

    @BeforeEach
    void openRuntime() throws Exception {
        runtime = open();
        listening = runtime.exits(exits);
    }

    @AfterEach
    void removeContainers() throws Exception {
        try {
            for (ContainerId container : made) {
                runtime.delete(container);
                runtime.forget(container);
            }
            listening.close();
            stop(runtime);
        } finally {
            discard();
        }
    }

    /** Another runtime takes the place of the first, as after a restart of the agent. */
    protected void restart() throws Exception {
        listening.close();
        stop(runtime);
        runtime = open();
    }

    protected RuntimeSpecs shell(String script) {
        return RuntimeSpecs.shell(rootfs(), script);
    }

    protected RuntimeSpec register(RuntimeSpecs specs) {
        RuntimeSpec spec = specs.build();
        made.add(spec.container());
        return spec;
    }

    protected ContainerId create(RuntimeSpecs specs) throws DriverException {
        RuntimeSpec spec = register(specs);
        runtime.create(spec);
        return spec.container();
    }

    protected ContainerId run(RuntimeSpecs specs) throws DriverException {
        ContainerId container = create(specs);
        runtime.start(container);
        return container;
    }

    protected <C extends dev.wharf.spi.Driver.Capability> C able(Class<C> kind) {
        return runtime.capability(kind).orElseThrow();
    }

    protected Attachment attach(ContainerId container, RecordingSink sink) throws DriverException {
        return able(Streaming.class).attach(container, Optional.empty(), sink);
    }

    protected static ByteBuffer bytes(String text) {
        return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
    }

    protected static LogQuery everything(boolean follow) {
        return new LogQuery(true, true, Optional.empty(), Optional.empty(), -1, follow);
    }

    /** All lines up to the end of the log. */
    protected List<String> log(ContainerId container, LogQuery query) throws DriverException, InterruptedException {
        List<String> lines = new ArrayList<>();
        try (LogCursor cursor = able(Streaming.class).logs(container, query)) {
            while (!cursor.isAtEnd()) {
                List<LogLine> polled = cursor.poll();
                polled.forEach(line -> lines.add(
                        StandardCharsets.UTF_8.decode(line.bytes().duplicate()).toString()));
                if (polled.isEmpty() && !cursor.isAtEnd()) {
                    CountDownLatch more = new CountDownLatch(1);
                    cursor.onMore(more::countDown);
                    assertThat(more.await(20, TimeUnit.SECONDS)).isTrue();
                }
            }
        }
        return lines;
    }

    private static boolean exists(InitProcess process) throws IOException {
        return isAlive(process.pid());
    }

    /** Whether a process lives; one that only waits to be reaped does not. */
    private static boolean isAlive(int pid) throws IOException {
        try {
            String stat = Files.readString(Path.of("/proc", Integer.toString(pid), "stat"));
            return stat.charAt(stat.lastIndexOf(')') + 2) != 'Z';
        } catch (NoSuchFileException e) {
            return false;
        }
    }

    private static DriverException failureOf(org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
        DriverException failure = catchThrowableOfType(DriverException.class, call);
        assertThat(failure).as("a failure").isNotNull();
        return failure;
    }

    // --- the life of a container ---

    @Test
    void aCreatedProcessWaitsToBeStarted() throws Exception {
        RuntimeSpec spec = register(shell("echo up; sleep 60"));

        InitProcess process = runtime.create(spec);

        assertThat(exists(process)).isTrue();
        assertThat(runtime.survey()).singleElement().satisfies(found -> {
            assertThat(found.container()).isEqualTo(spec.container());
            assertThat(found.process()).contains(process);
            assertThat(found.started()).isFalse();
            assertThat(found.exit()).isEmpty();
        });
        assertThat(Files.exists(able(Streaming.class).logFile(spec.container()))
                        && Files.size(able(Streaming.class).logFile(spec.container())) > 0)
                .isFalse();
    }

    @Test
    void creatingWhatExistsReturnsIt() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60"));
        InitProcess process = runtime.create(spec);

        assertThat(runtime.create(spec)).isEqualTo(process);
    }

    @Test
    void creatingTheNextGenerationTakesDownTheOneBefore() throws Exception {
        RuntimeSpecs specs = shell("sleep 60");
        RuntimeSpec first = register(specs);
        InitProcess old = runtime.create(first);

        InitProcess young = runtime.create(specs.generation(2).build());

        assertThat(young).isNotEqualTo(old);
        assertThat(exists(old)).isFalse();
        assertThat(exists(young)).isTrue();
    }

    @Test
    void startingTwiceIsStartingOnce() throws Exception {
        ContainerId container = run(shell("echo once; sleep 60"));

        runtime.start(container);

        awaitLog(container, "once");
        runtime.signal(container, Signal.KILL);
        exits.await(container);
        assertThat(log(container, everything(false))).containsExactly("once\n");
    }

    @Test
    void aProgramThatIsNotInTheImageIsSaidInWordsThatClientsKnow() {
        DriverException failure = failureOf(() -> run(RuntimeSpecs.of(rootfs(), "no-such-program")));

        assertThat(failure.failure().kind()).isEqualTo(Kind.INVALID);
        assertThat(failure).hasMessageContaining("executable file not found").hasMessageContaining("no-such-program");
    }

    @Test
    void aProgramPathThatIsNotInTheImageIsSaidInWordsThatClientsKnow() {
        DriverException failure = failureOf(() -> run(RuntimeSpecs.of(rootfs(), "/no/such/program")));

        assertThat(failure.failure().kind()).isEqualTo(Kind.INVALID);
        assertThat(failure).hasMessageContaining("no such file or directory");
    }

    @Test
    void aProgramThatMayNotBeExecutedIsSaidInWordsThatClientsKnow() {
        DriverException failure = failureOf(() -> run(RuntimeSpecs.of(rootfs(), "/etc/passwd")));

        assertThat(failure.failure().kind()).isEqualTo(Kind.INVALID);
        assertThat(failure).hasMessageContaining("permission denied");
    }

    @Test
    void aFailedCreationLeavesNothing() throws Exception {
        failureOf(() -> create(RuntimeSpecs.of(rootfs(), "no-such-program")));

        assertThat(runtime.survey()).isEmpty();
    }

    @Test
    void aSignalReachesTheFirstProcess() throws Exception {
        ContainerId container = run(shell("trap 'echo caught; exit 3' USR1; echo ready; while :; do sleep 0.05; done"));
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = attach(container, sink)) {
            awaitLog(container, "ready");

            runtime.signal(container, Signal.parse("USR1"));

            assertThat(exits.await(container).code()).isEqualTo(3);
        }
    }

    @Test
    void aSignalToAProcessThatHasEndedIsMissing() throws Exception {
        ContainerId container = run(shell("true"));
        exits.await(container);

        assertThat(failureOf(() -> runtime.signal(container, Signal.TERM))
                        .failure()
                        .kind())
                .isEqualTo(Kind.MISSING);
    }

    @Test
    void whatIsNotThereCannotBeStarted() {
        ContainerId nobody = new ContainerId(RuntimeSpecs.randomHex());

        assertThat(failureOf(() -> runtime.start(nobody)).failure().kind()).isEqualTo(Kind.MISSING);
    }

    @Test
    void deletingKillsWhatIsLeftAndKeepsTheLog() throws Exception {
        RuntimeSpec spec = register(shell("echo kept; sleep 60"));
        InitProcess process = runtime.create(spec);
        runtime.start(spec.container());
        awaitLog(spec.container(), "kept");

        runtime.delete(spec.container());

        assertThat(exists(process)).isFalse();
        assertThat(isAlive(process.monitorPid())).isFalse();
        assertThat(runtime.survey()).isEmpty();
        assertThat(log(spec.container(), everything(false))).containsExactly("kept\n");
        assertThat(exits.await(spec.container()).code()).isEqualTo(137);
    }

    @Test
    void deletingWhatIsGoneSucceeds() throws Exception {
        ContainerId container = run(shell("true"));

        runtime.delete(container);
        runtime.delete(container);
        runtime.delete(new ContainerId(RuntimeSpecs.randomHex()));
    }

    @Test
    void forgettingRemovesTheLogAndMayBeRepeated() throws Exception {
        ContainerId container = run(shell("echo gone"));
        exits.await(container);
        Path log = able(Streaming.class).logFile(container);
        runtime.delete(container);
        assertThat(log).exists();

        runtime.forget(container);
        runtime.forget(container);

        assertThat(log.getParent()).doesNotExist();
    }

    @Test
    void aContainerCanBeMadeAgainAndGoesOnWithItsLog() throws Exception {
        RuntimeSpecs specs = shell("echo run");
        ContainerId container = run(specs);
        exits.await(container);
        runtime.delete(container);

        runtime.create(specs.generation(2).build());
        runtime.start(container);
        awaitEnded(container);

        assertThat(log(container, everything(false))).containsExactly("run\n", "run\n");
    }

    // --- exits ---

    @Test
    void anExitIsToldWithItsCodeItsTimeAndItsProcess() throws Exception {
        RuntimeSpec spec = register(shell("exit 42"));
        InitProcess process = runtime.create(spec);
        Instant before = Instant.now();
        runtime.start(spec.container());

        Exit exit = exits.await(spec.container());

        assertThat(exit.code()).isEqualTo(42);
        assertThat(exit.inferred()).isFalse();
        assertThat(exit.outOfMemory()).isFalse();
        assertThat(exit.at()).isBetween(before.minusMillis(20), Instant.now());
        assertThat(exits.process(spec.container())).isEqualTo(process);
        assertThat(exits.threads()).hasSize(1);
    }

    @Test
    void aSignalledProcessExitsWith128AndTheSignal() throws Exception {
        ContainerId container = run(shell("sleep 60"));

        runtime.signal(container, Signal.KILL);

        assertThat(exits.await(container).code()).isEqualTo(137);
    }

    @Test
    void exitsThatHappenedWhileNobodyListenedAreToldAtOnceWithTheirOwnTime() throws Exception {
        ContainerId container = create(shell("sleep 0.2; exit 7"));
        stop(runtime);
        runtime = open();
        runtime.start(container);
        Instant ended = awaitEnded(container);
        restart();
        Thread.sleep(50);

        RecordingExits late = new RecordingExits();
        try (AutoCloseable ignored = runtime.exits(late)) {
            Exit exit = late.await(container);
            assertThat(exit.code()).isEqualTo(7);
            assertThat(exit.at()).isCloseTo(ended, org.assertj.core.api.Assertions.within(2, ChronoUnit.SECONDS));
            assertThat(exit.inferred()).isFalse();
        }
    }

    @Test
    void containersOutliveTheRuntimeDriverAndTheNextOneAdoptsThem() throws Exception {
        Instant before = Instant.now();
        ContainerId container =
                run(shell("while ! [ -e /tmp/go ]; do sleep 0.02; done; exit 9").mount("tmpfs", "", "/tmp"));
        Instant after = Instant.now();
        InitProcess process = runtime.survey().get(0).process().orElseThrow();
        restart();

        assertThat(runtime.survey()).singleElement().satisfies(found -> {
            assertThat(found.process()).contains(process);
            // The time of a file may be a tick of the kernel behind.
            assertThat(found.startedAt().orElseThrow()).isBetween(before.minusMillis(20), after);
        });
        RecordingExits adopted = new RecordingExits();
        try (AutoCloseable ignored = runtime.exits(adopted)) {
            able(Executing.class).exec(container, execId(), exec("/bin/touch", "/tmp/go"));
            assertThat(adopted.await(container).code()).isEqualTo(9);
        }
    }

    @Test
    void theExitOfAProcessWhoseMonitorWasKilledIsInferred() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60"));
        InitProcess process = runtime.create(spec);
        runtime.start(spec.container());
        ProcessHandle.of(process.monitorPid()).orElseThrow().destroyForcibly();
        ProcessHandle.of(process.pid()).ifPresent(ProcessHandle::destroyForcibly);

        Exit exit = exits.await(spec.container());

        assertThat(exit.inferred()).isTrue();
        assertThat(exit.code()).isEqualTo(255);
    }

    @Test
    void aSurveyShowsAnExitThatWasWritten() throws Exception {
        ContainerId container = run(shell("exit 5"));
        // An end may be told before it is written.
        awaitEnded(container);

        assertThat(runtime.survey()).singleElement().satisfies(found -> {
            assertThat(found.process()).isEmpty();
            assertThat(found.exit().orElseThrow().code()).isEqualTo(5);
        });
    }

    // --- streams ---

    @Test
    void everyByteReachesWhoAttachedBeforeTheStart() throws Exception {
        RuntimeSpec spec =
                register(shell("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; echo oops >&2"));
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = attach(spec.container(), sink)) {
            runtime.create(spec);
            runtime.start(spec.container());

            assertThat(sink.awaitClosed()).isTrue();
        }
        StringBuilder expected = new StringBuilder();
        for (int i = 0; i < 20000; i++) {
            expected.append("line ").append(i).append('\n');
        }
        assertThat(sink.out()).isEqualTo(expected.toString());
        assertThat(sink.err()).isEqualTo("oops\n");
        assertThat(sink.callsAfterClose()).isZero();
    }

    @Test
    void endingTheInputEndsItAfterEverythingWrittenBeforeAndOutputGoesOn() throws Exception {
        RuntimeSpec spec = register(shell("cat; echo done").input());
        RecordingSink sink = new RecordingSink();
        String text = "0123456789abcdef".repeat(40_000);
        try (Attachment attachment = attach(spec.container(), sink)) {
            runtime.create(spec);
            runtime.start(spec.container());
            attachment.write(bytes(text));
            attachment.closeInput();

            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).isEqualTo(text + "done\n");
    }

    @Test
    void whatIsLeftBeforeTheStartIsReadByTheProcess() throws Exception {
        RuntimeSpec spec = register(shell("cat; echo done").input());
        try (Attachment attachment = attach(spec.container(), new RecordingSink())) {
            attachment.write(bytes("left\n"));
            attachment.closeInput();
        }

        runtime.create(spec);
        runtime.start(spec.container());

        awaitEnded(spec.container());
        assertThat(log(spec.container(), everything(false))).containsExactly("left\n", "done\n");
    }

    @Test
    void theEndOfOneRunsInputIsNotThatOfTheNext() throws Exception {
        RuntimeSpecs specs = shell("cat; sleep 0.1; echo done").input();
        RuntimeSpec spec = register(specs);
        ContainerId container = spec.container();
        try (Attachment attachment = attach(container, new RecordingSink())) {
            runtime.create(spec);
            runtime.start(container);
            attachment.closeInput();
        }
        awaitEnded(container);
        runtime.delete(container);

        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = attach(container, sink)) {
            runtime.create(specs.generation(2).build());
            runtime.start(container);
            attachment.write(bytes("again\n"));
            attachment.closeInput();

            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).isEqualTo("again\ndone\n");
    }

    @Test
    void inputThatNobodyReadsCostsNoOutput() throws Exception {
        for (int i = 0; i < 30; i++) {
            RuntimeSpec spec = register(shell("echo done").input());
            RecordingSink sink = new RecordingSink();
            try (Attachment attachment = attach(spec.container(), sink)) {
                runtime.create(spec);
                attachment.write(bytes("x".repeat(60_000)));
                runtime.start(spec.container());

                assertThat(sink.awaitClosed()).isTrue();
            }
            assertThat(sink.out()).isEqualTo("done\n");
        }
    }

    @Test
    void aWriterIsAskedToWaitAndToldToGoOn() throws Exception {
        ContainerId container =
                run(shell("sleep 0.3; cat >/dev/null; echo read").input());
        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = attach(container, sink)) {
            boolean more = true;
            for (int i = 0; more && i < 10_000; i++) {
                more = attachment.write(bytes("x".repeat(8 * 1024)));
            }
            assertThat(more).isFalse();

            assertThat(sink.await(() -> sink.writableCalls() > 0)).isTrue();
            attachment.closeInput();
            assertThat(sink.awaitOut("read")).isTrue();
        }
    }

    @Test
    void outputStopsWhenItIsNotWantedAndNothingIsLost() throws Exception {
        RuntimeSpec spec = register(shell("i=0; while [ $i -lt 300 ]; do "
                + "echo 0123456789012345678901234567890123456789012345678901234567890123456789012345678; "
                + "i=$((i+1)); done | sed -n 'p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p;p'; echo end"));
        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = attach(spec.container(), sink)) {
            attachment.reading(false);
            runtime.create(spec);
            runtime.start(spec.container());
            Thread.sleep(300);
            int early = sink.size();
            assertThat(early).isLessThan(100_000);

            attachment.reading(true);
            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).hasSize(300 * 30 * 80 + 4).endsWith("end\n");
    }

    @Test
    void aDeathIsToldAlthoughAClientReadsNothing() throws Exception {
        ContainerId container = create(shell("yes 0123456789"));
        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = attach(container, sink)) {
            attachment.reading(false);
            runtime.start(container);
            Thread.sleep(200);

            runtime.signal(container, Signal.KILL);

            assertThat(exits.await(container).code()).isEqualTo(137);
            attachment.reading(true);
            assertThat(sink.awaitClosed()).isTrue();
        }
    }

    @Test
    void severalClientsHearTheSame() throws Exception {
        RuntimeSpec spec = register(shell("read word; echo heard $word").input());
        RecordingSink one = new RecordingSink();
        RecordingSink two = new RecordingSink();
        try (Attachment first = attach(spec.container(), one);
                Attachment second = attach(spec.container(), two)) {
            runtime.create(spec);
            runtime.start(spec.container());
            second.write(bytes("hello\n"));

            assertThat(one.awaitClosed()).isTrue();
            assertThat(two.awaitClosed()).isTrue();
        }
        assertThat(one.out()).isEqualTo("heard hello\n");
        assertThat(two.out()).isEqualTo("heard hello\n");
    }

    @Test
    void leavingTheStreamsLeavesTheProcessAlone() throws Exception {
        ContainerId container = run(shell("cat").input());
        RecordingSink sink = new RecordingSink();
        Attachment attachment = attach(container, sink);
        attachment.write(bytes("before\n"));
        assertThat(sink.awaitOut("before")).isTrue();

        attachment.close();
        Thread.sleep(100);

        assertThat(exits.has(container)).isFalse();
        RecordingSink next = new RecordingSink();
        try (Attachment again = attach(container, next)) {
            again.write(bytes("after\n"));
            assertThat(next.awaitOut("after")).isTrue();
        }
    }

    @Test
    void nobodyAttachedBlocksNobody() throws Exception {
        ContainerId container = run(shell("head -c 3000000 /dev/zero | tr '\\0' x; exit 4"));

        assertThat(exits.await(container).code()).isEqualTo(4);
    }

    @Test
    void aTerminalHasOneStreamAndASize() throws Exception {
        RuntimeSpec spec = register(
                shell("stty size; read line; stty size; echo $line >&2").terminal());
        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = attach(spec.container(), sink)) {
            runtime.create(spec);
            able(Streaming.class).resize(spec.container(), Optional.empty(), 33, 101);
            runtime.start(spec.container());
            assertThat(sink.awaitOut("33 101")).isTrue();
            able(Streaming.class).resize(spec.container(), Optional.empty(), 44, 122);
            Thread.sleep(50);
            attachment.write(bytes("hello\r"));

            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).contains("44 122").contains("hello\r\n");
        assertThat(sink.err()).isEmpty();
    }

    @Test
    void aTerminalCannotBeResizedBeforeItsProcessRuns() {
        ContainerId nobody = new ContainerId(RuntimeSpecs.randomHex());

        assertThat(failureOf(() -> able(Streaming.class).resize(nobody, Optional.empty(), 1, 1))
                        .failure()
                        .kind())
                .isEqualTo(Kind.MISSING);
    }

    // --- logs ---

    @Test
    void aLogHasWholeLinesOfBothStreamsInOrder() throws Exception {
        ContainerId container = run(shell(
                "echo one; sleep 0.05; echo two >&2; sleep 0.05; printf three; sleep 0.05; echo ' four'; printf end"));
        exits.await(container);

        assertThat(log(container, everything(false))).containsExactly("one\n", "two\n", "three four\n", "end");
    }

    @Test
    void aLogCanBeAskedForOneStreamForTheLastLinesAndForATime() throws Exception {
        ContainerId container = run(shell("echo one; echo err >&2; echo two; sleep 0.3; echo three"));
        exits.await(container);

        assertThat(log(container, new LogQuery(true, false, Optional.empty(), Optional.empty(), -1, false)))
                .containsExactly("one\n", "two\n", "three\n");
        assertThat(log(container, new LogQuery(true, false, Optional.empty(), Optional.empty(), 2, false)))
                .containsExactly("two\n", "three\n");
        assertThat(log(container, new LogQuery(true, true, Optional.empty(), Optional.empty(), 0, false)))
                .isEmpty();
        List<LogLine> lines = new ArrayList<>();
        try (LogCursor cursor = able(Streaming.class).logs(container, everything(false))) {
            lines.addAll(cursor.poll());
        }
        LogLine last = lines.get(lines.size() - 1);
        Instant third = Instant.ofEpochSecond(last.epochSecond(), last.nanos());
        assertThat(log(container, new LogQuery(true, true, Optional.of(third), Optional.empty(), -1, false)))
                .containsExactly("three\n");
        assertThat(log(
                        container,
                        new LogQuery(true, true, Optional.empty(), Optional.of(third.minusNanos(1)), -1, false)))
                .hasSize(3)
                .doesNotContain("three\n");
    }

    @Test
    void aFollowedLogGoesOnUntilTheContainerEnds() throws Exception {
        ContainerId container = run(shell("echo one; sleep 0.3; echo two; sleep 0.3; echo three"));

        assertThat(log(container, everything(true))).containsExactly("one\n", "two\n", "three\n");
    }

    // --- capabilities ---

    @Test
    void theGroundIsWhatAStartLays() throws Exception {
        able(Grounding.class).ground(rootfs());
        able(Grounding.class).ground(rootfs());
        List<Path> before = lying();

        exits.await(run(shell("true")));

        assertThat(lying()).isEqualTo(before);
    }

    private List<Path> lying() throws IOException {
        try (Stream<Path> all = Stream.concat(Files.list(rootfs()), Files.list(rootfs().resolve("etc")))) {
            return all.sorted().toList();
        }
    }

    @Test
    void aFrozenContainerStandsStillUntilItIsThawed() throws Exception {
        ContainerId container = run(shell("while :; do echo tick; sleep 0.02; done"));
        awaitLog(container, "tick");

        able(Freezing.class).freeze(container);
        able(Freezing.class).freeze(container);
        Thread.sleep(50);
        long size = Files.size(able(Streaming.class).logFile(container));
        Thread.sleep(150);
        assertThat(Files.size(able(Streaming.class).logFile(container))).isEqualTo(size);

        able(Freezing.class).thaw(container);
        able(Freezing.class).thaw(container);
        Thread.sleep(200);
        assertThat(Files.size(able(Streaming.class).logFile(container))).isGreaterThan(size);
    }

    @Test
    void whetherAContainerIsFrozenIsSeen() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        assertThat(able(Freezing.class).isFrozen(container)).isFalse();
        able(Freezing.class).freeze(container);
        assertThat(able(Freezing.class).isFrozen(container)).isTrue();
        able(Freezing.class).thaw(container);
        assertThat(able(Freezing.class).isFrozen(container)).isFalse();
    }

    @Test
    void aFrozenContainerCanBeKilledAndDeleted() throws Exception {
        ContainerId killed = run(shell("sleep 60"));
        able(Freezing.class).freeze(killed);
        runtime.signal(killed, Signal.KILL);
        assertThat(exits.await(killed).code()).isEqualTo(137);

        ContainerId deleted = run(shell("sleep 60"));
        able(Freezing.class).freeze(deleted);
        runtime.delete(deleted);
        assertThat(exits.await(deleted).code()).isEqualTo(137);
    }

    @Test
    void limitsChangeWhileTheContainerRuns() throws Exception {
        ContainerId container = run(shell("sleep 60").resources(memory(64L << 20, 50)));
        assertThat(able(Measuring.class).measure(container).memoryLimitBytes()).isEqualTo(64L << 20);
        assertThat(able(Measuring.class).measure(container).pidsLimit()).isEqualTo(50);

        able(Limiting.class).limit(container, memory(96L << 20, 70));

        assertThat(able(Measuring.class).measure(container).memoryLimitBytes()).isEqualTo(96L << 20);
        assertThat(able(Measuring.class).measure(container).pidsLimit()).isEqualTo(70);
    }

    protected static Resources memory(long bytes, long pids) {
        return new Resources(
                bytes, 0, 0, -1, 0, 0, 0, 0, "", "", pids, 0, List.of(), false, 0, 0, "", List.of(), List.of(),
                List.of());
    }

    @Test
    void whenMemoryRunsOutItIsToldAndTheExitSaysSo() throws Exception {
        ContainerId container =
                run(shell("sleep 0.2; tail -c 200000000 /dev/zero | tail").resources(memory(24L << 20, 0)));

        Exit exit = exits.await(container);

        assertThat(exit.outOfMemory()).isTrue();
        assertThat(exits.ranOutOfMemory(container)).isTrue();
    }

    @Test
    void countersGrowAndProcessesAreListed() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60 & while :; do :; done"));
        InitProcess process = runtime.create(spec);
        runtime.start(spec.container());
        long first = able(Measuring.class).measure(spec.container()).cpuTotalNanos();
        Thread.sleep(200);

        var measure = able(Measuring.class).measure(spec.container());

        assertThat(measure.cpuTotalNanos()).isGreaterThan(first);
        assertThat(measure.memoryUsageBytes()).isPositive();
        assertThat(measure.memoryStats()).isNotEmpty();
        assertThat(measure.hostCpuNanos()).isPositive();
        assertThat(measure.onlineCpus()).isPositive();
        assertThat(measure.pids()).isEqualTo(2);
        assertThat(able(Measuring.class).processes(spec.container()))
                .contains(process.pid())
                .hasSize(2);
    }

    // --- execs ---

    @Test
    void anExecWhoseClientLeavesRunsOn() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        Attachment attachment = able(Streaming.class).attach(container, Optional.of(exec), new RecordingSink());

        able(Executing.class)
                .exec(container, exec, exec("/bin/sh", "-c", "sleep 0.2; head -c 1000000 /dev/zero && exit 6"));
        attachment.close();

        assertThat(exits.await(exec)).isEqualTo(6);
    }

    @Test
    void anExecIsOverWhenItsProcessIsThoughItLeftSomebodyBehind() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
            able(Executing.class).exec(container, exec, exec("/bin/sh", "-c", "sleep 60 & echo left; exit 5"));

            assertThat(exits.await(exec)).isEqualTo(5);
            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).isEqualTo("left\n");
    }

    @Test
    void nothingOfAnExecsLastWordsIsLost() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        for (int round = 0; round < 10; round++) {
            ExecId exec = execId();
            RecordingSink sink = new RecordingSink();
            try (Attachment ignored = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
                able(Executing.class)
                        .exec(
                                container,
                                exec,
                                exec("/bin/sh", "-c", "head -c 400000 /dev/zero | tr '\\0' x; echo end"));

                assertThat(sink.awaitClosed()).isTrue();
            }
            assertThat(sink.out()).hasSize(400_004).endsWith("end\n");
        }
    }

    @Test
    void anExecRunsInsideAndItsExitIsTold() throws Exception {
        ContainerId container = run(shell("sleep 60").hostname("inside", ""));
        ExecId exec = execId();
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
            int pid = able(Executing.class)
                    .exec(container, exec, exec("/bin/sh", "-c", "hostname; echo err >&2; exit 6"));

            assertThat(pid).isPositive();
            assertThat(exits.await(exec)).isEqualTo(6);
            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).isEqualTo("inside\n");
        assertThat(sink.err()).isEqualTo("err\n");
    }

    /** Whatever a driver gets ready for the next of them, each is run as it is asked for, and in the start that runs now. */
    @Test
    void execsThatFollowEachOtherAreEachRunAsAsked() throws Exception {
        RuntimeSpecs specs = shell("exec sleep 60");
        for (int start = 1; start <= 2; start++) {
            ContainerId container = run(specs.generation(start));
            for (int round = 0; round < 6; round++) {
                ExecId exec = execId();
                RecordingSink sink = new RecordingSink();
                boolean reads = round % 3 == 2;
                String[] command = {"/bin/sh", "-c", "cat; echo start " + start + " round $0; exit " + round, "" + round
                };
                try (Attachment attachment = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
                    int pid = able(Executing.class)
                            .exec(container, exec, reads ? interactive(false, command) : exec(command));
                    assertThat(pid).isPositive();
                    if (reads) {
                        attachment.write(bytes("input "));
                        attachment.closeInput();
                    }

                    assertThat(exits.await(exec)).isEqualTo(round);
                    assertThat(sink.awaitClosed()).isTrue();
                }
                assertThat(sink.out()).isEqualTo((reads ? "input " : "") + "start " + start + " round " + round + "\n");
            }
            if (start == 1) {
                runtime.signal(container, Signal.KILL);
                exits.await(container);
                runtime.delete(container);
            }
        }
    }

    @Test
    void anExecReadsItsInputToTheEnd() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
            attachment.write(bytes("early "));
            able(Executing.class).exec(container, exec, interactive(false, "/bin/sh", "-c", "cat; echo end"));
            attachment.write(bytes("late\n"));
            attachment.closeInput();

            assertThat(sink.awaitClosed()).isTrue();
        }
        assertThat(sink.out()).isEqualTo("early late\nend\n");
    }

    @Test
    void anExecOnATerminalHasASize() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        RecordingSink sink = new RecordingSink();
        try (Attachment attachment = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
            able(Executing.class).exec(container, exec, interactive(true, "/bin/sh", "-c", "read x; stty size"));
            able(Streaming.class).resize(container, Optional.of(exec), 21, 77);
            Thread.sleep(50);
            attachment.write(bytes("\r"));

            assertThat(sink.awaitClosed()).isTrue();
            assertThat(sink.out()).contains("21 77");
        }
    }

    @Test
    void anExecWithoutClientsRunsAllTheSame() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();

        able(Executing.class).exec(container, exec, exec("/bin/sh", "-c", "echo to nobody; exit 11"));

        assertThat(exits.await(exec)).isEqualTo(11);
    }

    @Test
    void anExecThatIsKilledEndsAndLeavesTheContainerAlone() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        able(Executing.class).exec(container, exec, exec("/bin/sleep", "60"));

        able(Executing.class).kill(container, exec);

        assertThat(exits.await(exec)).isEqualTo(137);
        able(Executing.class).kill(container, exec);
        able(Executing.class).kill(container, execId());
        ExecId next = execId();
        able(Executing.class).exec(container, next, exec("/bin/true"));
        assertThat(exits.await(next)).isZero();
    }

    @Test
    void anExecThatCannotRunIsSaidInWordsThatClientsKnowAndInItsStreams() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = able(Streaming.class).attach(container, Optional.of(exec), sink)) {
            DriverException failure =
                    failureOf(() -> able(Executing.class).exec(container, exec, exec("no-such-program")));

            assertThat(failure).hasMessageContaining("executable file not found");
            assertThat(sink.awaitClosed()).isTrue();
            assertThat(sink.out()).contains("executable file not found");
        }
    }

    @Test
    void anExecInAContainerThatHasEndedIsMissing() throws Exception {
        ContainerId container = run(shell("true"));
        exits.await(container);

        assertThat(failureOf(() -> able(Executing.class).exec(container, execId(), exec("/bin/true")))
                        .failure()
                        .kind())
                .isEqualTo(Kind.MISSING);
    }

    @Test
    void anExecIsNotRunTwice() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        able(Executing.class).exec(container, exec, exec("/bin/true"));

        assertThat(failureOf(() -> able(Executing.class).exec(container, exec, exec("/bin/true")))
                        .failure()
                        .kind())
                .isEqualTo(Kind.EXISTS);
    }

    @Test
    void theExitOfAnExecIsToldAfterARestart() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        ExecId exec = execId();
        able(Executing.class).exec(container, exec, exec("/bin/sh", "-c", "sleep 0.3; exit 13"));
        restart();

        RecordingExits late = new RecordingExits();
        try (AutoCloseable ignored = runtime.exits(late)) {
            assertThat(late.await(exec)).isEqualTo(13);
        }
    }

    /** A driver that is asked for all exits just then, as after a start of the agent, sees an exec that has no process yet. */
    @Test
    void whoListensWhileAnExecIsMadeHearsOfNoEndButItsOwn() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        Set<Integer> codes = ConcurrentHashMap.newKeySet();
        AtomicBoolean over = new AtomicBoolean();
        CompletableFuture<Void> listeners = CompletableFuture.runAsync(
                () -> {
                    while (!over.get()) {
                        try (AutoCloseable ignored = runtime.exits(noting(codes))) {
                            Thread.sleep(1);
                        } catch (Exception e) {
                            throw new CompletionException(e);
                        }
                    }
                },
                task -> new Thread(task, "listener").start());
        try {
            for (int round = 0; round < 20; round++) {
                ExecId exec = execId();
                RecordingSink sink = new RecordingSink();
                // By turns with a client and with none: two ways in which a driver may run it.
                AutoCloseable client =
                        round % 2 == 0 ? able(Streaming.class).attach(container, Optional.of(exec), sink) : () -> {};
                try (client) {
                    able(Executing.class).exec(container, exec, exec("/bin/sh", "-c", "exit 7"));

                    assertThat(exits.await(exec)).isEqualTo(7);
                }
            }
        } finally {
            over.set(true);
            listeners.join();
        }
        assertThat(codes).containsOnly(7);
    }

    private static ExitListener noting(Set<Integer> codes) {
        return new ExitListener() {
            @Override
            public void exited(ContainerId container, InitProcess process, Exit exit) {}

            @Override
            public void execExited(ContainerId container, ExecId exec, int code) {
                codes.add(code);
            }

            @Override
            public void outOfMemory(ContainerId container) {}
        };
    }

    // --- waiting ---

    /** Waits until the log holds {@code text}. */
    protected void awaitLog(ContainerId container, String text) throws Exception {
        Path log = able(Streaming.class).logFile(container);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!Files.exists(log) || !Files.readString(log).contains(text)) {
            assertThat(System.nanoTime()).as("time to wait for " + text).isLessThan(deadline);
            Thread.sleep(5);
        }
    }

    /** Waits until a survey shows the container's exit. */
    protected Instant awaitEnded(ContainerId container) throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (true) {
            Optional<Exit> exit = runtime.survey().stream()
                    .filter(found -> found.container().equals(container))
                    .flatMap(found -> found.exit().stream())
                    .findFirst();
            if (exit.isPresent()) {
                return exit.get().at();
            }
            assertThat(System.nanoTime()).as("time to wait for an end").isLessThan(deadline);
            Thread.sleep(5);
        }
    }
}
