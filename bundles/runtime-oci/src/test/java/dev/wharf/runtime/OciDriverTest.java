package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ContainerSpec.Namespaces;
import dev.wharf.model.InitProcess;
import dev.wharf.model.Resources;
import dev.wharf.model.Signal;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.testkit.runtime.OciRuntimeContract;
import dev.wharf.testkit.runtime.RecordingExits;
import dev.wharf.testkit.runtime.RecordingSink;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The promises of the runtime port, kept with one real OCI runtime. */
abstract class OciDriverTest extends OciRuntimeContract {
    private static Path shared;
    private static Path rootfs;

    protected Path base;
    private final String program;

    OciDriverTest(String program) {
        this.program = program;
    }

    @BeforeAll
    static void makeRootfs() throws IOException {
        shared = Files.createTempDirectory("wharf-runtime-");
        rootfs = Host.rootfs(shared.resolve("rootfs"));
    }

    @AfterAll
    static void removeRootfs() throws IOException {
        Host.FILES.removeTree(shared);
    }

    @Override
    protected void discard() throws IOException {
        Host.FILES.removeTree(base);
    }

    /** What an operator configured. */
    protected Map<String, String> settings() {
        Optional<Path> path = Programs.find(program);
        assumeTrue(path.isPresent(), () -> program + " is not installed");
        return Map.of("path", path.orElseThrow().toString());
    }

    @Override
    protected OciRuntime open() throws Exception {
        base = base == null ? Files.createTempDirectory("wharf-runtime-") : base;
        OciDriver driver = new OciDriver(
                Host.PROCESSES,
                Host.DESCRIPTORS,
                Host.FILES,
                Host.FILTERS,
                base.resolve("exec"),
                base.resolve("data"),
                settings());
        assertThat(driver.probe().ready()).as(driver.probe().why()).isTrue();
        return driver;
    }

    @Override
    protected Path rootfs() {
        return rootfs;
    }

    @Override
    protected void stop(OciRuntime opened) {
        ((OciDriver) opened).close();
    }

    /** What a script prints, run to its end in a container. */
    private String output(RuntimeSpecs specs) throws Exception {
        RuntimeSpec spec = register(specs);
        RecordingSink sink = new RecordingSink();
        try (Attachment ignored = attach(spec.container(), sink)) {
            runtime.create(spec);
            runtime.start(spec.container());
            assertThat(sink.awaitClosed()).isTrue();
        }
        return sink.out() + sink.err();
    }

    // --- what a container is like from inside ---

    @Test
    void aContainerSeesItselfAlone() throws Exception {
        String seen = output(shell("ps | grep -c -v '^PID'; hostname; cat /proc/1/comm; ls /proc | grep -c '^[0-9]*$'")
                .hostname("inside", ""));

        assertThat(seen.lines()).hasSize(4).element(1).isEqualTo("inside");
        assertThat(Integer.parseInt(seen.lines().toList().get(0))).isLessThan(6);
        assertThat(Integer.parseInt(seen.lines().toList().get(3))).isLessThan(6);
    }

    @Test
    void aUserOfTheImageRunsWithItsGroups() throws Exception {
        assertThat(output(shell("id -u; id -g; id -G; echo $HOME").user("ann", "hold")))
                .isEqualTo("1001\n1002\n1002 1003 1004\n/home/ann\n");
    }

    @Test
    void anUnknownUserIsRefusedBeforeAnythingRuns() {
        DriverException failure = catchThrowableOfType(
                DriverException.class, () -> create(shell("true").user("nobody-here")));

        assertThat(failure.failure().kind()).isEqualTo(Kind.INVALID);
        assertThat(failure).hasMessageContaining("unable to find user nobody-here");
    }

    @Test
    void capabilitiesSeccompAndPrivilegesAreInForce() throws Exception {
        String status = output(shell("grep -E 'CapBnd|CapEff|CapInh|CapAmb|NoNewPrivs|Seccomp:' /proc/self/status")
                .capabilities(List.of("CAP_CHOWN", "CAP_KILL"))
                .noNewPrivileges());

        assertThat(status)
                .contains("CapBnd:\t0000000000000021")
                .contains("CapEff:\t0000000000000021")
                .contains("CapInh:\t0000000000000000")
                .contains("CapAmb:\t0000000000000000")
                .contains("NoNewPrivs:\t1")
                .contains("Seccomp:\t2");
    }

