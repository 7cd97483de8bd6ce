package dev.wharf.core.command;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.IMAGE;
import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.granted;
import static dev.wharf.core.Given.net;
import static dev.wharf.core.Given.place;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.stored;
import static dev.wharf.core.Given.volume;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.command.Refusal.Kind;
import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class OtherCommandsTest {
    private static final String TAG = "docker.io/library/busybox:latest";
    private static final String DIGEST = "docker.io/library/busybox@" + Digest.sha256("manifest");

    private static void refused(Host host, Command command, Kind kind, String words) {
        Decision decision = command.decide(host, T0);
        assertThat(decision).isInstanceOf(Decision.Refused.class);
        Refusal refusal = ((Decision.Refused) decision).refusal();
        assertThat(refusal.kind()).isEqualTo(kind);
        assertThat(refusal.message()).contains(words);
    }

    // ---- images

    private static ImageCommand.Remove untag(String reference, boolean force) {
        return new ImageCommand.Remove(IMAGE, Optional.of(Reference.parse(reference)), reference, force);
    }

    private static ImageCommand.Remove remove(boolean force) {
        return new ImageCommand.Remove(IMAGE, Optional.empty(), IMAGE.shortForm(), force);
    }

    @Test
    void theDigestGoesWithTheLastTagOfItsRepositoryAndTheImageWithItsLastName() {
        Host host = furnished(stored(IMAGE, TAG, DIGEST));
        List<Event> events = granted(host, untag("busybox", false), T0);
        assertThat(events)
                .containsExactly(
                        new ImageEvent.Untagged(IMAGE, TAG),
                        new ImageEvent.Untagged(IMAGE, DIGEST),
                        new ImageEvent.RemoveRequested(IMAGE));
    }

    @Test
    void whenANameWasGivenHereIsKnownAlsoWhenTheImageComesOnceMore() {
        Host before = furnished();
        assertThat(before.image(IMAGE).orElseThrow().taggedAt()).isEmpty();

        List<Event> events = granted(before, new ImageCommand.Tag(IMAGE, Reference.parse("other:1")), T0);
        Host tagged = after(before, events.toArray(Event[]::new));
        Host again = after(
                tagged,
                new ImageEvent.Stored(
                        new PullId("0".repeat(32)), before.image(IMAGE).orElseThrow()));

        assertThat(tagged.image(IMAGE).orElseThrow().taggedAt()).contains(T0);
        assertThat(again.image(IMAGE).orElseThrow().taggedAt()).contains(T0);
    }

    @Test
    void anImageWithAnotherNameStays() {
        Host host = furnished(new ImageEvent.Tagged(IMAGE, "docker.io/library/other:1"));
        assertThat(granted(host, untag("busybox", false), T0)).containsExactly(new ImageEvent.Untagged(IMAGE, TAG));
        refused(host, remove(false), Kind.CONFLICT, "multiple repositories");
        assertThat(granted(host, remove(true), T0)).hasSize(3);
    }

    @Test
    void anImageWithTwoTagsOfOneRepositoryGoesByItsIdOnlyByForce() {
        Host host = furnished(new ImageEvent.Tagged(IMAGE, TAG + "-too"));
        refused(host, remove(false), Kind.CONFLICT, "must be forced");
        assertThat(granted(host, remove(true), T0)).hasSize(3);
        assertThat(granted(furnished(stored(IMAGE, TAG, DIGEST)), remove(false), T0))
                .as("a tag and its digest are one name")
                .hasSize(3);
    }

    @Test
    void whatAContainerStandsOnIsNotTakenAway() {
        Host host = furnished(created(WEB, "web", spec().make()));
        refused(host, untag("busybox", false), Kind.CONFLICT, "must force");
        refused(host, remove(false), Kind.CONFLICT, "must be forced");
        Host running = after(host, run(WEB, 1, T0));
        assertThat(granted(running, untag("busybox", true), T0))
                .as("the name goes, the image stays")
                .containsExactly(new ImageEvent.Untagged(IMAGE, TAG));
        refused(running, remove(true), Kind.CONFLICT, "cannot be forced");
        Host named = after(running, new ImageEvent.Tagged(IMAGE, "docker.io/library/other:1"));
        refused(named, remove(false), Kind.CONFLICT, "cannot be forced");
    }

    @Test
    void byForceAnImageGoesFromAContainerThatStandsStill() {
        Host host = furnished(created(WEB, "web", spec().make()));
        List<Event> events = granted(host, untag("busybox", true), T0);
        assertThat(events)
                .containsExactly(new ImageEvent.Untagged(IMAGE, TAG), new ImageEvent.RemoveRequested(IMAGE))
                .isEqualTo(granted(host, remove(true), T0));
    }

    @Test
    void whatAContainerMountsHoldsNoLayersAndStays() {
        MountSpec files = new MountSpec(MountSpec.Kind.IMAGE, IMAGE.value(), "/files", true, false, Map.of());
        ContainerSpec other =
                spec().image(new ImageId(Digest.sha256("other"))).mounts(files).make();
        Host host = furnished(created(WEB, "web", other));
        assertThat(granted(host, untag("busybox", true), T0)).containsExactly(new ImageEvent.Untagged(IMAGE, TAG));
    }

    @Test
    void aTagIsNoDigestAndNeedsAnImage() {
        refused(furnished(), new ImageCommand.Tag(IMAGE, Reference.parse(DIGEST)), Kind.INVALID, "digest reference");
        refused(Host.EMPTY, new ImageCommand.Tag(IMAGE, Reference.parse("a:1")), Kind.MISSING, "No such image");
        refused(furnished(), new ImageCommand.Tag(IMAGE, Reference.parse("busybox")), Kind.UNCHANGED, "already");
    }

    @Test
    void aPullIsCancelledOnlyWhileItIsUnderWay() {
        PullId pull = new PullId("2".repeat(32));
        refused(furnished(), new ImageCommand.CancelPull(pull), Kind.UNCHANGED, "under way");
        Host pulling = after(
                furnished(),
                granted(
                                furnished(),
                                new ImageCommand.PullImage(pull, Reference.parse("a:1"), Optional.empty(), OVERLAY),
                                T0)
                        .toArray(Event[]::new));
        assertThat(granted(pulling, new ImageCommand.CancelPull(pull), T0))
                .singleElement()
                .isInstanceOf(ImageEvent.Failed.class);
    }

    // ---- networks

    @Test
    void aNetworkGetsTheFirstSubnetThatIsFree() {
        NetworkEvent.Created made =
                (NetworkEvent.Created) granted(furnished(), new NetworkCommand.Create(net("back", false)), T0)
                        .get(0);
        assertThat(made.spec().pools())
                .containsExactly(new Pool("172.18.0.0/16", "172.18.0.1", "", Map.of(), true, false));
    }

    @Test
    void aGatewayThatNobodyAskedForIsKnownForOne() {
        Pool asked = new Pool("10.9.0.0/24", "", "", Map.of());
        NetworkEvent.Created made =
                (NetworkEvent.Created) granted(furnished(), new NetworkCommand.Create(net("x", false, asked)), T0)
                        .get(0);
        Pool given = new Pool("10.9.0.0/24", "10.9.0.1", "", Map.of(), false, true);
        assertThat(made.spec().pools()).containsExactly(given);

        NetworkEvent.Created again = (NetworkEvent.Created)
                granted(furnished(), new NetworkCommand.Create(made.spec()), T0).get(0);
        assertThat(again.spec().pools()).as("as kept for another").containsExactly(given);
    }

    @Test
    void aNetworkThatCannotBeIsRefused() {
        refused(furnished(), new NetworkCommand.Create(net("bridge", false)), Kind.FORBIDDEN, "predefined");
        Host made = after(furnished(), new NetworkEvent.Created(net("back", false), T0));
        refused(made, new NetworkCommand.Create(net("back", false)), Kind.CONFLICT, "already exists");
        refused(
                furnished(),
                new NetworkCommand.Create(net("x", false, new Pool("172.17.0.128/25", "", "", Map.of()))),
                Kind.FORBIDDEN,
                "overlaps");
        refused(
                furnished(),
                new NetworkCommand.Create(net("x", false, new Pool("10.9.0.0/24", "10.8.0.1", "", Map.of()))),
                Kind.INVALID,
                "doesn't contain this address");
        refused(
                furnished(),
                new NetworkCommand.Create(net("x", false, new Pool("nonsense", "", "", Map.of()))),
                Kind.INVALID,
                "invalid");
    }

    @Test
    void aNetworkInUseOrOfTheHouseStays() {
        refused(furnished(), new NetworkCommand.Remove(BRIDGE), Kind.FORBIDDEN, "pre-defined");
        Host host = furnished(new NetworkEvent.Created(net("back", false), T0), created(WEB, "web", spec().make()));
        Command remove = new NetworkCommand.Remove(dev.wharf.core.Given.network("back"));
        Host used = after(host, run(WEB, 1, T0, place(dev.wharf.core.Given.network("back"), "10.0.0.2")));
        refused(used, remove, Kind.FORBIDDEN, "active endpoints");
        Host ended = after(used, exited(WEB, 0, T0));
        assertThat(granted(ended, remove, T0))
                .as("who ended leaves in a moment")
                .hasSize(1);
        Host free = after(
                ended,
                new dev.wharf.core.event.ContainerEvent.EndpointDetached(WEB, dev.wharf.core.Given.network("back")));
        assertThat(granted(free, remove, T0)).hasSize(1);
        refused(Host.EMPTY, remove, Kind.MISSING, "not found");
    }

    // ---- volumes

    @Test
    void aVolumeInUseStaysWhateverItsUserDoesNow() {
        MountSpec data = new MountSpec(MountSpec.Kind.VOLUME, "data", "/data", false, false, Map.of());
        Host host = furnished(
                volume("data"), created(WEB, "web", spec().mounts(data).make()));
        Command remove = new VolumeCommand.Remove(new VolumeName("data"), false);
        refused(host, remove, Kind.CONFLICT, "volume is in use");
        refused(furnished(), remove, Kind.MISSING, "no such volume");
        refused(furnished(), new VolumeCommand.Remove(new VolumeName("data"), true), Kind.UNCHANGED, "no such volume");
        Host leaving = furnished(volume("data"), new VolumeEvent.RemoveRequested(new VolumeName("data")));
        refused(leaving, remove, Kind.UNCHANGED, "already");
    }

    @Test
    void aVolumeOfAnUnknownDriverIsRefused() {
        VolumeSpec strange = new VolumeSpec(new VolumeName("x"), new DriverName("nfs"), Map.of(), Map.of(), false);
        refused(furnished(), new VolumeCommand.Create(strange), Kind.MISSING, "plugin \"nfs\" not found");
        VolumeSpec known = new VolumeSpec(new VolumeName("data"), VolumeSpec.LOCAL, Map.of(), Map.of(), false);
        refused(furnished(volume("data")), new VolumeCommand.Create(known), Kind.UNCHANGED, "exists");
    }

    @Test
    void aVolumesNameIsNoLongerThanThatOfADirectory() {
        VolumeSpec longest =
                new VolumeSpec(new VolumeName("n".repeat(255)), VolumeSpec.LOCAL, Map.of(), Map.of(), false);
        granted(furnished(), new VolumeCommand.Create(longest), T0);
        VolumeSpec longer =
                new VolumeSpec(new VolumeName("n".repeat(256)), VolumeSpec.LOCAL, Map.of(), Map.of(), false);
        refused(furnished(), new VolumeCommand.Create(longer), Kind.INVALID, "file name too long");
    }

    // ---- builds

    @Test
    void aBuildThatIsOverIsForgottenOnce() {
        BuildCommand.Remove remove = new BuildCommand.Remove("b1");
        Host host = after(Host.EMPTY, new BuildEvent.Begun("b1", T0, "Dockerfile", List.of()));
        refused(host, remove, Kind.CONFLICT, "under way");
        Host over = after(host, new BuildEvent.Ended("b1", Duration.ZERO, Optional.empty(), ""));

        Host gone = after(over, granted(over, remove, T0).toArray(Event[]::new));

        assertThat(gone.builds()).isEmpty();
        refused(gone, remove, Kind.MISSING, "no build b1");
    }

    // ---- drivers

    @Test
    void aDriverThatIsKnownAsItIsIsNoNews() {
        DriverCommand.Bind bind =
                new DriverCommand.Bind(new DriverId(DriverKind.STORAGE, OVERLAY), "overlay/1", List.of(), 0, true, "");
        Host host = after(Host.EMPTY, granted(Host.EMPTY, bind, T0).toArray(Event[]::new));
        refused(host, bind, Kind.UNCHANGED, "already");
        refused(
                host,
                new DriverCommand.Unbind(new DriverId(DriverKind.STORAGE, OVERLAY), "other/1"),
                Kind.UNCHANGED,
                "does not serve");
    }
}
