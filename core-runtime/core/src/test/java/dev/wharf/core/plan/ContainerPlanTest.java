package dev.wharf.core.plan;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.PROCESS;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.grant;
import static dev.wharf.core.Given.memory;
import static dev.wharf.core.Given.place;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.volume;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.MountSpec;
import dev.wharf.model.PullId;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy.Kind;
import dev.wharf.model.Signal;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import dev.wharf.spi.network.Endpoint;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ContainerPlanTest {
    private static final EndpointSpec PLACE = place(BRIDGE, "172.17.0.2");
    private static final String ENDPOINT = "endpoint:" + BRIDGE.value();

    private static Proposal next(Host host, String... busy) {
        return next(host, T0, busy);
    }

    private static Proposal next(Host host, Instant now, String... busy) {
        return Plan.of(WEB).next(host, now, Set.of(busy));
    }

    /** The rungs worked on next, in the plan's order. */
    private static List<String> rungs(Proposal proposal) {
        return proposal.steps().stream().map(Step::rung).toList();
    }

    private static Host running() {
        return after(furnished(created(WEB, "web", spec().make())), run(WEB, 1, T0, PLACE));
    }

    private static final Event ROOTFS =
            new ContainerEvent.RootfsPrepared(WEB, new Snapshot(SnapshotKey.of(WEB), SnapshotKey.SCRATCH, false));
    private static final Event MOUNT = new ContainerEvent.RootfsMounted(WEB, Path.of("/run/rootfs"));
    private static final Event SANDBOX =
            new ContainerEvent.SandboxCreated(WEB, new Sandbox(SandboxKey.of(WEB), Path.of("/run/netns")));
    private static final Event JOINED = new ContainerEvent.EndpointAttached(
            WEB, new Endpoint(PLACE.id(), BRIDGE, PLACE.hostInterface(), PLACE.mac()));
    private static final Event MADE =
            new ContainerEvent.ProcessCreated(WEB, PROCESS, 1, Optional.of(Resources.UNLIMITED));

    // ---- what it is told

    @Test
    void theHostsGatewayIsWhatTheOperatorNamesAndElseItsAddressOnTheNetwork() {
        ContainerSpec.Networking plain = spec().make().networking();
        ContainerSpec spec = spec().make()
                .withNetworking(new ContainerSpec.Networking(
                        plain.sandbox(),
                        plain.networks(),
                        List.of(),
                        List.of(),
                        false,
                        List.of(),
                        List.of(),
                        List.of(),
                        List.of("pier:host-gateway"),
                        List.of(),
                        ""));
        Host host = furnished(created(WEB, "web", spec));
        Host named = after(host, new HostEvent.Addressed(List.of("192.0.2.10", "2001:db8::10")));
        String own = host.network(BRIDGE).orElseThrow().spec().pools().get(0).gateway();

        assertThat(piers(host)).containsExactly(own);
        assertThat(piers(named)).containsExactly("192.0.2.10", "2001:db8::10");
        assertThat(piers(after(named, new HostEvent.Addressed(List.of())))).containsExactly(own);
    }

    private static List<String> piers(Host host) {
        return RuntimeSpecs.whereabouts(host, host.container(WEB).orElseThrow()).hosts().stream()
                .filter(line -> line.names().contains("pier"))
                .map(line -> line.address())
                .toList();
    }

    // ---- up

    @Test
    void aStartTakesHoldOfWhatHasItsFootingSideBySide() {
        Host host =
                furnished(created(WEB, "web", spec().make()), new ContainerEvent.StartRequested(WEB, List.of(PLACE)));
        assertThat(rungs(next(host))).containsExactly("rootfs", "sandbox");
        assertThat(rungs(next(after(host, ROOTFS), "sandbox"))).containsExactly("mount");
        assertThat(rungs(next(after(host, ROOTFS, SANDBOX)))).containsExactly("mount", ENDPOINT);
        assertThat(rungs(next(after(host, ROOTFS, SANDBOX, MOUNT)))).containsExactly(ENDPOINT, "created");
        assertThat(rungs(next(after(host, ROOTFS, SANDBOX, MOUNT, MADE), ENDPOINT)))
                .as("it is let go only when it is on its networks")
                .isEmpty();
        assertThat(rungs(next(after(host, ROOTFS, SANDBOX, MOUNT, MADE, JOINED))))
                .containsExactly("running");
        assertThat(next(running()).rests()).isTrue();
    }

    @Test
    void aContainerOfTheHostsNetworkNeedsNoSandbox() {
        Host host = furnished(
                created(WEB, "web", spec().in(ContainerSpec.Namespace.HOST).make()),
                new ContainerEvent.StartRequested(WEB, List.of()),
                ROOTFS,
                MOUNT);
        assertThat(rungs(next(host))).containsExactly("created");
    }

    @Test
    void aProcessWaitsForItsVolumes() {
        MountSpec data = new MountSpec(MountSpec.Kind.VOLUME, "data", "/data", false, false, Map.of());
        Host host = furnished(
                volume("data"),
                created(WEB, "web", spec().mounts(data).make()),
                new ContainerEvent.StartRequested(WEB, List.of()),
                ROOTFS,
                MOUNT,
                SANDBOX);
        assertThat(rungs(next(host))).isEmpty();
        Host ready = after(host, new VolumeEvent.Ready(new VolumeName("data"), Path.of("/volumes/data")));
        assertThat(rungs(next(ready))).containsExactly("created");
        Host gone = after(host, new VolumeEvent.Removed(new VolumeName("data")));
        assertThat(next(gone).says()).singleElement().isInstanceOf(ContainerEvent.Failed.class);
    }

    @Test
    void aSandboxInWhichADeviceWasLeftIsMadeAnewForTheNextStart() {
        Host host = after(
                grant(
                        furnished(
                                created(WEB, "web", spec().make()),
                                new ContainerEvent.StartRequested(WEB, List.of(PLACE)),
                                ROOTFS,
                                MOUNT,
                                SANDBOX,
                                JOINED),
                        new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()),
                        T0),
                new ContainerEvent.EndpointDetached(WEB, BRIDGE, true),
                new ContainerEvent.StartRequested(WEB, List.of(PLACE)));
        assertThat(next(host, ENDPOINT).steps())
                .as("what is done in it right now is waited for")
                .isEmpty();
        assertThat(next(host).steps()).singleElement().isEqualTo(new ContainerStep.CreateSandbox(WEB, true));
        assertThat(rungs(next(after(host, SANDBOX)))).containsExactly(ENDPOINT, "created");
    }

    @Test
    void aProcessComesIntoNoSandboxThatADeviceIsBeingLeftTo() {
        Host host = furnished(
                created(WEB, "web", spec().make()),
                new ContainerEvent.StartRequested(WEB, List.of(PLACE)),
                ROOTFS,
                MOUNT,
                SANDBOX,
                JOINED);
        assertThat(rungs(next(host))).containsExactly("created");
        assertThat(rungs(next(host, ENDPOINT)))
                .as("it may come back without what was in it")
                .isEmpty();
    }

    @Test
    void aSandboxIsMadeAnewOnlyWhenTheProcessOfAnOlderStartIsGone() {
        Host stopped = grant(
                furnished(
                        created(WEB, "web", spec().make()),
                        new ContainerEvent.StartRequested(WEB, List.of(PLACE)),
                        ROOTFS,
                        MOUNT,
                        SANDBOX,
                        JOINED),
                new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()),
                T0);
        assertThat(next(stopped, "created").steps())
                .as("a device is taken out of a sandbox into which a process comes")
                .singleElement()
                .isInstanceOfSatisfying(
                        ContainerStep.DetachEndpoint.class,
                        detach -> assertThat(detach.inhabited()).isTrue());
        Host again = after(
                stopped,
                new ContainerEvent.EndpointDetached(WEB, BRIDGE, true),
                new ContainerEvent.StartRequested(WEB, List.of(PLACE)));
        assertThat(next(again, "created").steps()).isEmpty();
        Host made = after(again, MADE);
        assertThat(rungs(next(made))).containsExactly("remains");
        assertThat(next(after(made, new ContainerEvent.ProcessDeleted(WEB))).steps())
                .singleElement()
                .isEqualTo(new ContainerStep.CreateSandbox(WEB, true));
    }

    @Test
    void aNetworkThatDoesNotComeFailsTheFirstStartButNotAReturn() {
        Event bad = new NetworkEvent.Stalled(
                BRIDGE, new Stall("device", new Failure(Failure.Kind.EXISTS, "taken"), T0.plusSeconds(3), 5));
        Event soon = new NetworkEvent.Stalled(
                BRIDGE, new Stall("device", new Failure(Failure.Kind.EXISTS, "taken"), T0.plusSeconds(3), 4));
        Host host = furnished(
                created(WEB, "web", spec().restart(Kind.ALWAYS, 0).make()),
                new ContainerEvent.StartRequested(WEB, List.of(PLACE)),
                ROOTFS,
                MOUNT,
                SANDBOX);
        assertThat(next(after(host, soon)).says()).isEmpty();
        assertThat(next(after(host, bad)).says())
                .singleElement()
                .isInstanceOfSatisfying(
                        ContainerEvent.Failed.class,
                        f -> assertThat(f.failure().message()).isEqualTo("network bridge is not there: taken"));
        Host again = after(
                furnished(created(WEB, "web", spec().restart(Kind.ALWAYS, 0).make())), run(WEB, 1, T0, PLACE));
        again = after(again, exited(WEB, 1, T0), new ContainerEvent.ProcessDeleted(WEB), bad);
        assertThat(next(again, T0.plusMillis(100)).says()).isEmpty();
    }

    @Test
    void whatStandsOnALayerThatWasLostWaitsUntilItIsUnpackedAnew() {
        Host lost = after(onLayer(ROOTFS), new LayerEvent.Observed(LAYER.id(), "snapshot", false));
        Host unmade = after(lost, new ContainerEvent.Observed(WEB, "rootfs", false));
        assertThat(next(unmade)).isEqualTo(Proposal.AWAIT);
        assertThat(rungs(next(after(unmade, UNPACKED)))).containsExactly("rootfs");
        Host started = after(lost, new ContainerEvent.StartRequested(WEB, List.of()));
        assertThat(rungs(next(started))).containsExactly("sandbox");
        assertThat(rungs(next(after(started, UNPACKED)))).containsExactly("mount", "sandbox");

        Event hopeless = new LayerEvent.Stalled(
                LAYER.id(), new Stall("content", new Failure(Failure.Kind.MISSING, "no blob"), T0.plusSeconds(3), 5));
        assertThat(next(after(unmade, hopeless)).says())
                .as("nobody waits for it")
                .isEmpty();
        assertThat(next(after(started, hopeless, SANDBOX)).says())
                .singleElement()
                .isInstanceOfSatisfying(
                        ContainerEvent.Failed.class,
                        f -> assertThat(f.failure().message()).endsWith(" of its image is not there: no blob"));
        assertThat(next(after(onLayer(), new LayerEvent.Observed(LAYER.id(), "snapshot", false), hopeless))
                        .says())
                .as("whoever creates one is told")
                .hasSize(1);
    }

    @Test
    void aRootFileSystemThatWasLostIsPreparedAnewWithPatienceAndItsContainerStays() {
        Host lost = after(onLayer(ROOTFS), new ContainerEvent.Observed(WEB, "rootfs", false));
        Step again = next(lost).steps().get(0);

        Event failed = again.failed(new Failure(Failure.Kind.FAILED, "disk full"), T0);

        Host stalled = after(lost, failed);
        assertThat(next(stalled).steps()).isEmpty();
        assertThat(next(stalled).wakeAt()).contains(T0.plusMillis(100));
        assertThat(rungs(next(stalled, T0.plusMillis(100)))).containsExactly("rootfs");
    }

    @Test
    void aPlaceThatWasTakenFromWhatRunsIsMadeAnewWithPatienceAndOneThatIsNewIsNot() {
        Host lost = after(running(), new ContainerEvent.Observed(WEB, ENDPOINT, false));
        Failure gone = new Failure(Failure.Kind.MISSING, "no such bridge");

        Host stalled = after(lost, next(lost).steps().get(0).failed(gone, T0));

        assertThat(Given.the(stalled, WEB).places().get(BRIDGE).wanted()).isTrue();
        assertThat(next(stalled).wakeAt()).contains(T0.plusMillis(100));
        assertThat(rungs(next(stalled, T0.plusMillis(100)))).containsExactly(ENDPOINT);
        Host joining = after(
                running(),
                new ContainerEvent.EndpointDetached(WEB, BRIDGE),
                new ContainerEvent.ConnectRequested(WEB, PLACE));
        Host refused = after(joining, next(joining).steps().get(0).failed(gone, T0));
        assertThat(Given.the(refused, WEB).places().get(BRIDGE).wanted())
                .as("whoever connects it is told")
                .isFalse();
    }

    @Test
    void aContainerWhoseFirstRootFileSystemFailsIsGone() {
        Step first = next(onLayer()).steps().get(0);
        Host failed = after(onLayer(), first.failed(new Failure(Failure.Kind.FAILED, "disk full"), T0));
        assertThat(Given.the(failed, WEB).goal()).isEqualTo(Goal.REMOVED);
    }

    private static final LayerSpec LAYER = new LayerSpec(
            new LayerId(Digest.sha256("layer")),
            Optional.empty(),
            new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("blob"), 10),
            Digest.sha256("tar"));
    private static final Event UNPACKED =
            new LayerEvent.Unpacked(LAYER.id(), new Snapshot(SnapshotKey.of(LAYER.id()), SnapshotKey.SCRATCH, true), 7);

    private static Host onLayer(Event... events) {
        Host host = furnished(
                new LayerEvent.Wanted(LAYER, new PullId("1".repeat(32)), "", Given.OVERLAY),
                new LayerEvent.Fetched(LAYER.id(), LAYER.descriptor()),
                UNPACKED,
                new ContainerEvent.Created(WEB, "web", spec().make(), Optional.of(LAYER.id()), T0));
        return after(host, events);
    }

    @Test
    void aPlaceOnANetworkThatIsGoneFailsTheStart() {
        EndpointSpec lost = place(dev.wharf.core.Given.network("lost"), "10.0.0.2");
        Host host = furnished(
                created(WEB, "web", spec().make()),
                new ContainerEvent.StartRequested(WEB, List.of(lost)),
                ROOTFS,
                MOUNT,
                SANDBOX);
        assertThat(next(host).says())
                .singleElement()
                .isInstanceOfSatisfying(
                        ContainerEvent.Failed.class,
                        f -> assertThat(f.failure().kind()).isEqualTo(Failure.Kind.MISSING));
    }

    @Test
    void whoJoinsAnothersNetworkWaitsWhileThatIsOnItsWay() {
        Host host = furnished(
                created(DB, "db", spec().make()),
                created(WEB, "web", spec().in(ContainerSpec.Namespace.of(DB)).make()),
                new ContainerEvent.StartRequested(DB, List.of()),
                new ContainerEvent.StartRequested(WEB, List.of()),
                ROOTFS,
                MOUNT);
        assertThat(next(host).steps()).isEmpty();
        assertThat(next(host).says()).isEmpty();
        Host stopped = grant(host, new ContainerCommand.Stop(DB, Optional.empty(), Optional.empty()), T0);
        assertThat(next(stopped).says()).singleElement().isInstanceOf(ContainerEvent.Failed.class);
    }

    // ---- down

    @Test
    void aStopSignalsFirstAndKillsAfterTheGrace() {
        Host host = grant(
                running(), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.of(Duration.ofSeconds(3))), T0);
        assertThat(next(host).steps())
                .singleElement()
                .isEqualTo(new ContainerStep.StopProcess(WEB, dev.wharf.core.Given.RUNTIME, Signal.TERM, 0));
        host = after(host, new ContainerEvent.Signaled(WEB, Signal.TERM, false));
        assertThat(next(host).wakeAt()).contains(T0.plusSeconds(3));
        assertThat(next(host, T0.plusSeconds(3)).steps())
                .singleElement()
                .isEqualTo(new ContainerStep.StopProcess(WEB, dev.wharf.core.Given.RUNTIME, Signal.KILL, 0));
        host = after(host, new ContainerEvent.Signaled(WEB, Signal.KILL, false));
        assertThat(next(host, T0.plusSeconds(9)).steps()).isEmpty();
    }

    @Test
    void nothingGoesWhileTheProcessLives() {
        Host host = grant(running(), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0);
        assertThat(rungs(next(host))).containsExactly("running");
        assertThat(rungs(next(host, "running"))).isEmpty();
    }

    @Test
    void afterTheEndEverythingButTheDiskIsLetGo() {
        Host host = after(
                grant(running(), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0),
                exited(WEB, 0, T0));
        assertThat(rungs(next(host))).containsExactlyInAnyOrder("mount", ENDPOINT, "remains");
        host = after(
                host,
                new ContainerEvent.EndpointDetached(WEB, BRIDGE),
                new ContainerEvent.RootfsUnmounted(WEB),
                new ContainerEvent.ProcessDeleted(WEB));
        assertThat(rungs(next(host))).containsExactly("sandbox");
        host = after(host, new ContainerEvent.SandboxRemoved(WEB));
        assertThat(next(host).rests()).isTrue();
    }

    @Test
    void aPausedContainerIsThawedBeforeItIsKilled() {
        Host host = after(running(), new ContainerEvent.PauseRequested(WEB), new ContainerEvent.Frozen(WEB, T0));
        assertThat(next(host).rests()).isTrue();
        host = grant(host, new ContainerCommand.Remove(WEB, true, false), T0);
        assertThat(rungs(next(host))).containsExactly("frozen");
        host = after(host, new ContainerEvent.Thawed(WEB));
        assertThat(next(host).steps())
                .singleElement()
                .isEqualTo(new ContainerStep.StopProcess(WEB, dev.wharf.core.Given.RUNTIME, Signal.KILL, 0));
    }

    @Test
    void removalDoesNotWaitForTheGraceOfAnEarlierStop() {
        Host host = grant(
                running(), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.of(Duration.ofHours(1))), T0);
        host = after(host, new ContainerEvent.Signaled(WEB, Signal.TERM, false));
        host = grant(host, new ContainerCommand.Remove(WEB, true, false), T0);
        assertThat(next(host).steps())
                .singleElement()
                .isEqualTo(new ContainerStep.StopProcess(WEB, dev.wharf.core.Given.RUNTIME, Signal.KILL, 0));
        Host again = grant(host, new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0);
        assertThat(next(again).steps()).isEqualTo(next(host).steps());
    }

    @Test
    void theLastWordIsSaidWhenNothingIsHeldAndVolumesOfItsOwnAreGone() {
        VolumeName mine = new VolumeName("own");
        MountSpec own = new MountSpec(MountSpec.Kind.VOLUME, "own", "/data", false, false, Map.of("anonymous", ""));
        MountSpec named = new MountSpec(MountSpec.Kind.VOLUME, "named", "/x", false, false, Map.of());
        Host host = furnished(
                volume("own"),
                volume("named"),
                created(WEB, "web", spec().mounts(own, named).make()));
        host = grant(host, new ContainerCommand.Remove(WEB, false, true), T0);
        assertThat(next(host).says()).containsExactly(new VolumeEvent.RemoveRequested(mine));
        assertThat(next(host, "rootfs").says())
                .as("not while a step is under way")
                .isEmpty();
        host = after(host, new VolumeEvent.RemoveRequested(mine));
        assertThat(next(host)).isEqualTo(Proposal.AWAIT);
        Stall busy = new Stall("path", new Failure(Failure.Kind.BUSY, "in use"), T0.plusSeconds(1), 1);
        assertThat(next(after(host, new VolumeEvent.Stalled(mine, busy))).says())
                .as("what cannot go yet is not waited for")
                .containsExactly(new ContainerEvent.Removed(WEB));
        assertThat(next(after(host, new VolumeEvent.Removed(mine))).says())
                .containsExactly(new ContainerEvent.Removed(WEB));
    }

    // ---- again, and in doubt

    @Test
    void aRestartWaitsForItsTimeAndKeepsItsNetwork() {
        Host host = after(
                furnished(created(WEB, "web", spec().restart(Kind.ALWAYS, 0).make())), run(WEB, 1, T0, PLACE));
        host = after(host, exited(WEB, 1, T0));
        assertThat(rungs(next(host))).containsExactly("remains");
        assertThat(next(host).wakeAt()).contains(T0.plusMillis(100));
        host = after(host, new ContainerEvent.ProcessDeleted(WEB));
        assertThat(rungs(next(host))).isEmpty();
        assertThat(rungs(next(host, T0.plusMillis(100)))).containsExactly("created");
    }

    @Test
    void aDoubtfulRungIsMadeSureOrLetGo() {
        Host host = after(running(), new ContainerEvent.Observed(WEB, ENDPOINT, false));
        assertThat(rungs(next(host))).containsExactly(ENDPOINT);
        Host stalled = after(
                grant(running(), new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0),
                exited(WEB, 0, T0),
                new ContainerEvent.Stalled(
                        WEB, new Stall("mount", new Failure(Failure.Kind.BUSY, "in use"), T0.plusSeconds(1), 1)));
        assertThat(next(stalled).steps()).isEmpty();
        assertThat(next(stalled).wakeAt()).contains(T0.plusSeconds(1));
        assertThat(rungs(next(stalled, T0.plusSeconds(1)))).contains("mount");
    }

    @Test
    void newLimitsAreSetWhereItRunsAndOldOnesPutBackWhenThatFails() {
        Host host = grant(running(), new ContainerCommand.Update(WEB, memory(1 << 20), Optional.empty()), T0);
        assertThat(next(host).steps()).singleElement().isInstanceOf(ContainerStep.Limit.class);
        Host failed = after(
                host, new ContainerEvent.Failed(WEB, "limits", new Failure(Failure.Kind.FAILED, "invalid argument")));
        assertThat(failed.container(WEB).orElseThrow().spec().resources())
                .isEqualTo(spec().make().resources());
        assertThat(next(failed).steps())
                .singleElement()
                .isInstanceOfSatisfying(
                        ContainerStep.RestoreLimits.class,
                        s -> assertThat(s.resources()).isEqualTo(spec().make().resources()));
        assertThat(next(after(
                                failed,
                                new ContainerEvent.Limited(WEB, spec().make().resources())))
                        .rests())
                .isTrue();
    }

    @Test
    void limitsThatNobodyIsSureOfAreSetOnceMore() {
        Host adopted = after(
                running(),
                new ContainerEvent.ProcessCreated(WEB, PROCESS, 1, Optional.empty()),
                dev.wharf.core.Given.started(WEB, T0));
        assertThat(next(adopted).steps()).singleElement().isInstanceOf(ContainerStep.Limit.class);
        Host made = furnished(created(WEB, "web", spec().make()), new ContainerEvent.StartRequested(WEB, List.of()));
        made = grant(made, new ContainerCommand.Update(WEB, memory(3), Optional.empty()), T0);
        made = after(
                made,
                ROOTFS,
                MOUNT,
                SANDBOX,
                new ContainerEvent.ProcessCreated(WEB, PROCESS, 1, Optional.of(memory(3))));
        made = grant(made, new ContainerCommand.Update(WEB, Resources.UNLIMITED, Optional.empty()), T0);
        made = after(made, dev.wharf.core.Given.started(WEB, T0));
        assertThat(next(made).steps())
                .as("what it was made with is not what is wanted now")
                .singleElement()
                .isInstanceOf(ContainerStep.Limit.class);
    }

    @Test
    void limitsThatAreNoLongerWantedDoNotHoldUpTheEnd() {
        Host host = grant(running(), new ContainerCommand.Update(WEB, memory(1 << 20), Optional.empty()), T0);
        host = grant(host, new ContainerCommand.Remove(WEB, true, false), T0);
        host = after(
                host,
                new ContainerEvent.Stalled(
                        WEB, new Stall("running", new Failure(Failure.Kind.UNAVAILABLE, "no driver"), T0, 1)));
        assertThat(rungs(next(host))).containsExactly("running");
    }

    @Test
    void aProcessThatIsBeingMadeIsKnownBeforeItIsDeleted() {
        Host host = furnished(
                created(WEB, "web", spec().make()),
                new ContainerEvent.StartRequested(WEB, List.of()),
                ROOTFS,
                MOUNT,
                SANDBOX,
                MADE);
        host = grant(host, new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0);
        assertThat(rungs(next(host, "running"))).isEmpty();
        assertThat(rungs(next(host))).contains("remains");
    }

    @Test
    void nobodyWhoIsUnknownHasAnythingToDo() {
        assertThat(Plan.of(DB).next(Host.EMPTY, T0, Set.of()).rests()).isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "exec: \"/etc\": Permission denied, 126",
        "exec: \"/etc\": is a directory, 126",
        "exec: \"no-such\": executable file not found in $PATH, 127",
        "exec: \"/no/such\": stat /no/such: no such file or directory, 127",
        "Cwd must be an absolute path, 128"
    })
    void aCommandThatCannotBeRunEndsWithTheCodeThatSaysWhy(String message, int code) {
        ExecId exec = new ExecId(Digest.sha256("exec").hex());
        ExecSpec spec = new ExecSpec(List.of("true"), List.of(), "", "/", false, false, false, true, true, "");

        assertThat(new ContainerStep.RunExec(WEB, new DriverName("crun"), exec, spec)
                        .failed(new Failure(Failure.Kind.INVALID, message), T0))
                .isEqualTo(new ContainerEvent.ExecExited(WEB, exec, code, message));
    }

    @Test
    void stalledStepsWaitLongerAndLonger() {
        assertThat(BackOff.after(0)).isEqualTo(Duration.ofMillis(100));
        assertThat(BackOff.after(3)).isEqualTo(Duration.ofMillis(800));
        assertThat(BackOff.after(60)).isEqualTo(Duration.ofSeconds(30));
        assertThat(BackOff.after(Integer.MAX_VALUE)).isEqualTo(Duration.ofSeconds(30));
    }
}
