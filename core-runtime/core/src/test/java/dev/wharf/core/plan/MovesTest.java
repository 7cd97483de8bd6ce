package dev.wharf.core.plan;

import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.IMAGE;
import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.grant;
import static dev.wharf.core.Given.image;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.the;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.command.StorageCommand;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.event.StorageEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.PullId;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Snapshots on their way from one storage driver to another. */
class MovesTest {
    private static final DriverName EROFS = new DriverName("erofs");
    private static final LayerId LOW = layer("low");
    private static final LayerId HIGH = layer("high");
    private static final SnapshotKey WEBS = SnapshotKey.of(WEB);
    private static final SnapshotKey DBS = SnapshotKey.of(DB);

    private static LayerId layer(String name) {
        return new LayerId(Digest.sha256(name));
    }

    private static LayerSpec spec(LayerId id, Optional<LayerId> parent) {
        Descriptor blob = new Descriptor(MediaTypes.OCI_LAYER, id.chain(), 7);
        return new LayerSpec(id, parent, blob, Digest.sha256("diff"));
    }

    private static Event wanted(LayerId id, Optional<LayerId> parent) {
        return new LayerEvent.Wanted(spec(id, parent), new PullId("1".repeat(32)), "", OVERLAY);
    }

    private static Event unpacked(LayerId id, SnapshotKey parent) {
        return new LayerEvent.Unpacked(id, new Snapshot(SnapshotKey.of(id), parent, true), 7);
    }

    private static Event container(ContainerId id, String name) {
        return new ContainerEvent.Created(id, name, Given.spec().make(), Optional.of(HIGH), T0);
    }

    private static Event prepared(ContainerId id) {
        return new ContainerEvent.RootfsPrepared(id, new Snapshot(SnapshotKey.of(id), SnapshotKey.of(HIGH), false));
    }

    private static Event driver(boolean ready) {
        return new DriverEvent.Bound(
                new DriverId(DriverKind.STORAGE, EROFS), "erofs/1", List.of(), -10, ready, ready ? "" : "no kernel");
    }

    /** Two layers and a container on them, and another driver. */
    private static Host standing() {
        return furnished(
                driver(true),
                wanted(LOW, Optional.empty()),
                wanted(HIGH, Optional.of(LOW)),
                unpacked(LOW, SnapshotKey.SCRATCH),
                unpacked(HIGH, SnapshotKey.of(LOW)),
                container(WEB, "web"),
                prepared(WEB));
    }

    private static Host moving() {
        return grant(standing(), migrate(WEB), T0);
    }

    private static StorageCommand.Migrate migrate(ContainerId... containers) {
        return new StorageCommand.Migrate(EROFS, List.of(), List.of(containers));
    }

    private static Proposal next(Host host, SubjectId subject) {
        return Plan.of(subject).next(host, T0, Set.of());
    }

    private static Event copied(SnapshotKey snapshot) {
        return new StorageEvent.Copied(snapshot, OVERLAY, EROFS);
    }

    private static Refusal refusal(Host host, StorageCommand.Migrate wish) {
        assertThat(wish.decide(host, T0)).isInstanceOf(Decision.Refused.class);
        return ((Decision.Refused) wish.decide(host, T0)).refusal();
    }

    @Test
    void aContainerTakesEveryLayerItStandsOnAlong() {
        assertThat(moving().moves().keySet())
                .containsExactlyInAnyOrder(SnapshotKey.of(LOW), SnapshotKey.of(HIGH), WEBS);
    }

    @Test
    void copiesAreMadeFromTheFootUp() {
        Host host = moving();
        assertThat(next(host, LOW).steps()).singleElement().isInstanceOf(MoveStep.CopySnapshot.class);
        assertThat(next(host, HIGH)).isEqualTo(Proposal.AWAIT);
        assertThat(next(host, WEB)).isEqualTo(Proposal.AWAIT);

        Host low = after(host, copied(SnapshotKey.of(LOW)));
        assertThat(low.layer(LOW).orElseThrow().storage()).isEqualTo(EROFS);
        assertThat(next(low, HIGH).steps()).singleElement().isInstanceOf(MoveStep.CopySnapshot.class);
        assertThat(next(low, WEB)).isEqualTo(Proposal.AWAIT);

        Host high = after(low, copied(SnapshotKey.of(HIGH)));
        assertThat(next(high, WEB).steps()).singleElement().isInstanceOf(MoveStep.CopySnapshot.class);
    }

    @Test
    void originalsGoFromTheTopDown() {
        Host host = after(moving(), copied(SnapshotKey.of(LOW)), copied(SnapshotKey.of(HIGH)), copied(WEBS));
        assertThat(the(host, WEB).spec().storage()).isEqualTo(EROFS);
        assertThat(next(host, WEB).steps()).singleElement().isInstanceOf(MoveStep.RemoveOriginal.class);
        assertThat(next(host, HIGH).steps()).isEmpty();
        assertThat(next(host, HIGH).rests()).isTrue();
        assertThat(next(host, LOW).steps()).isEmpty();

        Host web = after(host, new StorageEvent.Left(WEBS, OVERLAY));
        assertThat(next(web, WEB)).isEqualTo(Proposal.REST);
        assertThat(next(web, HIGH).steps()).singleElement().isInstanceOf(MoveStep.RemoveOriginal.class);
        Host high = after(web, new StorageEvent.Left(SnapshotKey.of(HIGH), OVERLAY));
        assertThat(next(high, LOW).steps()).singleElement().isInstanceOf(MoveStep.RemoveOriginal.class);
        Host low = after(high, new StorageEvent.Left(SnapshotKey.of(LOW), OVERLAY));
        assertThat(low.moves()).isEmpty();
        assertThat(next(low, LOW)).isEqualTo(Proposal.REST);
    }

