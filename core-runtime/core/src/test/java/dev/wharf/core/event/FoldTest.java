package dev.wharf.core.event;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.IMAGE;
import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.PROCESS;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.host;
import static dev.wharf.core.Given.place;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.stored;
import static dev.wharf.core.Given.the;
import static dev.wharf.core.Given.volume;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Pull;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.PullId;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Driver.Format;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What each family of events makes of a host. */
class FoldTest {
    private static final PullId PULL = new PullId("1".repeat(32));
    private static final Descriptor BLOB = new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("blob"), 7);
    private static final LayerSpec LAYER =
            new LayerSpec(new LayerId(Digest.sha256("chain")), Optional.empty(), BLOB, Digest.sha256("diff"));
    private static final Failure WHY = new Failure(Failure.Kind.BUSY, "in use");
    private static final Stall STALL = new Stall("snapshot", WHY, T0, 1);

    // ---- containers

    @Test
    void eventsOutliveTheirSubjects() {
        Host host = after(
                furnished(),
                exited(WEB, 1, T0),
                new ContainerEvent.Frozen(WEB, T0),
                new ContainerEvent.Removed(WEB),
                new LayerEvent.Removed(LAYER.id()),
                new NetworkEvent.DeviceRemoved(new dev.wharf.model.NetworkId("f".repeat(64))),
                new VolumeEvent.Emptied(new VolumeName("gone")),
                new ImageEvent.Untagged(new ImageId(Digest.sha256("gone")), "x"));
        assertThat(host).isEqualTo(furnished());
    }

    @Test
    void aRunTakesAndAnEndGivesBack() {
        Host host = after(furnished(created(WEB, "web", spec().make())), run(WEB, 1, T0, place(BRIDGE, "172.17.0.2")));
        Container web = the(host, WEB);
        assertThat(web.isRunning()).isTrue();
        assertThat(web.process().value().orElseThrow().init()).isEqualTo(PROCESS);
        assertThat(host.leases(BRIDGE).holder("172.17.0.2")).contains(WEB);
        assertThat(host.usersOf(BRIDGE)).hasSize(1);
        host = after(host, exited(WEB, 7, T0.plusSeconds(1)));
        assertThat(the(host, WEB).goal()).isEqualTo(Goal.STOPPED);
        assertThat(the(host, WEB).exit().orElseThrow().code()).isEqualTo(7);
        host = after(host, new ContainerEvent.EndpointDetached(WEB, BRIDGE));
        assertThat(host.leases(BRIDGE).holder("172.17.0.2")).isEmpty();
        assertThat(host.usersOf(BRIDGE)).isEmpty();
    }

    @Test
    void aStartThatFailsLeavesAContainerAsItWas() {
        Failure why = new Failure(Failure.Kind.MISSING, "executable file not found");
        Host never = after(
                furnished(created(WEB, "web", spec().make())),
                new ContainerEvent.StartRequested(WEB, List.of()),
                new ContainerEvent.Failed(WEB, "created", why));
        assertThat(the(never, WEB).goal()).isEqualTo(Goal.CREATED);
        assertThat(the(never, WEB).failure()).contains(why);
        assertThat(the(never, WEB).process().isDoubtful()).isTrue();
        Host fleeting = after(
                furnished(created(WEB, "web", spec().autoRemove().make())),
                new ContainerEvent.StartRequested(WEB, List.of()),
                new ContainerEvent.Failed(WEB, "created", why));
        assertThat(the(fleeting, WEB).goal()).isEqualTo(Goal.REMOVED);
    }

    @Test
    void aPlaceThatIsNoLongerWantedIsKeptUntilItIsLetGo() {
        Host host = after(
                furnished(created(WEB, "web", spec().make())),
                new ContainerEvent.StartRequested(WEB, List.of(place(BRIDGE, "172.17.0.2"))),
                new ContainerEvent.StartRequested(WEB, List.of()),
                new ContainerEvent.EndpointAttached(
                        WEB, new dev.wharf.spi.network.Endpoint("id", BRIDGE, "veth0", "")));
        assertThat(the(host, WEB).places().get(BRIDGE).wanted()).isFalse();
        assertThat(the(host, WEB).places().get(BRIDGE).fact().isPresent()).isTrue();
    }

    @Test
    void aContainerThatCannotBeMadeIsNotKept() {
        Host host = after(furnished(created(WEB, "web", spec().make())), new ContainerEvent.Failed(WEB, "rootfs", WHY));
        assertThat(the(host, WEB).goal()).isEqualTo(Goal.REMOVED);
    }

    @Test
    void doubtKeepsTheLastValueForWhoeverHasToUndoIt() {
        Host host = after(furnished(created(WEB, "web", spec().make())), run(WEB, 1, T0));
        host = after(host, new ContainerEvent.Stalled(WEB, new Stall("mount", WHY, T0, 1)));
        assertThat(the(host, WEB).mount().isDoubtful()).isTrue();
        assertThat(the(host, WEB).mount().last()).contains(Path.of("/run/rootfs"));
        assertThat(the(host, WEB).mount().value()).isEmpty();
    }

    @Test
    void execsAreFoundByTheirOwnNameAndForgottenInTime() {
        Host host = after(furnished(created(WEB, "web", spec().make())), run(WEB, 1, T0));
        ExecSpec spec = new ExecSpec(List.of("true"), List.of(), "", "/", false, false, false, true, true, "");
        for (int i = 0; i < 200; i++) {
            ExecId exec = new ExecId(Digest.sha256("exec" + i).hex());
            host = after(
                    host,
                    new ContainerEvent.ExecCreated(WEB, exec, spec),
                    new ContainerEvent.ExecStarted(WEB, exec, 10 + i));
            if (i != 0) {
                host = after(host, new ContainerEvent.ExecExited(WEB, exec, i));
            }
        }
        ExecId first = new ExecId(Digest.sha256("exec0").hex());
        ExecId second = new ExecId(Digest.sha256("exec1").hex());
        ExecId last = new ExecId(Digest.sha256("exec199").hex());
        assertThat(the(host, WEB).execs().get(first).isRunning())
                .as("what runs is kept")
                .isTrue();
        assertThat(host.containerOf(second)).as("what ended long ago is not").isEmpty();
        assertThat(the(host, WEB).execs().get(last).exitCode()).contains(199);
        assertThat(the(host, WEB).execs().size()).isLessThan(80);
        host = after(host, exited(WEB, 0, T0));
        assertThat(the(host, WEB).execs().get(first).exitCode())
                .as("dies with its container")
                .contains(137);
        host = after(host, run(WEB, 2, T0));
        assertThat(the(host, WEB).execs()).as("a new run begins with none").isEmpty();
        assertThat(host.containerOf(last)).isEmpty();
    }

    @Test
    void preparedExecsThatNobodyRunsDoNotPileUp() {
        Host host = after(furnished(created(WEB, "web", spec().make())), run(WEB, 1, T0));
        ExecSpec spec = new ExecSpec(List.of("true"), List.of(), "", "/", false, false, false, true, true, "");
        for (int i = 0; i < 1000; i++) {
            host = after(
                    host,
                    new ContainerEvent.ExecCreated(
                            WEB, new ExecId(Digest.sha256("e" + i).hex()), spec));
        }
        assertThat(the(host, WEB).execs().size()).isLessThan(300);
    }

    @Test
    void execsWithLongCommandsAreForgottenSooner() {
        Host host = after(furnished(created(WEB, "web", spec().make())), run(WEB, 1, T0));
        ExecSpec spec = new ExecSpec(
                List.of("sh", "-c", "x".repeat(100_000)), List.of(), "", "/", false, false, false, true, true, "");
        for (int i = 0; i < 60; i++) {
            ExecId exec = new ExecId(Digest.sha256("exec" + i).hex());
            host = after(
                    host,
                    new ContainerEvent.ExecCreated(WEB, exec, spec),
                    new ContainerEvent.ExecStarted(WEB, exec, 10 + i),
                    new ContainerEvent.ExecExited(WEB, exec, i));
        }
        assertThat(the(host, WEB).execs())
                .hasSizeBetween(10, 16)
                .containsKey(new ExecId(Digest.sha256("exec59").hex()));
    }

    @Test
    void theEnvironmentOfAnExecIsForgottenWhenItRuns() {
        ExecId exec = new ExecId(Digest.sha256("exec").hex());
        ExecSpec spec = new ExecSpec(List.of("env"), List.of("A=b"), "", "/", false, false, false, true, true, "");
        Host host = after(
                furnished(created(WEB, "web", spec().make())),
                new ContainerEvent.ExecCreated(WEB, exec, spec),
                new ContainerEvent.ExecStarted(WEB, exec, 10));
        assertThat(the(host, WEB).execs().get(exec).spec()).isEqualTo(spec.withEnv(List.of()));
    }

    // ---- images, pulls and layers

    @Test
    void aReferenceStandsForTheImageThatGotItLast() {
        ImageId newer = new ImageId(Digest.sha256("newer"));
        Host host = host(stored(IMAGE, "a:1", "b:1"), stored(newer, "a:1"));
        assertThat(host.imageNamed("a:1").map(Image::id)).contains(newer);
        assertThat(host.image(IMAGE).orElseThrow().references()).containsExactly("b:1");
        host = after(host, new ImageEvent.Untagged(IMAGE, "b:1"));
        assertThat(host.image(IMAGE).orElseThrow().references()).isEmpty();
        assertThat(host.imageNamed("b:1")).isEmpty();
        host = after(host, new ImageEvent.Tagged(IMAGE, "a:1"));
        assertThat(host.imageNamed("a:1").map(Image::id)).contains(IMAGE);
    }

    @Test
    void anImageThatIsStoredAgainKeepsItsOtherNames() {
        Host host = host(stored(IMAGE, "a:1"), stored(IMAGE, "b:1"));
        assertThat(host.image(IMAGE).orElseThrow().references()).containsExactly("a:1", "b:1");
    }

    @Test
    void aRemovalThatStallsIsTriedAgainLater() {
        Host host = after(
                host(stored(IMAGE, "a:1")),
                new ImageEvent.RemoveRequested(IMAGE),
                new ImageEvent.RemoveStalled(IMAGE, STALL));
        assertThat(host.image(IMAGE).orElseThrow().stall()).contains(STALL);
        assertThat(dev.wharf.core.plan.Plan.of(IMAGE)
                        .next(host, T0.minusSeconds(1), java.util.Set.of())
                        .wakeAt())
                .contains(T0);
    }

    @Test
    void aPullKeepsItsLayersWantedUntilItFails() {
        Host host = host(
                new ImageEvent.PullRequested(PULL, List.of("a:1"), Optional.empty(), Pull.Source.REGISTRY, OVERLAY, T0),
                new ImageEvent.Resolved(
                        PULL,
                        new Pull.Resolved(
                                IMAGE,
                                BLOB,
                                BLOB,
                                BLOB,
                                dev.wharf.core.Given.image(IMAGE).config(),
                                List.of(LAYER))),
                new LayerEvent.Wanted(LAYER, PULL, "docker.io/library/a", OVERLAY));
        assertThat(host.isWanted(LAYER.id())).isTrue();
        ImageEvent.Failed failed = new ImageEvent.Failed(PULL, WHY);
        assertThat(failed.touches(host)).contains(LAYER.id());
        host = after(host, failed);
        assertThat(host.isWanted(LAYER.id())).isFalse();
        assertThat(host.pull(PULL)).isEmpty();
    }

    @Test
    void aLayerIsFetchedUnpackedDoubtedAndGone() {
        Host host = host(new LayerEvent.Wanted(LAYER, PULL, "docker.io/library/a", OVERLAY));
        host = after(host, new LayerEvent.Fetched(LAYER.id(), BLOB));
        assertThat(layer(host).content().isPresent()).isTrue();
        Snapshot snapshot = new Snapshot(SnapshotKey.of(LAYER.id()), SnapshotKey.SCRATCH, true);
        host = after(host, new LayerEvent.Unpacked(LAYER.id(), snapshot, 99));
        assertThat(layer(host).snapshot().value()).contains(snapshot);
        assertThat(layer(host).sizeBytes()).isEqualTo(99);
        Host doubtful = after(host, new LayerEvent.Stalled(LAYER.id(), STALL));
        assertThat(layer(doubtful).snapshot().isDoubtful()).isTrue();
        Host lost = after(host, new LayerEvent.Observed(LAYER.id(), "content", false));
        assertThat(layer(lost).content()).isEqualTo(Fact.absent());
        host = after(
                host,
                new LayerEvent.SnapshotRemoved(LAYER.id()),
                new LayerEvent.ContentRemoved(LAYER.id()),
                new LayerEvent.Removed(LAYER.id()));
        assertThat(host.layer(LAYER.id())).isEmpty();
    }

    private static Layer layer(Host host) {
        return host.layer(LAYER.id()).orElseThrow();
    }

    // ---- networks, volumes, drivers, the host

    @Test
    void aNetworkIsFoundByNameWhileItIsThere() {
        Host host = furnished();
        assertThat(host.networkNamed("bridge").map(n -> n.id())).contains(BRIDGE);
        Host failed = after(host, new NetworkEvent.Failed(BRIDGE, WHY));
        assertThat(failed.network(BRIDGE).orElseThrow().wanted()).isFalse();
        assertThat(failed.network(BRIDGE).orElseThrow().device().isDoubtful()).isTrue();
        Host stalled = after(host, new NetworkEvent.Stalled(BRIDGE, STALL));
        assertThat(stalled.network(BRIDGE).orElseThrow().wanted()).isTrue();
        Host gone = after(host, new NetworkEvent.RemoveRequested(BRIDGE), new NetworkEvent.Removed(BRIDGE));
        assertThat(gone.networkNamed("bridge")).isEmpty();
    }

    @Test
    void aVolumeIsReadyEmptiedAndGone() {
        VolumeName data = new VolumeName("data");
        Host host = after(furnished(volume("data")), new VolumeEvent.Ready(data, Path.of("/v/data")));
        assertThat(host.volume(data).orElseThrow().path().value()).contains(Path.of("/v/data"));
        host = after(host, new VolumeEvent.RemoveRequested(data));
        assertThat(host.volume(data).orElseThrow().wanted()).isFalse();
        host = after(host, new VolumeEvent.Emptied(data), new VolumeEvent.Removed(data));
        assertThat(host.volume(data)).isEmpty();
        Host failed = after(furnished(volume("data")), new VolumeEvent.Failed(data, WHY));
        assertThat(failed.volume(data).orElseThrow().wanted()).isFalse();
    }

    @Test
    void theBestReadyDriverServesWhatIsNew() {
        DriverId overlay = new DriverId(DriverKind.STORAGE, OVERLAY);
        DriverId vfs = new DriverId(DriverKind.STORAGE, new dev.wharf.model.DriverName("vfs"));
        Host host = host(
                new DriverEvent.Bound(vfs, "vfs/1", List.of(new Format("vfs", 1)), 0, true, ""),
                new DriverEvent.Bound(overlay, "overlay/1", List.of(new Format("overlay", 1)), 10, true, ""));
        assertThat(host.preferred(DriverKind.STORAGE)).contains(OVERLAY);
        assertThat(after(host, new DriverEvent.Unbound(overlay, "another/1")).preferred(DriverKind.STORAGE))
                .as("another's leaving changes nothing")
                .contains(OVERLAY);
        host = after(host, new DriverEvent.Unbound(overlay, "overlay/1"));
        assertThat(host.preferred(DriverKind.STORAGE)).contains(vfs.name());
        assertThat(host.driver(overlay).orElseThrow().serving()).isEmpty();
        host = after(
                host,
                new DriverEvent.HandedOver(
                        overlay, "overlay/1", "overlay/2", List.of(new Format("overlay", 2)), 10, 3));
        assertThat(host.driver(overlay).orElseThrow().serving()).contains("overlay/2");
    }

    @Test
    void theHostKeepsItsNameOverBoots() {
        Host host = host(
                new HostEvent.Opened("me", 1, "1.0", T0),
                new HostEvent.Booted("one", T0),
                new HostEvent.Booted("two", T0));
        assertThat(host.identity().id()).isEqualTo("me");
        assertThat(host.identity().bootId()).isEqualTo("two");
        assertThat(after(
                        host,
                        new HostEvent.Swept("mount", "x"),
                        new HostEvent.CheckpointStarted(),
                        new HostEvent.CheckpointCompleted(0),
                        new HostEvent.HistoryDropped("kafka", 1, 2, 3),
                        new HostEvent.JournalRecovered(1, 2, "torn")))
                .isEqualTo(host);
    }

    @Test
    void indexesFollowTheirSubjects() {
        Host host = furnished(
                created(WEB, "web", spec().make()),
                created(DB, "db", spec().make()),
                new ContainerEvent.Renamed(WEB, "web", "www"));
        assertThat(host.containerNamed("www").map(Container::id)).contains(WEB);
        assertThat(host.containerNamed("web")).isEmpty();
        assertThat(host.usersOf(IMAGE)).hasSize(2);
        host = after(host, new ContainerEvent.Removed(WEB));
        assertThat(host.containerNamed("www")).isEmpty();
        assertThat(host.usersOf(IMAGE)).hasSize(1);
    }
}
