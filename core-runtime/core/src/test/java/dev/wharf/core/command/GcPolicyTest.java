package dev.wharf.core.command;

import static dev.wharf.core.Given.OVERLAY;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.container;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.granted;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.HostEvent.Collected.Item;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.event.StorageEvent;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.MountSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import org.junit.jupiter.api.Test;

class GcPolicyTest {
    private static final Duration DAY = Duration.ofDays(1);
    private static final Instant NOW = T0.plus(Duration.ofDays(100));
    private static final PullId PULL = new PullId("0".repeat(32));
    private static final GcPolicy MONTH = policy(Optional.of(Duration.ofDays(30)), OptionalLong.empty());

    private Host host = Host.EMPTY;

    private static GcPolicy policy(Optional<Duration> unusedFor, OptionalLong keepBytes) {
        return policy(GcPolicy.Images.UNUSED, unusedFor, keepBytes, List.of(), List.of());
    }

    private static GcPolicy policy(
            GcPolicy.Images images,
            Optional<Duration> unusedFor,
            OptionalLong keepBytes,
            List<String> labels,
            List<String> references) {
        return new GcPolicy(
                images,
                unusedFor,
                keepBytes,
                Duration.ZERO,
                labels,
                references,
                Optional.of(Duration.ofDays(14)),
                OptionalLong.empty());
    }

    private static ImageId id(String name) {
        return new ImageId(Digest.sha256("image " + name));
    }

    /** A chain such as {@code a/b}: layer b on layer a; each has the bytes its name says, {@code a100}. */
    private static List<LayerSpec> chain(String path) {
        List<LayerSpec> layers = new ArrayList<>();
        Optional<LayerId> parent = Optional.empty();
        String so = "";
        for (String part : path.isEmpty() ? new String[0] : path.split("/")) {
            so += "/" + part;
            LayerSpec layer = new LayerSpec(
                    new LayerId(Digest.sha256("chain " + so)),
                    parent,
                    new Descriptor(MediaTypes.OCI_LAYER_GZIP, Digest.sha256("blob " + so), 10),
                    Digest.sha256("diff " + so));
            layers.add(layer);
            parent = Optional.of(layer.id());
        }
        return layers;
    }

    private static long bytes(String part) {
        String digits = part.replaceAll("[^0-9]", "");
        return digits.isEmpty() ? 10 : Long.parseLong(digits);
    }

    private void image(String name, String path, Instant storedAt, String... references) {
        image(name, path, storedAt, Map.of(), references);
    }

    private void image(String name, String path, Instant storedAt, Map<String, String> labels, String... references) {
        List<LayerSpec> layers = chain(path);
        String[] parts = path.split("/");
        for (int i = 0; i < layers.size(); i++) {
            LayerSpec layer = layers.get(i);
            if (host.layer(layer.id()).isEmpty()) {
                SnapshotKey key = SnapshotKey.of(layer.id());
                host = after(
                        host,
                        new LayerEvent.Wanted(layer, PULL, "docker.io/library/x", OVERLAY),
                        new LayerEvent.Fetched(layer.id(), layer.descriptor()),
                        new LayerEvent.Unpacked(
                                layer.id(), new Snapshot(key, SnapshotKey.SCRATCH, true), bytes(parts[i])));
            }
        }
        Image plain = Given.image(id(name), references);
        ImageConfig config = new ImageConfig(
                Platform.host(),
                "",
                "",
                "",
                List.of(),
                List.of(),
                List.of(),
                "",
                List.of(),
                List.of(),
                labels,
                "",
                Optional.empty(),
                List.of(),
                List.of(),
                List.of(),
                List.of());
        host = after(
                host,
                new ImageEvent.Stored(
                        PULL,
                        new Image(
                                plain.id(),
                                plain.manifest(),
                                plain.configBlob(),
                                config,
                                layers,
                                List.of(references),
                                100,
                                storedAt,
                                true,
                                Optional.empty())));
    }

    private void containerOf(String name, String image, Instant at) {
        containerOf(container(name), name, image, at);
    }

