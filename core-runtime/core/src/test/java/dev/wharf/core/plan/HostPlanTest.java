package dev.wharf.core.plan;

import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.granted;
import static dev.wharf.core.Given.host;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.PullId;
import dev.wharf.spi.Failure;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What becomes of a blob that is damaged, and how the next pull brings it anew. */
class HostPlanTest {
    private static final PullId FIRST = new PullId("0".repeat(32));
    private static final PullId NEXT = new PullId("1".repeat(32));
    private static final String NAME = "docker.io/library/web:1";
    private static final ImageId WEB = new ImageId(Digest.sha256("web"));
    private static final LayerSpec LAYER = new LayerSpec(
            new LayerId(Digest.sha256("chain")),
            Optional.empty(),
            new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.sha256("blob"), 10),
            Digest.sha256("diff"));
    private static final Digest BLOB = LAYER.descriptor().digest();

    private final Host whole = host(
            new LayerEvent.Wanted(LAYER, FIRST, "docker.io/library/web", OVERLAY),
            new LayerEvent.Fetched(LAYER.id(), LAYER.descriptor()),
            new LayerEvent.Unpacked(
                    LAYER.id(), new Snapshot(SnapshotKey.of(LAYER.id()), SnapshotKey.SCRATCH, true), 100),
            new ImageEvent.Stored(FIRST, image()));
    private final Host damaged = after(
            whole,
            granted(whole, new HostCommand.ReportDamage(BLOB, "it is another"), T0)
                    .toArray(Event[]::new));
    private final Host aside = after(damaged, new HostEvent.BlobSetAside(BLOB, "it is another", T0));

    private static Image image() {
        Image plain = Given.image(WEB, NAME);
        return new Image(
                plain.id(),
                plain.manifest(),
                plain.configBlob(),
                plain.config(),
                List.of(LAYER),
                List.of(NAME),
                100,
                T0,
                true,
                Optional.empty());
    }

    private static Proposal next(Host host) {
        return new HostPlan().next(host, T0, Set.of());
    }

    @Test
    void aDamagedBlobIsMovedAsideAndItsImageMarked() {
        assertThat(next(whole).rests()).isTrue();
        assertThat(next(damaged).steps())
                .containsExactly(new HostStep.SetAside(damaged.damages().get(BLOB)));
        assertThat(damaged.damagesOf(image())).hasSize(1);
        assertThat(next(aside).rests()).isTrue();
        assertThat(aside.layer(LAYER.id()).orElseThrow().content().isAbsent()).isTrue();
        assertThat(aside.layer(LAYER.id()).orElseThrow().snapshot().isPresent())
                .as("what runs goes on")
                .isTrue();
        assertThat(new LayerPlan(LAYER.id()).next(aside, T0, Set.of()).rests()).isTrue();
    }

    @Test
    void aBlobThatNothingStandsOnIsNotReported() {
        assertThat(new HostCommand.ReportDamage(Digest.sha256("other"), "x").decide(whole, T0))
                .isInstanceOf(Decision.Refused.class);
        assertThat(new HostCommand.ReportDamage(BLOB, "x").decide(damaged, T0))
                .as("nor twice")
                .isInstanceOf(Decision.Refused.class);
    }

    @Test
    void theNextPullBringsItAnewAndTheMarkIsGone() {
        Host pulling = after(
                aside,
                new ImageEvent.PullRequested(NEXT, List.of(NAME), Optional.empty(), Pull.Source.REGISTRY, OVERLAY, T0),
                resolved());

        List<Event> wanted = new PullPlan(NEXT).next(pulling, T0, Set.of()).says();

        assertThat(wanted).containsExactly(new LayerEvent.Wanted(LAYER, NEXT, "docker.io/library/web", OVERLAY));
        Host fetching = after(pulling, wanted.toArray(Event[]::new));
        assertThat(new PullPlan(NEXT).next(fetching, T0, Set.of())).isEqualTo(Proposal.AWAIT);
        assertThat(new LayerPlan(LAYER.id())
                        .next(fetching, T0, Set.of())
                        .steps()
                        .get(0))
                .isInstanceOf(LayerStep.FetchLayer.class);
        Host fetched = after(fetching, new LayerEvent.Fetched(LAYER.id(), LAYER.descriptor()));
        assertThat(fetched.damages()).isEmpty();
        assertThat(new PullPlan(NEXT).next(fetched, T0, Set.of()).says().get(0)).isInstanceOf(ImageEvent.Stored.class);
    }

    @Test
    void aPullWaitsForADamagedBlobToBeOutOfTheWay() {
        Host pulling = after(
                damaged,
                new ImageEvent.PullRequested(NEXT, List.of(NAME), Optional.empty(), Pull.Source.REGISTRY, OVERLAY, T0),
                resolved());
        assertThat(new PullPlan(NEXT).next(pulling, T0, Set.of())).isEqualTo(Proposal.AWAIT);
        Host free = after(pulling, new HostEvent.BlobSetAside(BLOB, "it is another", T0));
        assertThat(new PullPlan(NEXT).next(free, T0, Set.of()).says())
                .containsExactly(new LayerEvent.Wanted(LAYER, NEXT, "docker.io/library/web", OVERLAY));
    }

    private static ImageEvent.Resolved resolved() {
        Image image = image();
        return new ImageEvent.Resolved(
                NEXT,
                new Pull.Resolved(
                        image.id(),
                        image.manifest(),
                        image.manifest(),
                        image.configBlob(),
                        image.config(),
                        image.layers()));
    }

    @Test
    void aBuildOnTopNeedsNoBlobOfWhatItStandsOn() {
        Host building = after(
                aside,
                new ImageEvent.PullRequested(NEXT, List.of(), Optional.empty(), Pull.Source.BUILD, OVERLAY, T0),
                resolved(),
                new LayerEvent.Wanted(LAYER, NEXT, "", OVERLAY));

        assertThat(new LayerPlan(LAYER.id()).next(building, T0, Set.of()).rests())
                .isTrue();
        assertThat(new PullPlan(NEXT).next(building, T0, Set.of()).says().get(0))
                .isInstanceOf(ImageEvent.Stored.class);
    }

    @Test
    void aPullThatWasThereBeforeTheBlobWasAsideDoesNotClearTheMark() {
        Host fetched = after(damaged, new LayerEvent.Fetched(LAYER.id(), LAYER.descriptor()));

        assertThat(fetched.damages()).containsKey(BLOB);
    }

    @Test
    void whatCannotBeMovedIsTriedAgainLater() {
        Event stalled = new HostStep.SetAside(damaged.damages().get(BLOB))
                .failed(new Failure(Failure.Kind.FAILED, "read-only"), T0);
        Host waiting = after(damaged, stalled);

        assertThat(next(waiting).steps()).isEmpty();
        assertThat(next(waiting).wakeAt()).isPresent();
        assertThat(new HostPlan().next(waiting, T0.plusSeconds(60), Set.of()).steps())
                .hasSize(1);
    }

    @Test
    void damageIsForgottenWithTheLastThatStoodOnIt() {
        Host bare = aside.without(WEB).without(LAYER.id());

        assertThat(next(bare).says()).containsExactly(new HostEvent.BlobCleared(BLOB, "nothing stands on it any more"));
    }
}