    @Test
    void aFilterThatWasCompiledBeforeFiltersTheSame() throws Exception {
        String script =
                "grep Seccomp: /proc/self/status; unshare -m true 2>&1; mount -t tmpfs none /tmp 2>&1; echo done";
        String first = output(shell(script));
        String second = output(shell(script));

        assertThat(first).contains("Seccomp:\t2").contains("not permitted");
        assertThat(second).isEqualTo(first);
    }

    @Test
    void aPrivilegedContainerMayMountAndSeesDevices() throws Exception {
        assertThat(output(shell(
                                "mount -t tmpfs none /tmp && echo mounted; grep Seccomp: /proc/self/status; ls /dev | wc -l")
                        .privileged()))
                .contains("mounted")
                .contains("Seccomp:\t0");
    }

    @Test
    void pathsOfTheKernelAreMaskedOrReadOnly() throws Exception {
        String seen = output(shell("ls /sys/firmware | wc -l; (echo 1 > /proc/sys/kernel/domainname) 2>&1; "
                + "(mkdir /sys/fs/cgroup/x) 2>&1; (echo x > /etc/new) 2>&1; echo end"));

        assertThat(seen.lines()).contains("0");
        assertThat(seen).contains("Read-only file system").endsWith("end\n");
    }

    @Test
    void aReadOnlyRootHasWritableMounts() throws Exception {
        assertThat(output(shell(
                                "for f in /new /etc/hosts /ro/new; do (touch $f) 2>&1; done; touch /scratch/new && echo fine")
                        .readOnly()
                        .mount("tmpfs", "", "/scratch", "size=1m")
                        .mount("bind", base.toString(), "/ro", "rbind", "ro")))
                .contains("fine")
                .contains("/new: Read-only file system")
                .contains("/etc/hosts: Read-only file system")
                .contains("/ro/new: Read-only file system");
    }

    @Test
    void aContainerKnowsItsNameAndItsNeighbours() throws Exception {
        assertThat(output(shell("cat /etc/hosts /etc/hostname /etc/resolv.conf; cat /proc/sys/kernel/domainname")
                        .hostname("box7", "lan.example")
                        .host("10.88.0.7", "box7")
                        .nameservers("10.1.1.1")))
                .containsPattern("127.0.0.1\\s+localhost")
                .contains("10.88.0.7\tbox7")
                .contains("box7\n")
                .contains("nameserver 10.1.1.1")
                .contains("lan.example");
    }

    @Test
    void theEnvironmentAndTheWorkingDirectoryAreThere() throws Exception {
        assertThat(output(shell("env | grep -v PWD; pwd")
                        .env("A=one two", "A=three")
                        .workingDir("/made/for/it")))
                .contains("A=three\n")
                .contains("HOME=/root\n")
                .contains("HOSTNAME=box\n")
                .contains("PATH=/usr/local/sbin")
                .endsWith("/made/for/it\n");
    }

    @Test
    void limitsOfProcessesFilesAndSharedMemoryHold() throws Exception {
        Resources limits = new Resources(
                32 << 20,
                0,
                0,
                -1,
                500_000_000L,
                256,
                0,
                0,
                "0",
                "",
                33,
                0,
                List.of(),
                false,
                100,
                5 << 20,
                "",
                List.of(new Resources.Ulimit("nofile", 111, 222)),
                List.of(),
                List.of());

        String seen = output(shell("ulimit -n; ulimit -Hn; cat /proc/self/oom_score_adj; "
                        + "grep Cpus_allowed_list /proc/self/status; mount | grep /dev/shm; sleep 0.3")
                .resources(limits));

        assertThat(seen)
                .startsWith("111\n222\n100\n")
                .contains("Cpus_allowed_list:\t0\n")
                .contains("size=5120k");
    }

    @Test
    void aHardLimitAboveTheAgentsOwnIsLoweredAndTheContainerRuns() throws Exception {
        assertThat(output(shell("echo runs").resources(openFiles(1L << 40)))).isEqualTo("runs\n");
    }

    @Test
    void aLimitThatLeavesTheRuntimeTooFewFilesIsNamed() {
        DriverException scarce = catchThrowableOfType(
                DriverException.class, () -> create(shell("true").resources(openFiles(5))));
        DriverException missing = catchThrowableOfType(
                DriverException.class,
                () -> run(RuntimeSpecs.of(rootfs(), "/nothing").resources(openFiles(40))));

        assertThat(scarce.failure().kind()).isEqualTo(Kind.INVALID);
        assertThat(scarce).hasMessageContaining("ulimit nofile=5 is too low for the runtime");
        assertThat(missing).hasMessageContaining("no such file or directory").hasMessageNotContaining("ulimit");
    }