    private void containerOf(ContainerId id, String name, String image, Instant at, MountSpec... mounts) {
        ContainerSpec spec = new Given.Spec().image(id(image)).mounts(mounts).make();
        List<LayerSpec> layers = host.image(id(image)).map(Image::layers).orElse(List.of());
        host = after(
                host,
                new ContainerEvent.Created(
                        id,
                        name,
                        spec,
                        layers.isEmpty()
                                ? Optional.empty()
                                : Optional.of(layers.get(layers.size() - 1).id()),
                        at));
    }

    private List<String> going(GcPolicy policy) {
        return policy.items(host, NOW).stream().map(Item::name).toList();
    }

    @Test
    void whatNobodyUsedForLongGoesAndSaysWhy() {
        image("old", "a50", T0, "docker.io/library/old:1");
        image("young", "b60", NOW.minus(DAY), "docker.io/library/young:1");

        List<Item> items = MONTH.items(host, NOW);

        assertThat(items)
                .containsExactly(new Item(
                        "image",
                        id("old").value(),
                        "old:1",
                        50,
                        T0,
                        "not used for 100 days, which is longer than 30 days"));
    }

    @Test
    void aContainerCountsAsUseWhenItIsMadeAndWhenItEnds() {
        image("made", "a", T0, "docker.io/library/made:1");
        image("ended", "b", T0, "docker.io/library/ended:1");
        containerOf("one", "made", NOW.minus(DAY));
        containerOf("two", "ended", T0);
        host = after(host, exited(container("two"), 0, NOW.minus(DAY)));
        host = host.without(container("one")).without(container("two"));

        assertThat(going(MONTH)).isEmpty();
        assertThat(MONTH.items(host, NOW.plus(Duration.ofDays(30)))).hasSize(2);
    }

    @Test
    void whatAContainerWasMadeOfOrMountsStays() {
        image("base", "a", T0, "docker.io/library/base:1");
        image("mounted", "b", T0, "docker.io/library/mounted:1");
        image("kept", "c", T0, "docker.io/library/kept:1");
        containerOf(
                WEB,
                "web",
                "base",
                T0,
                new MountSpec(MountSpec.Kind.IMAGE, id("mounted").value(), "/data", true, false, Map.of()));
        containerOf("gone", "kept", T0);
        Container gone = host.container(container("gone")).orElseThrow();
        host = after(host.without(gone.id()), new ContainerEvent.Kept(gone));

        assertThat(going(MONTH)).isEmpty();
    }

    @Test
    void whatAnotherImageStandsOnStaysUntilThatGoes() {
        image("parent", "a", T0, "docker.io/library/parent:1");
        image("child", "a/b", NOW.minus(DAY), "docker.io/library/child:1");

        assertThat(going(MONTH)).isEmpty();
        assertThat(MONTH.items(host, NOW.plus(Duration.ofDays(40))).stream().map(Item::name))
                .as("in one go, the child first")
                .containsExactly("child:1", "parent:1");
    }

    @Test
    void theLongestUnusedGoUntilTheRestFits() {
        image("one", "a100", T0, "docker.io/library/one:1");
        image("two", "b100", T0.plus(DAY), "docker.io/library/two:1");
        image("three", "c100", T0.plus(DAY.multipliedBy(2)), "docker.io/library/three:1");
        containerOf("web", "one", T0);

        GcPolicy small = policy(Optional.empty(), OptionalLong.of(250));

        assertThat(going(small)).containsExactly("two:1");
        assertThat(small.items(host, NOW).get(0).reason())
                .isEqualTo("images take 300 B, which is more than 250 B, and this was used longest ago");
        assertThat(going(policy(Optional.empty(), OptionalLong.of(0))))
                .as("what is in use stays, however little may be kept")
                .containsExactly("two:1", "three:1");
        assertThat(going(policy(Optional.empty(), OptionalLong.of(300)))).isEmpty();
    }

