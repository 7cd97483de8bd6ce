package dev.wharf.core.state;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.IMAGE;
import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.image;
import static dev.wharf.core.Given.place;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.volume;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.MountSpec;
import dev.wharf.model.PullId;
import dev.wharf.model.VolumeName;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Who uses what is known at once, and stays so whatever happens to whom. */
class UsersTest {
    private static final VolumeName HOLD = new VolumeName("hold");
    private static final MountSpec MOUNT =
            new MountSpec(MountSpec.Kind.VOLUME, "hold", "/hold", false, false, Map.of());
    private static final LayerId LOW = layer(Optional.empty(), "low").id();
    private static final LayerId TOP = layer(Optional.of(LOW), "top").id();

    private static LayerSpec layer(Optional<LayerId> parent, String name) {
        Digest digest = Digest.sha256(name);
        return new LayerSpec(
                LayerId.of(parent, digest), parent, new Descriptor(MediaTypes.OCI_LAYER, digest, 1), digest);
    }

    private static ContainerEvent.Created onTop() {
        return new ContainerEvent.Created(WEB, "web", spec().make(), Optional.of(TOP), T0);
    }

    @Test
    void aContainerUsesItsImageItsVolumesAndItsNetworksFromFirstToLast() {
        Host made = furnished(
                volume("hold"), created(WEB, "web", spec().mounts(MOUNT).make()));
        assertThat(made.usersOf(IMAGE)).extracting(Container::id).containsExactly(WEB);
        assertThat(made.usersOf(HOLD)).extracting(Container::id).containsExactly(WEB);
        assertThat(made.usersOf(BRIDGE)).isEmpty();

        Host running = after(made, run(WEB, 1, T0, place(BRIDGE, "172.17.0.2")));
        assertThat(running.usersOf(BRIDGE))
                .containsExactly(running.container(WEB).orElseThrow());

        Host left = after(
                running,
                new ContainerEvent.DisconnectRequested(WEB, BRIDGE),
                new ContainerEvent.EndpointDetached(WEB, BRIDGE));
        assertThat(left.usersOf(BRIDGE)).isEmpty();

        Host gone = after(left, new ContainerEvent.Removed(WEB));
        assertThat(gone.usersOf(IMAGE)).isEmpty();
        assertThat(gone.usersOf(HOLD)).isEmpty();
    }

    @Test
    void aLayerIsWantedWhileAContainerStandsOnItOrItsFilesAreKept() {
        PullId pull = new PullId("1".repeat(32));
        Host made = furnished(
                new LayerEvent.Wanted(layer(Optional.empty(), "low"), pull, "", OVERLAY),
                new LayerEvent.Wanted(layer(Optional.of(LOW), "top"), pull, "", OVERLAY),
                onTop());
        assertThat(made.isWanted(TOP) && made.isWanted(LOW)).isTrue();

        Host kept = after(
                made, new ContainerEvent.Kept(made.container(WEB).orElseThrow()), new ContainerEvent.Removed(WEB));
        assertThat(kept.isWanted(TOP) && kept.isWanted(LOW)).isTrue();

        Host back = after(kept, new ContainerEvent.Undeleted(WEB, "web"));
        assertThat(back.isWanted(LOW)).isTrue();
        assertThat(after(back, new ContainerEvent.Removed(WEB)).isWanted(LOW)).isFalse();
        assertThat(after(kept, new ContainerEvent.Purged(WEB)).isWanted(LOW)).isFalse();
    }

    @Test
    void imagesOfOneIndexAreVariantsOfWhichOneHasTheName() {
        Optional<Descriptor> index = Optional.of(new Descriptor(MediaTypes.OCI_INDEX, Digest.sha256("index"), 1));
        Image named = image(new ImageId(Digest.sha256("amd64")), "docker.io/library/many:1")
                .chosenFrom(index);
        Image other = image(new ImageId(Digest.sha256("arm64"))).chosenFrom(index);
        Image lone = image(new ImageId(Digest.sha256("lone")));
        Host host = Host.EMPTY.with(named).with(other).with(lone);

        assertThat(host.variants(named)).containsExactly(named, other);
        assertThat(host.isVariant(other)).isTrue();
        assertThat(host.isVariant(named) || host.isVariant(lone)).isFalse();
        assertThat(host.with(named.unwanted()).isVariant(other)).isFalse();
    }

    @Test
    void aLinkOutlivesNamesAndEndsWithEitherContainer() {
        var networking = spec().on(dev.wharf.model.NetworkWish.on(BRIDGE)).make();
        var linked = networking.withNetworking(networking.networking().withLinks(List.of(DB.value() + ":store-1")));
        Host made = furnished(created(DB, "db", networking), created(WEB, "web", linked));
        made = after(made, run(DB, 1, T0, place(BRIDGE, "172.17.0.2")));
        Container web = made.container(WEB).orElseThrow();

        assertThat(made.linkNames()).containsExactly(Map.entry("web/store-1", DB));
        assertThat(made.linkedTo(DB)).containsExactly(web);
        assertThat(made.environment(web)).containsExactly("STORE_1_NAME=/web/store-1", "STORE_1_ENV_A=b", "A=b");
        assertThat(made.links(web)).extracting(Link::alias).containsExactly("store-1");
        assertThat(made.links(web).get(0).address(made)).isEqualTo("172.17.0.2");

        Host renamed = after(
                made, new ContainerEvent.Renamed(WEB, "web", "shop"), new ContainerEvent.Renamed(DB, "db", "archive"));
        assertThat(renamed.linkNames()).containsExactly(Map.entry("shop/store-1", DB));
        assertThat(after(renamed, new ContainerEvent.Removed(WEB)).linkNames()).isEmpty();
        Host alone = after(renamed, new ContainerEvent.Removed(DB));
        assertThat(alone.links(alone.container(WEB).orElseThrow())).isEmpty();
    }
}
