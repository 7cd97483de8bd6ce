package dev.wharf.core.loop;

import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.after;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.PullId;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What becomes of blobs that came before anybody owned them. */
class StraysTest {
    private static final PullId PULL = new PullId("0".repeat(32));
    private static final String NAME = "docker.io/library/web:1";
    private static final Image WEB = Given.image(Given.IMAGE, NAME);
    private static final Digest MANIFEST = WEB.manifest().digest();
    private static final LayerSpec LAYER = new LayerSpec(
            new LayerId(Digest.sha256("chain")),
            Optional.empty(),
            new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("blob"), 10),
            Digest.sha256("blob"));
    private static final Digest BLOB = LAYER.descriptor().digest();

    private final Set<Digest> here = new TreeSet<>();
    private boolean held;
    private final ContentStore store = (ContentStore) Proxy.newProxyInstance(
            ContentStore.class.getClassLoader(),
            new Class<?>[] {ContentStore.class},
            (proxy, method, values) -> switch (method.getName()) {
                case "size" -> Optional.of(10L).filter(size -> here.contains(values[0]));
                case "remove" -> !held && (here.remove(values[0]) || true);
                case "ingest" -> ingest((Descriptor) values[0]);
                default -> throw new UnsupportedOperationException(method.getName());
            });
    private final Strays strays = new Strays();

    private ContentStore.Ingest ingest(Descriptor expected) {
        return (ContentStore.Ingest) Proxy.newProxyInstance(
                ContentStore.class.getClassLoader(),
                new Class<?>[] {ContentStore.Ingest.class},
                (proxy, method, values) -> {
                    here.add(expected.digest());
                    return expected;
                });
    }

    private void bring(Descriptor blob) throws Exception {
        strays.watched(store).ingest(blob).commit(blob.mediaType());
    }

    private List<Event> sweep(Host host) {
        return strays.sweep(() -> host, store).events();
    }

    private static ImageEvent pulled() {
        return new ImageEvent.PullRequested(PULL, List.of(NAME), Optional.empty(), Pull.Source.REGISTRY, OVERLAY, T0);
    }

    private static ImageEvent resolved() {
        return new ImageEvent.Resolved(
                PULL,
                new Pull.Resolved(
                        WEB.id(), WEB.manifest(), WEB.manifest(), WEB.configBlob(), WEB.config(), List.of(LAYER)));
    }

    @Test
    void whatNobodyOwnsGoesAndIsTold() throws Exception {
        bring(WEB.manifest());
        assertThat(sweep(Host.EMPTY)).containsExactly(new HostEvent.Swept("blob", MANIFEST.toString()));
        assertThat(here).isEmpty();
        assertThat(strays.isEmpty()).isTrue();
    }

    @Test
    void whatAnotherDeliveryHoldsStaysUntilThatIsOver() throws Exception {
        bring(WEB.manifest());
        held = true;
        assertThat(sweep(Host.EMPTY)).isEmpty();
        held = false;
        assertThat(sweep(Host.EMPTY)).hasSize(1);
    }

    @Test
    void whatAPullBroughtStaysWhileItGoesOnAndGoesWhenItFailed() throws Exception {
        bring(WEB.manifest());
        Host asking = after(Host.EMPTY, pulled());
        assertThat(sweep(asking))
                .as("it may be what the pull is about to ask for")
                .isEmpty();
        Host fetching = after(asking, resolved());
        assertThat(sweep(fetching)).isEmpty();
        Host failed = after(fetching, new ImageEvent.Failed(PULL, new Failure(Failure.Kind.MISSING, "no layer")));
        assertThat(sweep(failed)).hasSize(1);
        assertThat(here).isEmpty();
    }

    @Test
    void whatFoundAnOwnerIsTheOwnersToLetGo() throws Exception {
        bring(WEB.manifest());
        bring(LAYER.descriptor());
        Host stored = after(
                Host.EMPTY,
                pulled(),
                resolved(),
                new LayerEvent.Wanted(LAYER, PULL, "docker.io/library/web", OVERLAY),
                new ImageEvent.Stored(PULL, withLayer()));
        assertThat(sweep(stored)).isEmpty();
        assertThat(strays.isEmpty()).isTrue();
        assertThat(here).containsExactlyInAnyOrder(MANIFEST, BLOB);
    }

    @Test
    void aLayerThatIsOnItsWayOutIsWaitedFor() throws Exception {
        bring(LAYER.descriptor());
        Host leaving = after(Host.EMPTY, new LayerEvent.Wanted(LAYER, PULL, "docker.io/library/web", OVERLAY));
        assertThat(strays.sweep(() -> leaving, store)).isEqualTo(new Strays.Swept(List.of(), true));
        assertThat(sweep(after(leaving, new LayerEvent.Removed(LAYER.id())))).hasSize(1);
    }

    private static Image withLayer() {
        return new Image(
                WEB.id(),
                WEB.manifest(),
                WEB.configBlob(),
                WEB.config(),
                List.of(LAYER),
                List.of(NAME),
                100,
                T0,
                true,
                Optional.empty());
    }
}
