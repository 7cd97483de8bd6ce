package dev.wharf.core.state;

import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.DesiredVolume;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * A document of desired state as this host has it. Its services are subjects of their own.
 *
 * @param digest of the text that holds; empty where none was ever fit to hold
 * @param source where that text came from
 * @param refusal what came later and was refused; what held before goes on
 */
public record Document(
        DocumentKey key,
        Optional<Digest> digest,
        String source,
        Instant at,
        List<DesiredNetwork> networks,
        List<DesiredVolume> volumes,
        Optional<Refused> refusal) {
    public Document {
        networks = List.copyOf(networks);
        volumes = List.copyOf(volumes);
    }

    /** A text that does not hold. */
    public record Refused(Digest digest, String source, String reason, Instant at) {}

    /** The same with a text that was refused. */
    public Document refusing(Refused text) {
        return new Document(key, digest, source, at, networks, volumes, Optional.of(text));
    }
}