    private static Resources openFiles(long limit) {
        return new Resources(
                0,
                0,
                0,
                -1,
                0,
                0,
                0,
                0,
                "",
                "",
                0,
                0,
                List.of(),
                false,
                0,
                0,
                "",
                List.of(new Resources.Ulimit("nofile", limit, limit)),
                List.of(),
                List.of());
    }

    @Test
    void anInitReapsAndPassesSignalsOn() throws Exception {
        ContainerId container = run(shell("trap 'exit 4' TERM; cat /proc/1/comm; while :; do sleep 0.02; done")
                .init());
        awaitLog(container, "init");

        runtime.signal(container, Signal.TERM);

        assertThat(exits.await(container).code()).isEqualTo(4);
    }

    @Test
    void aLogHasABound() throws Exception {
        ContainerId container = run(shell("i=0; while [ $i -lt 2000 ]; do echo line number $i; i=$((i+1)); done")
                .log("json-file", Map.of("max-size", "16k")));
        exits.await(container);

        assertThat(log(container, everything(false)))
                .hasSizeBetween(100, 500)
                .last()
                .isEqualTo("line number 1999\n");
        try (Stream<Path> files =
                Files.list(((OciDriver) runtime).logFile(container).getParent())) {
            assertThat(files.filter(file -> file.getFileName().toString().startsWith("log.")))
                    .singleElement()
                    .satisfies(file -> assertThat(Files.size(file)).isLessThanOrEqualTo(16 << 10));
        }
    }

    @Test
    void aLogThatNobodyKeepsCannotBeRead() throws Exception {
        ContainerId container = run(shell("echo into the void").log("none", Map.of()));
        exits.await(container);

        DriverException failure = catchThrowableOfType(DriverException.class, () -> log(container, everything(false)));

        assertThat(failure.failure().kind()).isEqualTo(Kind.UNSUPPORTED);
        assertThat(failure).hasMessage("configured logging driver does not support reading");
    }

    @Test
    void aNamespaceOfAnotherContainerCanBeJoined() throws Exception {
        RuntimeSpec first = register(shell("echo shared > /dev/shm/word; sleep 60")
                .namespaces(
                        new Namespaces(
                                Namespace.PRIVATE,
                                new Namespace(Namespace.Kind.SHAREABLE, Optional.empty()),
                                Namespace.PRIVATE,
                                Namespace.PRIVATE,
                                Namespace.HOST),
                        Map.of())
                .hostname("first", ""));
        int pid = runtime.create(first).pid();
        runtime.start(first.container());
        Namespace theirs = Namespace.of(first.container());

        String seen = output(shell("hostname; ps | grep -c 'sleep 60'; cat /dev/shm/word")
                .namespaces(
                        new Namespaces(theirs, theirs, theirs, Namespace.PRIVATE, Namespace.HOST),
                        Map.of(
                                "pid", Path.of("/proc/" + pid + "/ns/pid"),
                                "ipc", Path.of("/proc/" + pid + "/ns/ipc"),
                                "uts", Path.of("/proc/" + pid + "/ns/uts"))));

        assertThat(seen.lines().toList().get(0)).isEqualTo("first");
        assertThat(Integer.parseInt(seen.lines().toList().get(1))).isPositive();
        assertThat(seen).endsWith("shared\n");
    }

    // --- trouble ---

    @Test
    void aContainerRunsOnWhenItsMonitorIsKilledAndItsEndIsToldThen() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60 >/dev/null 2>&1"));
        InitProcess process = runtime.create(spec);
        runtime.start(spec.container());
        ProcessHandle.of(process.monitorPid()).orElseThrow().destroyForcibly();
        Thread.sleep(200);
        assertThat(exits.has(spec.container())).isFalse();
        assertThat(runtime.survey().get(0).process()).contains(process);

        runtime.signal(spec.container(), Signal.KILL);

