package dev.wharf.core.state;

import dev.wharf.model.DocumentKey;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A service as it shall be on this host, and how far that is. Its containers are found by their labels.
 *
 * @param wanted what the document says
 * @param good the last version that was well
 * @param failed what failed of this rollout, each named once, so that it counts once
 * @param reason why a rollout was stopped, or empty
 * @param drift what somebody changed and is being repaired
 * @param since when this phase began
 */
public record Service(
        ServiceName name,
        DocumentKey document,
        Version wanted,
        Optional<Version> good,
        Phase phase,
        List<String> failed,
        String reason,
        List<String> drift,
        Instant since) {
    /** Says of a container which service it belongs to. */
    public static final String LABEL = "dev.wharf.service";

    /** Says which version of it. */
    public static final String VERSION_LABEL = "dev.wharf.service.version";

    /** Says which of the replicas, from 1. */
    public static final String REPLICA_LABEL = "dev.wharf.service.replica";

    /** Says of a container, network or volume which document it was made for. */
    public static final String DOCUMENT_LABEL = "dev.wharf.desired";

    public Service {
        failed = List.copyOf(failed);
        drift = List.copyOf(drift);
    }

    /** A specification and its name. */
    public record Version(String id, ServiceSpec spec) {}

    /** How a service stands. */
    public enum Phase {
        /** On the way to what is wanted. */
        ROLLING,
        /** All is as wanted. */
        CONVERGED,
        /** The wanted version failed, and what is there stays until another one is wanted. */
        HALTED,
        /** The wanted version failed, and the last good one is coming back. */
        ROLLING_BACK,
        /** The wanted version failed, and the last good one is there again. */
        ROLLED_BACK,
        /** Nobody wants it any more. */
        REMOVING;

        /** Whether one version is taking the place of another. */
        public boolean isMoving() {
            return this == ROLLING || this == ROLLING_BACK;
        }

        /** Whether nothing is to be done unless somebody interferes. */
        public boolean isSettled() {
            return this == CONVERGED || this == ROLLED_BACK;
        }
    }

    /** What its containers shall be like now. */
    public Version target() {
        return phase == Phase.ROLLING_BACK || phase == Phase.ROLLED_BACK ? good.orElse(wanted) : wanted;
    }

    /** Whether a rollout that is stopped goes back to an earlier version. */
    public boolean canGoBack() {
        return phase == Phase.ROLLING
                && wanted.spec().update().rollBack()
                && good.filter(g -> !g.id().equals(wanted.id())).isPresent();
    }

    public Service wanting(DocumentKey by, Version version, Instant at) {
        return new Service(name, by, version, good, Phase.ROLLING, List.of(), "", List.of(), at);
    }

    /** One more thing failed. */
    public Service failing(String what) {
        if (failed.contains(what)) {
            return this;
        }
        List<String> more = new ArrayList<>(failed);
        more.add(what);
        return new Service(name, document, wanted, good, phase, more, reason, drift, since);
    }

    public Service halted(Phase next, String why, Instant at) {
        return new Service(name, document, wanted, good, next, List.of(), why, List.of(), at);
    }

    public Service converged(Instant at) {
        return new Service(name, document, wanted, Optional.of(wanted), Phase.CONVERGED, List.of(), "", List.of(), at);
    }

    public Service rolledBack(Instant at) {
        return new Service(name, document, wanted, good, Phase.ROLLED_BACK, List.of(), reason, List.of(), at);
    }

    public Service drifted(List<String> what) {
        return new Service(name, document, wanted, good, phase, failed, reason, what, since);
    }

    public Service leaving(Instant at) {
        return new Service(name, document, wanted, good, Phase.REMOVING, List.of(), "", List.of(), at);
    }
}
