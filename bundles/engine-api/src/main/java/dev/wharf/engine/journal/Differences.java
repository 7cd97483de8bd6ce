package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Volume;
import dev.wharf.core.story.Standing;
import dev.wharf.engine.json.Json;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.Reference;
import dev.wharf.model.Resources;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** What is different between two hosts, thing by thing and field by field, in words that people compare by. */
final class Differences {
    /** Something that stands on a host; fields that say nothing are left out. */
    private record Thing(String name, Map<String, String> fields) {}

    private final ArrayNode changes = Json.array();

    /** Every change, one thing after another: containers, images, networks, volumes, each by name. */
    static ArrayNode between(Host before, Host after) {
        Differences all = new Differences();
        all.compare("container", containers(before), containers(after));
        all.compare("image", images(before), images(after));
        all.compare("network", networks(before), networks(after));
        all.compare("volume", volumes(before), volumes(after));
        return all.changes;
    }

    private void compare(String kind, Map<String, Thing> before, Map<String, Thing> after) {
        Map<String, String> ids = new TreeMap<>();
        before.forEach((id, thing) -> ids.put(thing.name() + " " + id, id));
        after.forEach((id, thing) -> {
            Thing old = before.get(id);
            ids.put((old == null ? thing : old).name() + " " + id, id);
        });
        for (String id : ids.values()) {
            Thing old = before.get(id);
            Thing now = after.get(id);
            if (old == null && now != null) {
                tell(kind, id, now.name(), "added", Map.of(), now.fields());
            } else if (old != null && now == null) {
                tell(kind, id, old.name(), "removed", old.fields(), Map.of());
            } else if (old != null && now != null && !old.equals(now)) {
                tell(kind, id, now.name(), "changed", old.fields(), now.fields());
            }
        }
    }

    private void tell(
            String kind, String id, String name, String change, Map<String, String> old, Map<String, String> now) {
        ObjectNode node = changes.addObject()
                .put("kind", kind)
                .put("name", name)
                .put("id", id)
                .put("change", change);
        ArrayNode fields = node.putArray("fields");
        Set<String> names = new LinkedHashSet<>(old.keySet());
        names.addAll(now.keySet());
        for (String field : names) {
            String was = old.getOrDefault(field, "");
            String is = now.getOrDefault(field, "");
            if (!was.equals(is)) {
                fields.addObject().put("field", field).put("old", was).put("new", is);
            }
        }
    }

    // ---- things

    private static Map<String, Thing> containers(Host host) {
        Map<String, Thing> things = new LinkedHashMap<>();
        for (Container c : host.containers().values()) {
            Fields fields = new Fields()
                    .add("name", c.name())
                    .add("image", c.spec().imageReference())
                    .add("image id", c.spec().image().shortForm())
                    .add("state", Standing.of(c).word())
                    .add("started", c.startedAt())
                    .add(
                            "pid",
                            c.isRunning()
                                    ? c.process()
                                            .last()
                                            .map(p -> p.init().pid())
                                            .orElse(0)
                                            .toString()
                                    : "")
                    .add(
                            "exit",
                            c.isRunning()
                                    ? ""
                                    : c.exit()
                                            .map(e -> "code " + e.code() + (e.outOfMemory() ? ", out of memory" : "")
                                                    + " at " + e.at())
                                            .orElse(""))
                    .add("restarts", c.restarts() == 0 ? "" : Integer.toString(c.restarts()))
                    .add("health", c.health().map(Container.Health::status).orElse(""))
                    .add("failure", c.failure().map(f -> f.message()).orElse(""))
                    .add(
                            "networks",
                            c.spec().networking().networks().stream()
                                    .map(w -> host.network(w.network())
                                            .map(n -> n.spec().name())
                                            .or(w::missing)
                                            .orElse(w.network().shortForm()))
                                    .toList())
                    .add(
                            "addresses",
                            c.places().values().stream()
                                    .map(p -> p.endpoint().ipv4())
                                    .toList())
                    .add(
                            "ports",
                            c.places().values().stream()
                                    .flatMap(p -> p.endpoint().ports().stream())
                                    .map(p -> p.hostAddress() + ":" + p.hostPort() + "->" + p.containerSide())
                                    .toList())
                    .add(
                            "mounts",
                            c.spec().mounts().stream()
                                    .filter(m -> m.kind() != MountSpec.Kind.TMPFS)
                                    .map(m -> m.source() + ":" + m.target())
                                    .toList())
                    .add(
                            "restart policy",
                            c.spec()
                                    .restartPolicy()
                                    .kind()
                                    .name()
                                    .toLowerCase(java.util.Locale.ROOT)
                                    .replace('_', '-'));
            limits(fields, c.spec().resources());
            things.put(c.id().value(), new Thing(c.name(), fields.all));
        }
        return things;
    }