    @Test
    void anOriginalStaysWhileAContainerThatDoesNotMoveStandsOnIt() {
        Host host = after(
                moving(),
                container(DB, "db"),
                prepared(DB),
                copied(SnapshotKey.of(LOW)),
                copied(SnapshotKey.of(HIGH)),
                copied(WEBS),
                new StorageEvent.Left(WEBS, OVERLAY));
        assertThat(host.keeps(DBS, OVERLAY)).isTrue();
        assertThat(host.keeps(SnapshotKey.of(HIGH), OVERLAY)).isTrue();
        assertThat(host.keeps(SnapshotKey.of(HIGH), EROFS)).isTrue();
        assertThat(host.keeps(WEBS, OVERLAY)).isFalse();
        assertThat(next(host, HIGH).steps()).isEmpty();
        Host alone = after(host, new ContainerEvent.Removed(DB));
        assertThat(next(alone, HIGH).steps()).singleElement().isInstanceOf(MoveStep.RemoveOriginal.class);
    }

    @Test
    void whatIsCreatedOnALayerLivesWhereTheLayerLives() {
        Host host = after(standing(), copied(SnapshotKey.of(LOW)), copied(SnapshotKey.of(HIGH)));
        Image bare = image(IMAGE, "docker.io/library/busybox:latest");
        Host layered = host.with(new Image(
                bare.id(),
                bare.manifest(),
                bare.configBlob(),
                bare.config(),
                List.of(spec(LOW, Optional.empty()), spec(HIGH, Optional.of(LOW))),
                bare.references(),
                bare.sizeBytes(),
                bare.storedAt(),
                true,
                Optional.empty()));
        Host created = grant(
                layered, new ContainerCommand.Create(DB, "db", Given.spec().make()), T0);
        assertThat(Given.spec().make().storage()).isEqualTo(OVERLAY);
        assertThat(the(created, DB).spec().storage()).isEqualTo(EROFS);
        assertThat(the(created, WEB).spec().storage()).isEqualTo(OVERLAY);
    }

    @Test
    void aContainerThatIsToRunStaysWhereItIs() {
        Host host = after(moving(), new ContainerEvent.StartRequested(WEB, List.of()));
        assertThat(next(host, WEB).says())
                .singleElement()
                .isInstanceOfSatisfying(
                        StorageEvent.MoveFailed.class,
                        failed -> assertThat(failed.failure().message()).contains("it is not stopped"));
    }

    @Test
    void aContainerThatIsRemovedIsNotForgottenBeforeItsOriginalIsGone() {
        Host host = after(
                moving(),
                copied(SnapshotKey.of(LOW)),
                copied(SnapshotKey.of(HIGH)),
                copied(WEBS),
                new ContainerEvent.RemoveRequested(WEB, false, T0),
                new ContainerEvent.RootfsRemoved(WEB));
        assertThat(next(host, WEB).says()).isEmpty();
        assertThat(next(host, WEB).steps()).singleElement().isInstanceOf(MoveStep.RemoveOriginal.class);
        Host left = after(host, new StorageEvent.Left(WEBS, OVERLAY));
        assertThat(next(left, WEB).says()).singleElement().isInstanceOf(ContainerEvent.Removed.class);
    }

    @Test
    void aLastingFailureEndsAMoveAndAPassingOneIsTriedAgain() {
        MoveStep.CopySnapshot step =
                (MoveStep.CopySnapshot) next(moving(), LOW).steps().get(0);
        assertThat(step.failed(new Failure(Failure.Kind.EXHAUSTED, "no space"), T0))
                .isInstanceOf(StorageEvent.MoveFailed.class);
        Event stalled = step.failed(new Failure(Failure.Kind.UNAVAILABLE, "no driver"), T0);
        assertThat(stalled).isInstanceOf(StorageEvent.MoveStalled.class);
        Host host = after(moving(), stalled);
        assertThat(next(host, LOW).steps()).isEmpty();
        assertThat(Plan.of(LOW).next(host, T0.plusSeconds(60), Set.of()).steps())
                .singleElement()
                .isInstanceOf(MoveStep.CopySnapshot.class);
        Host failed = after(moving(), step.failed(new Failure(Failure.Kind.EXHAUSTED, "no space"), T0));
        assertThat(next(failed, HIGH).says()).singleElement().isInstanceOf(StorageEvent.MoveFailed.class);
    }

    @Test
    void whatCannotMoveIsRefusedWithTheReason() {
        Host running = after(standing(), run(WEB, 1, T0));
        assertThat(refusal(running, migrate(WEB)).message()).isEqualTo("container web is running; stop it first");
        assertThat(refusal(after(standing(), driver(false)), migrate(WEB)).message())
                .isEqualTo("storage driver erofs is not ready: no kernel");
        assertThat(refusal(standing(), migrate(DB)).kind()).isEqualTo(Refusal.Kind.MISSING);
        assertThat(refusal(moving(), migrate(WEB)).kind()).isEqualTo(Refusal.Kind.UNCHANGED);
        StorageCommand.Migrate back = new StorageCommand.Migrate(OVERLAY, List.of(), List.of(WEB));
        Host both = after(
                moving(),
                new DriverEvent.Bound(new DriverId(DriverKind.STORAGE, OVERLAY), "overlay/1", List.of(), 0, true, ""));
        assertThat(refusal(both, back).message()).contains("is just moving from overlay to erofs");
    }
}