    @Test
    void labelsAndNamesKeepWhatHasThem() {
        image("plain", "a", T0, "docker.io/library/plain:1");
        image("labelled", "b", T0, Map.of("keep", "yes"), "docker.io/library/labelled:1");
        image("named", "c", T0, "registry.example/base/os:9");

        assertThat(going(MONTH)).containsExactlyInAnyOrder("plain:1", "labelled:1", "registry.example/base/os:9");
        assertThat(going(policy(
                        GcPolicy.Images.UNUSED,
                        Optional.of(DAY),
                        OptionalLong.empty(),
                        List.of("keep=yes"),
                        List.of("registry.example/base/*"))))
                .containsExactly("plain:1");
        assertThat(going(policy(
                        GcPolicy.Images.UNUSED,
                        Optional.of(DAY),
                        OptionalLong.empty(),
                        List.of("keep=no", "other"),
                        List.of("plain"))))
                .containsExactlyInAnyOrder("labelled:1", "registry.example/base/os:9");
    }

    @Test
    void danglingMeansWithoutAName() {
        image("named", "a", T0, "docker.io/library/named:1");
        image("nameless", "b", T0);
        image("digest", "c", T0, "docker.io/library/x@" + Digest.sha256("x"));

        assertThat(going(
                        policy(GcPolicy.Images.DANGLING, Optional.of(DAY), OptionalLong.empty(), List.of(), List.of())))
                .containsExactly("<none>", "<none>");
        assertThat(going(policy(GcPolicy.Images.NONE, Optional.of(DAY), OptionalLong.of(0), List.of(), List.of())))
                .isEmpty();
    }

    @Test
    void whatIsOnItsWayStays() {
        image("moving", "a", T0, "docker.io/library/moving:1");
        image("pulled", "b", T0, "docker.io/library/pulled:1");
        SnapshotKey key = SnapshotKey.of(chain("a").get(0).id());
        Image pulled = host.image(id("pulled")).orElseThrow();
        PullId again = new PullId("1".repeat(32));
        host = after(
                host,
                new StorageEvent.MoveRequested(key, OVERLAY, new DriverName("erofs")),
                new ImageEvent.PullRequested(
                        again,
                        List.of("docker.io/library/pulled:1"),
                        Optional.empty(),
                        Pull.Source.REGISTRY,
                        OVERLAY,
                        NOW),
                new ImageEvent.Resolved(
                        again,
                        new Pull.Resolved(
                                pulled.id(),
                                pulled.manifest(),
                                pulled.manifest(),
                                pulled.configBlob(),
                                pulled.config(),
                                pulled.layers())));

        assertThat(going(MONTH)).isEmpty();
    }

    @Test
    void stepsThatNoBuildUsedGoWithWhatHeldThem() {
        image("result", "a/b", NOW, "docker.io/library/result:1");
        image("holder", "a/c70", T0);
        step("old", "holder", T0, chain("a/c70").get(1));
        step("new", "result", NOW.minus(DAY), chain("a/b").get(1));

        List<Item> items = MONTH.items(host, NOW);

        assertThat(items.stream().map(Item::kind)).containsExactly("build step", "image");
        assertThat(items.get(1).sizeBytes()).isEqualTo(70);
        assertThat(items.get(1).reason()).isEqualTo("held the layers of forgotten steps");
    }

    @Test
    void whatHoldsAStepThatStaysStays() {
        image("holder", "a", T0);
        step("new", "holder", NOW.minus(DAY), chain("a").get(0));

        assertThat(going(MONTH)).isEmpty();
    }

    private void step(String key, String holder, Instant at, LayerSpec layer) {
        host = after(
                host,
                new BuildEvent.Stepped(new BuildStep(
                        "build",
                        1,
                        "0",
                        "RUN " + key,
                        Digest.sha256(key),
                        false,
                        Duration.ZERO,
                        host.layer(layer.id()).orElseThrow().sizeBytes(),
                        at,
                        "",
                        "",
                        Optional.of(layer),
                        Optional.of(id(holder)),
                        Map.of())));
    }

    // ---- the command

    private HostCommand.Collect collect(GcPolicy policy, boolean dryRun) {
        return new HostCommand.Collect("run", policy, dryRun);
    }

