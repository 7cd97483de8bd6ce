package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.core.story.Standing;
import dev.wharf.engine.json.Json;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.NetworkSpec;
import dev.wharf.spi.Driver.Format;
import java.util.Comparator;

/** Everything that stands on a host, each thing in a few fields. */
final class Summaries {
    private Summaries() {}

    static ObjectNode host(Host host, Position position) {
        ObjectNode summary = Json.object().put("position", position.sequence());
        summary.putObject("host")
                .put("id", host.identity().id())
                .put("boot", host.identity().bootId())
                .put(
                        "openedAt",
                        host.identity().openedAt().map(Object::toString).orElse(""));
        ArrayNode containers = summary.putArray("containers");
        host.containers().values().stream()
                .sorted(Comparator.comparing(Container::createdAt))
                .forEach(c -> containers.add(of(c)));
        ArrayNode images = summary.putArray("images");
        host.images().values().stream()
                .sorted(Comparator.comparing(Image::storedAt))
                .forEach(i -> images.add(of(i)));
        ArrayNode networks = summary.putArray("networks");
        host.networks().values().stream()
                .sorted(Comparator.comparing(n -> n.spec().name()))
                .forEach(n -> networks.add(of(n)));
        ArrayNode volumes = summary.putArray("volumes");
        host.volumes().values().stream()
                .sorted(Comparator.comparing(v -> v.name().value()))
                .forEach(v -> volumes.add(of(v)));
        return summary;
    }

    private static ObjectNode of(Container c) {
        ObjectNode node = Json.object()
                .put("id", c.id().value())
                .put("name", c.name())
                .put("image", c.spec().imageReference())
                .put("imageId", c.spec().image().value())
                .put("state", Standing.of(c).word())
                .put("goal", c.goal().name().toLowerCase(java.util.Locale.ROOT))
                .put("createdAt", c.createdAt().toString())
                .put("startedAt", c.startedAt().map(Object::toString).orElse(""));
        node.set("labels", Json.map(c.spec().labels()));
        c.process().value().ifPresent(p -> node.put("pid", p.init().pid()));
        c.exit().ifPresent(e -> node.put("exitCode", e.code()).put("exitedAt", e.at().toString()));
        node.set(
                "addresses",
                Json.array(c.places().values().stream()
                        .map(p -> p.endpoint().ipv4())
                        .filter(a -> !a.isEmpty())
                        .toList()));
        return node;
    }

    private static ObjectNode of(Image i) {
        ObjectNode node = Json.object().put("id", i.id().value());
        node.set("references", Json.array(i.references()));
        return node.put("layers", i.layers().size())
                .put("sizeBytes", i.sizeBytes())
                .put("storedAt", i.storedAt().toString());
    }

    private static ObjectNode of(Network n) {
        ObjectNode node = Json.object()
                .put("id", n.id().value())
                .put("name", n.spec().name())
                .put("driver", n.spec().driver().value());
        node.set(
                "subnets",
                Json.array(
                        n.spec().pools().stream().map(NetworkSpec.Pool::subnet).toList()));
        return node.put("device", n.device().last().map(d -> d.name()).orElse(""));
    }

    private static ObjectNode of(Volume v) {
        return Json.object()
                .put("name", v.name().value())
                .put("driver", v.spec().driver().value())
                .put("path", v.path().last().map(Object::toString).orElse(""));
    }

    /** Every driver, by kind and name, with what would miss it. */
    static ArrayNode drivers(Host host) {
        ArrayNode drivers = Json.array();
        host.drivers().values().stream()
                .sorted(Comparator.comparing((DriverBinding d) -> d.id().driverKind())
                        .thenComparing(d -> d.id().name().value()))
                .forEach(d -> drivers.add(driver(d, host)));
        return drivers;
    }

    static ObjectNode driver(DriverBinding d, Host host) {
        ObjectNode node = Json.object()
                .put("kind", d.id().driverKind().word())
                .put("name", d.id().name().value())
                .put("serving", d.serving().orElse(""));
        node.set(
                "formats", Json.array(d.formats().stream().map(Format::toString).toList()));
        node.put("rank", d.rank()).put("ready", d.ready()).put("why", d.why());
        node.set("usedBy", uses(d.id().driverKind(), d.id().name(), host));
        return node;
    }

    private static ObjectNode uses(DriverKind kind, DriverName name, Host host) {
        ObjectNode uses = Json.object();
        switch (kind) {
            case STORAGE -> {
                uses.put(
                        "containers",
                        count(host.containers().values().stream()
                                .filter(c -> c.spec().storage().equals(name)
                                        && !c.rootfs().isAbsent())));
                uses.put(
                        "layers",
                        count(host.layers().values().stream()
                                .filter(l -> l.storage().equals(name)
                                        && !l.snapshot().isAbsent())));
            }
            case NETWORK ->
                uses.put(
                        "networks",
                        count(host.networks().values().stream()
                                .filter(n -> n.spec().driver().equals(name))));
            case RUNTIME ->
                uses.put(
                        "containers",
                        count(host.containers().values().stream()
                                .filter(c -> !c.process().isAbsent())));
            case REGISTRY -> uses.put("pulls", host.pulls().size());
        }
        return uses;
    }

    private static long count(java.util.stream.Stream<?> things) {
        return things.count();
    }
}
