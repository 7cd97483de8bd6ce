package dev.wharf.core.plan;

import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Host;
import dev.wharf.model.Digest;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/** What the host as a whole wants: damaged blobs out of the way, and forgotten once nothing stands on them. */
final class HostPlan implements Plan {
    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        if (host.damages().isEmpty()) {
            return Proposal.REST;
        }
        Proposal all = Proposal.REST;
        for (Damage damage : host.damages().values()) {
            Optional<Instant> retryAt = damage.stall().map(s -> s.retryAt()).filter(now::isBefore);
            if (busy.contains(HostStep.SetAside.rung(damage.blob()))) {
                all = all.and(Proposal.AWAIT);
            } else if (!isNeeded(host, damage.blob())) {
                all = all.and(Proposal.say(new HostEvent.BlobCleared(damage.blob(), "nothing stands on it any more")));
            } else if (retryAt.isPresent()) {
                all = all.and(Proposal.until(retryAt.get()));
            } else if (!damage.aside()) {
                all = all.and(Proposal.step(new HostStep.SetAside(damage)));
            }
        }
        return all;
    }

    private static boolean isNeeded(Host host, Digest blob) {
        return host.layers().values().stream()
                        .anyMatch(l -> l.spec().descriptor().digest().equals(blob))
                || host.images().values().stream()
                        .flatMap(i -> i.documents().stream())
                        .anyMatch(d -> d.digest().equals(blob));
    }
}