    @Test
    void aDryRunTellsTheSameAndRemovesNothing() {
        image("old", "a", T0, "docker.io/library/old:1", "docker.io/library/older:1");

        List<Event> real = granted(host, collect(MONTH, false), NOW);
        List<Event> dry = granted(host, collect(MONTH, true), NOW);

        assertThat(dry).hasSize(1);
        assertThat(((HostEvent.Collected) dry.get(0)).items())
                .isEqualTo(((HostEvent.Collected) real.get(real.size() - 1)).items());
        assertThat(after(host, dry.toArray(Event[]::new))).isEqualTo(host);
        assertThat(after(host, real.toArray(Event[]::new))
                        .image(id("old"))
                        .orElseThrow()
                        .wanted())
                .isFalse();
    }

    @Test
    void whatCameIntoUseSinceSomebodyLookedStays() {
        image("old", "a", T0, "docker.io/library/old:1");
        assertThat(going(MONTH)).containsExactly("old:1");

        containerOf("web", "old", T0);

        assertThat(collect(MONTH, false).decide(host, NOW)).isInstanceOf(Decision.Refused.class);
    }

    @Test
    void whileABuildIsUnderWayNothingGoes() {
        image("old", "a", T0, "docker.io/library/old:1");
        host = after(host, new BuildEvent.Begun("b1", NOW, "Dockerfile", List.of("x")));

        Decision decision = collect(MONTH, false).decide(host, NOW);

        assertThat(((Decision.Refused) decision).refusal().message()).contains("build b1 is under way");
        host = after(host, new BuildEvent.Ended("b1", Duration.ZERO, Optional.empty(), "it failed"));
        assertThat(collect(MONTH, false).decide(host, NOW)).isInstanceOf(Decision.Accepted.class);
    }

    /** Whatever a host is like, what stays is whole and what is used stays. */
    @Test
    void nothingThatIsNeededEverGoes() {
        for (int seed = 0; seed < 300; seed++) {
            Random chance = new Random(seed);
            host = Host.EMPTY;
            int images = 1 + chance.nextInt(12);
            for (int i = 0; i < images; i++) {
                StringBuilder path = new StringBuilder();
                for (int depth = chance.nextInt(4); depth >= 0; depth--) {
                    path.append(path.isEmpty() ? "" : "/").append("l").append(chance.nextInt(3) * 50);
                }
                Instant at = T0.plus(Duration.ofDays(chance.nextInt(100)));
                if (chance.nextInt(4) == 0) {
                    image("i" + i, path.toString(), at);
                } else {
                    image("i" + i, path.toString(), at, "docker.io/library/i" + i + ":1");
                }
                if (chance.nextInt(3) == 0) {
                    containerOf("c" + i, "i" + i, at);
                }
                if (chance.nextInt(4) == 0) {
                    List<LayerSpec> layers =
                            host.image(id("i" + i)).orElseThrow().layers();
                    step("s" + i, "i" + i, at, layers.get(layers.size() - 1));
                }
            }
            GcPolicy policy = policy(
                    chance.nextBoolean() ? Optional.of(DAY.multipliedBy(1 + chance.nextInt(60))) : Optional.empty(),
                    chance.nextBoolean() ? OptionalLong.of(chance.nextInt(400)) : OptionalLong.empty());
            Decision decision = collect(policy, false).decide(host, NOW);
            if (!(decision instanceof Decision.Accepted accepted)) {
                continue;
            }
            Host then = after(host, accepted.events().toArray(Event[]::new));
            String what = "seed " + seed;
            then.containers().values().forEach(c -> {
                assertThat(then.image(c.spec().image()).orElseThrow().wanted())
                        .as(what)
                        .isTrue();
                c.top().ifPresent(top -> assertThat(then.isWanted(top)).as(what).isTrue());
            });
            then.images().values().stream()
                    .filter(Image::wanted)
                    .flatMap(i -> i.layers().stream())
                    .forEach(l -> assertThat(then.isWanted(l.id())).as(what).isTrue());
            then.steps()
                    .values()
                    .forEach(s -> assertThat(then.image(s.holder().orElseThrow())
                                    .orElseThrow()
                                    .wanted())
                            .as(what)
                            .isTrue());
            assertThat(collect(policy, false).decide(then, NOW))
                    .as("%s: one run is enough", what)
                    .isInstanceOf(Decision.Refused.class);
        }
    }
}