    private static void limits(Fields fields, Resources r) {
        fields.add("memory", number(r.memoryBytes()))
                .add("memory and swap", number(r.memorySwapBytes()))
                .add("memory reservation", number(r.memoryReservationBytes()))
                .add("cpus", r.nanoCpus() == 0 ? "" : Double.toString(r.nanoCpus() / 1e9))
                .add("cpu shares", number(r.cpuShares()))
                .add("cpu quota", number(r.cpuQuotaMicros()))
                .add("cpu set", r.cpusetCpus())
                .add("pids", number(r.pidsLimit()));
    }

    private static String number(long value) {
        return value == 0 ? "" : Long.toString(value);
    }

    private static Map<String, Thing> images(Host host) {
        Map<String, Thing> things = new LinkedHashMap<>();
        for (Image i : host.images().values()) {
            List<String> names = i.references().stream()
                    .map(Reference::parse)
                    .map(Reference::familiar)
                    .sorted()
                    .toList();
            Fields fields = new Fields()
                    .add("references", names)
                    .add("size", number(i.sizeBytes()))
                    .add("layers", Integer.toString(i.layers().size()))
                    .add("wanted", i.wanted() ? "" : "no");
            things.put(
                    i.id().value(),
                    new Thing(names.stream().findFirst().orElseGet(() -> i.id().shortForm()), fields.all));
        }
        return things;
    }

    private static Map<String, Thing> networks(Host host) {
        Map<String, Thing> things = new LinkedHashMap<>();
        for (Network n : host.networks().values()) {
            NetworkSpec spec = n.spec();
            Fields fields = new Fields()
                    .add("name", spec.name())
                    .add("driver", spec.driver().value())
                    .add(
                            "subnets",
                            spec.pools().stream().map(NetworkSpec.Pool::subnet).toList())
                    .add("device", n.device().last().map(d -> d.name()).orElse(""))
                    .add("internal", spec.internal() ? "yes" : "")
                    .add("labels", spec.labels())
                    .add("options", spec.options())
                    .add(
                            "containers",
                            host.usersOf(n.id()).stream()
                                    .map(Container::name)
                                    .sorted()
                                    .toList());
            things.put(n.id().value(), new Thing(spec.name(), fields.all));
        }
        return things;
    }

    private static Map<String, Thing> volumes(Host host) {
        Map<String, Thing> things = new LinkedHashMap<>();
        for (Volume v : host.volumes().values()) {
            if (!v.wanted()) continue;
            Fields fields = new Fields()
                    .add("driver", v.spec().driver().value())
                    .add("made", v.createdAt().toString())
                    .add("path", v.path().last().map(Object::toString).orElse(""))
                    .add("labels", v.spec().labels())
                    .add("options", v.spec().options())
                    .add(
                            "containers",
                            host.usersOf(v.name()).stream()
                                    .map(Container::name)
                                    .sorted()
                                    .toList());
            things.put(v.name().value(), new Thing(v.name().value(), fields.all));
        }
        return things;
    }

    /** Names and values in order. */
    private static final class Fields {
        private final Map<String, String> all = new LinkedHashMap<>();

        Fields add(String name, String value) {
            if (!value.isEmpty()) all.put(name, value);
            return this;
        }

        Fields add(String name, java.util.Optional<?> value) {
            return add(name, value.map(Object::toString).orElse(""));
        }

        Fields add(String name, Collection<String> values) {
            return add(
                    name,
                    new ArrayList<>(values).stream().filter(v -> !v.isEmpty()).collect(Collectors.joining(", ")));
        }

        Fields add(String name, Map<String, String> values) {
            return add(
                    name,
                    new TreeMap<>(values)
                            .entrySet().stream()
                                    .map(e -> e.getKey() + "=" + e.getValue())
                                    .collect(Collectors.joining(", ")));
        }
    }
}
