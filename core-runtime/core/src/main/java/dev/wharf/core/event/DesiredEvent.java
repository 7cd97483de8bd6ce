package dev.wharf.core.event;

import dev.wharf.core.state.Document;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Service;
import dev.wharf.core.state.Service.Phase;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.DesiredVolume;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import dev.wharf.model.SubjectId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What happens to desired state: its documents, and the services they want. */
public sealed interface DesiredEvent extends Event {
    /** A document holds from now on; what it says of services is told of each by itself. */
    @EventType("desired.accepted")
    record Accepted(
            DocumentKey document,
            Digest digest,
            String source,
            List<DesiredNetwork> networks,
            List<DesiredVolume> volumes,
            Instant at)
            implements DesiredEvent {
        public Accepted {
            networks = List.copyOf(networks);
            volumes = List.copyOf(volumes);
        }

        @Override
        public SubjectId subject() {
            return document;
        }

        @Override
        public Host apply(Host host) {
            return host.with(
                    new Document(document, Optional.of(digest), source, at, networks, volumes, Optional.empty()));
        }
    }

    /** A document does not hold; what held before goes on. */
    @EventType("desired.refused")
    record Refused(DocumentKey document, Digest digest, String source, String reason, Instant at)
            implements DesiredEvent {
        @Override
        public SubjectId subject() {
            return document;
        }

        @Override
        public Host apply(Host host) {
            return host.with(host.document(document)
                    .orElse(new Document(document, Optional.empty(), "", at, List.of(), List.of(), Optional.empty()))
                    .refusing(new Document.Refused(digest, source, reason, at)));
        }
    }

    /** A document is gone: its containers stay as they are, and nobody looks after them any more. */
    @EventType("desired.released")
    record Released(DocumentKey document) implements DesiredEvent {
        @Override
        public SubjectId subject() {
            return document;
        }

        @Override
        public Host apply(Host host) {
            Host after = host.without(document);
            for (Service service : host.services().values()) {
                if (service.document().equals(document)) {
                    after = after.without(service.name());
                }
            }
            return after;
        }
    }

    @EventType("desired.recorded")
    record Recorded(Document state) implements DesiredEvent {
        @Override
        public SubjectId subject() {
            return state.key();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }

    /** What happens to one service. */
    sealed interface OfService extends DesiredEvent {
        ServiceName service();

        @Override
        default SubjectId subject() {
            return service();
        }
    }

    /** A service shall be like this: a rollout begins. */
    @EventType("service.desired")
    record ServiceDesired(DocumentKey document, String version, ServiceSpec spec, Instant at) implements OfService {
        @Override
        public ServiceName service() {
            return spec.name();
        }

        @Override
        public Host apply(Host host) {
            Service.Version wanted = new Service.Version(version, spec);
            return host.with(host.service(spec.name())
                    .map(s -> s.wanting(document, wanted, at))
                    .orElse(new Service(
                            spec.name(),
                            document,
                            wanted,
                            Optional.empty(),
                            Phase.ROLLING,
                            List.of(),
                            "",
                            List.of(),
                            at)));
        }
    }

    /**
     * A replica of the version that is rolled out did not get well.
     *
     * @param what names the failure, so that it counts once: a container's id, or what was tried how often
     */
    @EventType("service.replica-failed")
    record ReplicaFailed(ServiceName service, String version, int replica, String what, String reason)
            implements OfService {
        @Override
        public Host apply(Host host) {
            return host.change(service, s -> s.failing(what));
        }
    }

    /**
     * Too many replicas failed: the rollout stops.
     *
     * @param backTo the version that comes back; empty where everything stays as it is
     */
    @EventType("service.rollout-halted")
    record RolloutHalted(ServiceName service, String version, Optional<String> backTo, String reason, Instant at)
            implements OfService {
        @Override
        public Host apply(Host host) {
            return host.change(
                    service, s -> s.halted(backTo.isPresent() ? Phase.ROLLING_BACK : Phase.HALTED, reason, at));
        }
    }

    /** Everything is as wanted. */
    @EventType("service.converged")
    record Converged(ServiceName service, String version, int replicas, Instant at) implements OfService {
        @Override
        public Host apply(Host host) {
            return host.change(service, s -> s.converged(at));
        }
    }

    /** The version before is back in all replicas. */
    @EventType("service.rolled-back")
    record RolledBack(ServiceName service, String from, String to, Instant at) implements OfService {
        @Override
        public Host apply(Host host) {
            return host.change(service, s -> s.rolledBack(at));
        }
    }

    /** Somebody changed what the service has: it is being repaired. */
    @EventType("service.drift-found")
    record DriftFound(ServiceName service, List<String> what) implements OfService {
        public DriftFound {
            what = List.copyOf(what);
        }

        @Override
        public Host apply(Host host) {
            return host.change(service, s -> s.drifted(what));
        }
    }

    @EventType("service.drift-repaired")
    record DriftRepaired(ServiceName service, List<String> what) implements OfService {
        public DriftRepaired {
            what = List.copyOf(what);
        }

        @Override
        public Host apply(Host host) {
            return host.change(service, s -> s.drifted(List.of()));
        }
    }

    /** No document wants the service any more: it is being taken away. */
    @EventType("service.withdrawn")
    record Withdrawn(ServiceName service, DocumentKey document, Instant at) implements OfService {
        @Override
        public Host apply(Host host) {
            return host.change(service, s -> s.leaving(at));
        }
    }

    /** Nothing of the service is left. */
    @EventType("service.removed")
    record ServiceRemoved(ServiceName service) implements OfService {
        @Override
        public Host apply(Host host) {
            return host.without(service);
        }
    }

    @EventType("service.recorded")
    record ServiceRecorded(Service state) implements OfService {
        @Override
        public ServiceName service() {
            return state.name();
        }

        @Override
        public Host apply(Host host) {
            return host.with(state);
        }
    }
}
