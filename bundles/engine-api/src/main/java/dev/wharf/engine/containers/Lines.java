package dev.wharf.engine.containers;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Lists of containers as bytes. Of a line all but the status is kept until the container, or what it stands on, is another;
 * the status tells how long ago something was, and is written each time.
 */
final class Lines {
    /** What is kept for containers that have gone is let go when it is this much more than there are. */
    private static final int SLACK = 64;

    private static final byte[] STATUS = ",\"Status\":\"".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] END = "\"}".getBytes(StandardCharsets.US_ASCII);

    private final Map<Key, Line> kept = new ConcurrentHashMap<>();

    private record Key(ContainerId container, ApiVersion version) {}

    /** A line up to its status, without the brace that ends it. */
    @SuppressWarnings("ArrayRecordComponent") // never compared, and nobody changes it
    private record Line(Container container, Object networks, Object volumes, byte[] bytes) {
        boolean tells(Container c, Host host) {
            return container == c && networks == host.networks() && volumes == host.volumes();
        }
    }

    /** The list of these containers of a host. */
    byte[] list(Host host, ApiVersion version, List<Container> chosen, Instant now) {
        ByteArrayOutputStream out = new ByteArrayOutputStream(2 + chosen.size() * 1280);
        out.write('[');
        for (int i = 0; i < chosen.size(); i++) {
            if (i > 0) {
                out.write(',');
            }
            Container c = chosen.get(i);
            out.writeBytes(line(host, version, c).bytes());
            out.writeBytes(STATUS);
            // Words and numbers, of which JSON needs nothing escaped.
            out.writeBytes(Words.status(c, now).getBytes(StandardCharsets.US_ASCII));
            out.writeBytes(END);
        }
        out.write(']');
        return out.toByteArray();
    }

    private Line line(Host host, ApiVersion version, Container c) {
        Key key = new Key(c.id(), version);
        @Nullable Line known = kept.get(key);
        if (known != null && known.tells(c, host)) {
            return known;
        }
        byte[] whole = Json.bytes(new ContainerShapes(host, version).lasting(c, Optional.empty()));
        byte[] open = java.util.Arrays.copyOf(whole, whole.length - 1);
        Line line = new Line(c, host.networks(), host.volumes(), open);
        kept.put(key, line);
        if (kept.size() > 2 * host.containers().size() + SLACK) {
            kept.keySet().removeIf(k -> host.container(k.container()).isEmpty());
        }
        return line;
    }
}