        assertThat(exits.await(spec.container()).inferred()).isTrue();
        restart();
        RecordingExits again = new RecordingExits();
        try (AutoCloseable ignored = runtime.exits(again)) {
            assertThat(again.await(spec.container())).isEqualTo(exits.await(spec.container()));
        }
    }

    /** Word of an end comes by two ways, and the later one may come when the container was begun again. */
    @Test
    void theEndOfEachStartIsToldHoweverFastTheNextComes() throws Exception {
        RuntimeSpecs specs = shell("exec sleep 60");
        for (int i = 1; i <= 60; i++) {
            RuntimeSpec spec = register(specs.generation(i));
            runtime.create(spec);
            runtime.start(spec.container());
            RecordingExits hears = new RecordingExits();
            try (AutoCloseable ignored = runtime.exits(hears)) {
                runtime.signal(spec.container(), Signal.KILL);
                hears.await(spec.container());
                runtime.delete(spec.container());
            }
        }
    }

    /**
     * A monitor is a child of the program that is started, and its parent writes down who it is: on a busy host, later than
     * the child has the container made.
     */
    @Test
    void anExitIsKnownWhereTheMonitorsPidIsWrittenDownLateAndItsStatusToo() throws Exception {
        Path late = base.resolve("late-conmon");
        Files.writeString(
                late,
                """
                #!/bin/sh
                for argument; do
                    shift
                    [ "$before" != --conmon-pidfile ] || { file=$argument; argument=$file.late; }
                    before=$argument
                    set -- "$@" "$argument"
                done
                REAL "$@" || exit
                until [ -s "${file%/*}/pidfile" ]; do sleep 0.02; done
                sleep 0.5
                mv "$file.late" "$file"
                """.replace("REAL", Programs.find("conmon").orElseThrow().toString()),
                StandardOpenOption.CREATE_NEW);
        Files.setPosixFilePermissions(late, PosixFilePermissions.fromString("rwx------"));
        Map<String, String> settings = new HashMap<>(settings());
        settings.put("monitor", late.toString());
        OciDriver driver = new OciDriver(
                Host.PROCESSES,
                Host.DESCRIPTORS,
                Host.FILES,
                Host.FILTERS,
                base.resolve("exec"),
                base.resolve("data"),
                settings);
        RecordingExits told = new RecordingExits();
        RuntimeSpec spec = shell("exit 7").build();
        try (AutoCloseable ignored = driver.exits(told)) {
            InitProcess process = driver.create(spec);
            assertThat(process.monitorPid()).isPositive();
            long ticks = Host.PROCESSES.startTicks(process.monitorPid()).orElseThrow();
            Host.PROCESSES.signal(process.monitorPid(), ticks, Signal.parse("STOP"));
            driver.start(spec.container());
            awaitDeath(process);
            assertThat(driver.survey()).singleElement().satisfies(found -> {
                assertThat(found.process()).as("its end is yet to be known").contains(process);
                assertThat(found.exit()).isEmpty();
            });
            assertThat(told.has(spec.container())).isFalse();

            Host.PROCESSES.signal(process.monitorPid(), ticks, Signal.parse("CONT"));

            assertThat(told.await(spec.container()).code()).isEqualTo(7);
            assertThat(told.await(spec.container()).inferred()).isFalse();
        } finally {
            driver.delete(spec.container());
            driver.forget(spec.container());
            driver.close();
        }
    }

    @Test
    void whatWasLetRunByAnAgentThatDiedBeforeItSaidSoRunsSinceThen() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        Instant said = runtime.survey().get(0).startedAt().orElseThrow();
        Files.delete(new Places(base.resolve("exec"), base.resolve("data"))
                .bundle(container)
                .resolve("started"));
        Thread.sleep(50);

        restart();

        assertThat(runtime.survey().get(0).startedAt().orElseThrow())
                .isBetween(said.minusSeconds(1), said.plusMillis(10));
    }

    private static void awaitDeath(InitProcess process) throws Exception {
        CompletableFuture<Boolean> dead = new CompletableFuture<>();
        try (Processes.Watch ignored =
                Host.PROCESSES.watch(process.pid(), process.startTicks(), () -> dead.complete(true))) {
            dead.get(30, TimeUnit.SECONDS);
        }
    }

    @Test
    void anAgentThatDiedBetweenMakingAndNotingLeavesNothingUnknown() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60"));
        InitProcess process = runtime.create(spec);
        forgetWhoItWas(spec.container());
        restart();

        assertThat(runtime.survey()).singleElement().satisfies(found -> {
            assertThat(found.process()).contains(process);
            assertThat(found.started()).isFalse();
        });
        assertThat(runtime.create(spec)).isEqualTo(process);
        runtime.start(spec.container());
        RecordingExits late = new RecordingExits();
        try (AutoCloseable ignored = runtime.exits(late)) {
            runtime.signal(spec.container(), Signal.KILL);
            assertThat(late.await(spec.container()).code()).isEqualTo(137);
        }
    }

    @Test
    void whatAnAgentThatDiedHalfwayLeftIsTakenDown() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60"));
        InitProcess process = runtime.create(spec);
        forgetWhoItWas(spec.container());
        restart();

        runtime.delete(spec.container());

        assertThat(runtime.survey()).isEmpty();
        assertThat(Host.PROCESSES.startTicks(process.pid())).isEmpty();
        assertThat(Host.PROCESSES.startTicks(process.monitorPid())).isEmpty();
    }

    @Test
    void processesOfAnEmptiedExecRootAreEndedBeforeTheirContainerRunsAgain() throws Exception {
        RuntimeSpec spec = register(shell("sleep 60"));
        InitProcess lost = runtime.create(spec);
        runtime.start(spec.container());
        Host.FILES.removeTree(base.resolve("exec"));
        restart();
        assertThat(runtime.survey()).isEmpty();
        InitProcess next = runtime.create(spec);
        assertThat(Host.PROCESSES.startTicks(lost.pid())).isEmpty();

        Host.FILES.removeTree(new Places(base.resolve("exec"), base.resolve("data")).bundle(spec.container()));
        restart();
        InitProcess last = runtime.create(spec);
        assertThat(Host.PROCESSES.startTicks(next.pid())).isEmpty();

        Host.FILES.removeTree(base.resolve("exec"));
        restart();
        runtime.delete(spec.container());
        assertThat(Host.PROCESSES.startTicks(last.pid())).isEmpty();
    }

    /** The note as it is while a process is being made. */
    private void forgetWhoItWas(ContainerId container) throws IOException {
        Path bundle = new Places(base.resolve("exec"), base.resolve("data")).bundle(container);
        Note.read(bundle).orElseThrow().with(new InitProcess(0, 0, 0), 0).begin(bundle);
    }

    @Test
    void severalDriversWorkSideBySide() throws Exception {
        Path other = Files.createTempDirectory("wharf-runtime-");
        OciDriver second = new OciDriver(
                Host.PROCESSES,
                Host.DESCRIPTORS,
                Host.FILES,
                Host.FILTERS,
                other.resolve("exec"),
                other.resolve("data"),
                settings());
        RecordingExits theirs = new RecordingExits();
        RuntimeSpec spec = shell("exit 21").build();
        try (AutoCloseable ignored = second.exits(theirs)) {
            ContainerId ours = run(shell("exit 20"));
            second.create(spec);
            second.start(spec.container());

            assertThat(exits.await(ours).code()).isEqualTo(20);
            assertThat(theirs.await(spec.container()).code()).isEqualTo(21);
            assertThat(exits.has(spec.container())).isFalse();
            assertThat(runtime.survey()).hasSize(1);
        } finally {
            second.delete(spec.container());
            second.close();
            Host.FILES.removeTree(other);
        }
    }

    @Test
    void manyContainersComeAndGoAtOnceAndLeaveNothing() throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(8);
        try {
            List<Future<Integer>> codes = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                int code = i;
                codes.add(pool.submit(() -> {
                    RuntimeSpec spec = shell("echo " + code + "; exit " + code).build();
                    RecordingSink sink = new RecordingSink();
                    try (Attachment ignored = attach(spec.container(), sink)) {
                        runtime.create(spec);
                        runtime.start(spec.container());
                        assertThat(sink.awaitClosed()).isTrue();
                        assertThat(sink.out()).isEqualTo(code + "\n");
                    }
                    int told = exits.await(spec.container()).code();
                    runtime.delete(spec.container());
                    runtime.forget(spec.container());
                    return told;
                }));
            }
            for (int i = 0; i < codes.size(); i++) {
                assertThat(codes.get(i).get()).isEqualTo(i);
            }
        } finally {
            pool.shutdown();
        }
        assertThat(runtime.survey()).isEmpty();
        try (Stream<Path> left = Files.list(base.resolve("exec/containers"))) {
            assertThat(left).isEmpty();
        }
        try (Stream<Path> left = Files.list(base.resolve("data/containers"))) {
            assertThat(left).isEmpty();
        }
    }

    @Test
    void aCgroupIsGoneWithItsContainer() throws Exception {
        ContainerId container = run(shell("sleep 60"));
        Cgroups cgroups = Cgroups.read();
        assertThat(cgroups.processes("/wharf/" + container)).isNotEmpty();

        runtime.delete(container);

        cgroups.controllers()
                .values()
                .forEach(root -> assertThat(root.resolve("wharf/" + container)).doesNotExist());
    }
}
