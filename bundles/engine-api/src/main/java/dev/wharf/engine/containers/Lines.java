package dev.wharf.engine.containers;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Lists of containers as bytes. A line is kept until the container, or what it stands on, is another; its status, which tells
 * how long ago something was, until that is a second longer.
 */
final class Lines {
    private static final Comparator<Container> NEWEST_FIRST =
            Comparator.comparing(Container::createdAt).reversed().thenComparing(c -> c.id().value());

    /** What is kept of containers that have gone is let go when it is this much more than there are. */
    private static final int SLACK = 64;

    private final Map<Key, Line> kept = new ConcurrentHashMap<>();
    private volatile Order order = new Order(Map.of(), List.of());

    private record Key(ContainerId container, ApiVersion version) {}

    private record Order(Map<ContainerId, Container> of, List<Container> newestFirst) {}

    /** One line; the state is made of values that never change, so that the same object says the same. */
    private static final class Line {
        private final Container container;
        private final Object images;
        private final Object networks;
        private final Object volumes;
        private final Object linkNames;
        private final byte[] lasting;
        private final Optional<Instant> from;
        private volatile Status status;

        @SuppressWarnings("ArrayRecordComponent") // never compared, and nobody changes it
        private record Status(long seconds, byte[] text) {}

        Line(Container container, Host host, ApiVersion version, Instant now) {
            this.container = container;
            images = host.images();
            networks = host.networks();
            volumes = host.volumes();
            linkNames = host.linkNames();
            byte[] object = Json.bytes(new ContainerShapes(host, version).lasting(container, Optional.empty()));
            lasting = Arrays.copyOf(object, object.length - 1);
            from = Words.reckonedFrom(container);
            status = status(now);
        }

        boolean tells(Container c, Host host) {
            return container == c
                    && images == host.images()
                    && networks == host.networks()
                    && volumes == host.volumes()
                    && linkNames == host.linkNames();
        }

        void write(ByteArrayOutputStream out, Instant now) {
            if (status.seconds() != seconds(now)) {
                status = status(now);
            }
            out.writeBytes(lasting);
            out.writeBytes(status.text());
        }

        private long seconds(Instant now) {
            return from.isEmpty() ? 0 : Duration.between(from.get(), now).toSeconds();
        }

        private Status status(Instant now) {
            // Words and numbers, of which JSON needs nothing escaped.
            String end = ",\"Status\":\"" + Words.status(container, now) + "\"}";
            return new Status(seconds(now), end.getBytes(StandardCharsets.US_ASCII));
        }
    }

    /** Every container of a host in the order of lists. */
    List<Container> newestFirst(Host host) {
        Order known = order;
        if (known.of() != host.containers()) {
            known = new Order(
                    host.containers(),
                    host.containers().values().stream().sorted(NEWEST_FIRST).toList());
            order = known;
        }
        return known.newestFirst();
    }

    /** The list of these containers of a host, as a line. */
    byte[] list(Host host, ApiVersion version, List<Container> chosen, Instant now) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(2 + chosen.size() * 1024);
        out.write('[');
        for (int i = 0; i < chosen.size(); i++) {
            if (i > 0) {
                out.write(',');
            }
            line(host, version, chosen.get(i), now).write(out, now);
        }
        out.write(']');
        out.write('\n');
        return out.toByteArray();
    }

    private Line line(Host host, ApiVersion version, Container c, Instant now) {
        Key key = new Key(c.id(), version);
        Line known = kept.get(key);
        if (known != null && known.tells(c, host)) {
            return known;
        }
        Line line = new Line(c, host, version, now);
        kept.put(key, line);
        if (kept.size() > 2 * host.containers().size() + SLACK) {
            kept.keySet().removeIf(k -> host.container(k.container()).isEmpty());
        }
        return line;
    }
}
