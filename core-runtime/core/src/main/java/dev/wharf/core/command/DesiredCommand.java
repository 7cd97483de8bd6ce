package dev.wharf.core.command;

import static dev.wharf.core.command.Decision.accept;
import static dev.wharf.core.command.Decision.refuse;
import static dev.wharf.core.command.Refusal.Kind.CONFLICT;
import static dev.wharf.core.command.Refusal.Kind.MISSING;
import static dev.wharf.core.command.Refusal.Kind.UNCHANGED;

import dev.wharf.core.event.DesiredEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Service;
import dev.wharf.core.state.Service.Phase;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.DesiredVolume;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.ServiceName;
import dev.wharf.model.ServiceSpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Wishes about desired state, and what became of them, which whoever sees to it writes down. */
public sealed interface DesiredCommand extends Command {
    /** Wants a document to hold: services it no longer names are taken away, those that differ are rolled out. */
    record Apply(
            DocumentKey document,
            Digest digest,
            String source,
            List<ServiceSpec> services,
            List<DesiredNetwork> networks,
            List<DesiredVolume> volumes)
            implements DesiredCommand {
        public Apply {
            services = List.copyOf(services);
            networks = List.copyOf(networks);
            volumes = List.copyOf(volumes);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            Optional<Document> known = host.document(document);
            Set<ServiceName> names = services.stream().map(ServiceSpec::name).collect(Collectors.toSet());
            for (ServiceName name : names) {
                Optional<Service> other =
                        host.service(name).filter(s -> !s.document().equals(document));
                if (other.isPresent()) {
                    return refuse(
                            CONFLICT,
                            "service " + name + " is wanted by the document "
                                    + other.get().document() + "; give this one another name");
                }
            }
            for (DesiredNetwork network : networks) {
                Optional<String> other = inTheWay(host, network);
                if (other.isPresent()) {
                    return refuse(CONFLICT, other.get() + "; give this one another");
                }
            }
            List<Event> events = new ArrayList<>();
            for (Service service : host.services().values()) {
                if (service.document().equals(document)
                        && service.phase() != Phase.REMOVING
                        && !names.contains(service.name())) {
                    events.add(new DesiredEvent.Withdrawn(service.name(), document, now));
                }
            }
            for (ServiceSpec spec : services) {
                Optional<Service> service = host.service(spec.name());
                if (service.filter(s ->
                                s.phase() != Phase.REMOVING && s.wanted().spec().equals(spec))
                        .isEmpty()) {
                    events.add(new DesiredEvent.ServiceDesired(document, version(service, spec), spec, now));
                }
            }
            boolean same = known.filter(d -> d.digest().equals(Optional.of(digest))
                            && d.refusal().isEmpty())
                    .isPresent();
            if (same && events.isEmpty()) {
                return refuse(UNCHANGED, "document " + document + " holds already");
            }
            events.add(0, new DesiredEvent.Accepted(document, digest, source, networks, volumes, now));
            return accept(events);
        }

        /** What keeps a network from the subnet it shall have; what this document itself made before goes or is it. */
        private Optional<String> inTheWay(Host host, DesiredNetwork wanted) {
            Stream<String> there = host.networks().values().stream()
                    .map(Network::spec)
                    .filter(n -> !n.configOnly() && !n.name().equals(wanted.name()))
                    .filter(n -> !document.value().equals(n.labels().get(Service.DOCUMENT_LABEL)))
                    .flatMap(n -> n.pools().stream()
                            .map(NetworkSpec.Pool::subnet)
                            .filter(other -> overlap(wanted.subnet(), other))
                            .map(other -> other + " of network " + n.name()));
            Stream<String> others = host.documents().values().stream()
                    .filter(d -> !d.key().equals(document))
                    .flatMap(d -> d.networks().stream()
                            .filter(n -> !n.name().equals(wanted.name()) && overlap(wanted.subnet(), n.subnet()))
                            .map(n -> n.subnet() + " of network " + n.name() + " of the document " + d.key()));
            return Stream.concat(there, others)
                    .findFirst()
                    .map(other -> "subnet " + wanted.subnet() + " of network " + wanted.name() + " overlaps " + other);
        }

        /** Whether two subnets have addresses in common; none do where one is left to the house, or is none. */
        private static boolean overlap(String one, String other) {
            try {
                return !one.isEmpty()
                        && !other.isEmpty()
                        && Addresses.Subnet.parse(one).overlaps(Addresses.Subnet.parse(other));
            } catch (IllegalArgumentException e) {
                return false;
            }
        }

        /** What is like a version that is known has its name, however names are made today. */
        private static String version(Optional<Service> service, ServiceSpec spec) {
            return service.flatMap(s -> s.wanted().spec().isLike(spec)
                            ? Optional.of(s.wanted().id())
                            : s.good().filter(g -> g.spec().isLike(spec)).map(Service.Version::id))
                    .orElseGet(spec::version);
        }
    }

    /** Writes down that a document does not hold, and why. */
    record Refuse(DocumentKey document, Digest digest, String source, String reason) implements DesiredCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            boolean known = host.document(document)
                    .flatMap(Document::refusal)
                    .filter(r -> r.digest().equals(digest) && r.reason().equals(reason))
                    .isPresent();
            return known
                    ? refuse(UNCHANGED, "it is written down already")
                    : accept(new DesiredEvent.Refused(document, digest, source, reason, now));
        }
    }

    /** Looks after what a document wants no longer, and leaves it as it is. */
    record Release(DocumentKey document) implements DesiredCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return host.document(document).isEmpty()
                    ? refuse(UNCHANGED, "there is no document " + document)
                    : accept(new DesiredEvent.Released(document));
        }
    }

    /** Writes down that a replica did not get well. */
    record NoteFailure(ServiceName service, String version, int replica, String what, String reason)
            implements DesiredCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return at(
                    host,
                    service,
                    version,
                    s -> !s.phase().isMoving() || s.failed().contains(what)
                            ? refuse(UNCHANGED, "it does not count")
                            : accept(new DesiredEvent.ReplicaFailed(service, version, replica, what, reason)));
        }
    }

    /** Stops a rollout. */
    record Halt(ServiceName service, String version, String reason) implements DesiredCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return at(host, service, version, s -> {
                if (!s.phase().isMoving()) {
                    return refuse(UNCHANGED, "nothing is rolled out");
                }
                Optional<String> backTo = s.canGoBack() ? s.good().map(Service.Version::id) : Optional.empty();
                return accept(new DesiredEvent.RolloutHalted(service, version, backTo, reason, now));
            });
        }
    }

    /** Writes down that everything is as it shall be. */
    record Settle(ServiceName service, String version) implements DesiredCommand {
        @Override
        public Decision decide(Host host, Instant now) {
            return at(host, service, version, s -> switch (s.phase()) {
                case ROLLING ->
                    accept(new DesiredEvent.Converged(
                            service, version, s.wanted().spec().replicas(), now));
                case ROLLING_BACK ->
                    accept(new DesiredEvent.RolledBack(service, s.wanted().id(), version, now));
                case CONVERGED, ROLLED_BACK ->
                    s.drift().isEmpty()
                            ? refuse(UNCHANGED, "it is so already")
                            : accept(new DesiredEvent.DriftRepaired(service, s.drift()));
                case HALTED, REMOVING -> refuse(CONFLICT, "service " + service + " is not on its way there");
            });
        }
    }

    /** Writes down what somebody changed. */
    record NoteDrift(ServiceName service, String version, List<String> what) implements DesiredCommand {
        public NoteDrift {
            what = List.copyOf(what);
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return at(
                    host,
                    service,
                    version,
                    s -> !s.phase().isSettled() || s.drift().containsAll(what)
                            ? refuse(UNCHANGED, "it is known already")
                            : accept(new DesiredEvent.DriftFound(
                                    service,
                                    Stream.concat(s.drift().stream(), what.stream())
                                            .distinct()
                                            .toList())));
        }
    }

    /** Writes down that nothing of a service is left. */
    record Forget(ServiceName service) implements DesiredCommand {
        @Override
        public boolean letsGo() {
            return true;
        }

        @Override
        public Decision decide(Host host, Instant now) {
            return host.service(service)
                            .filter(s -> s.phase() == Phase.REMOVING)
                            .isPresent()
                    ? accept(new DesiredEvent.ServiceRemoved(service))
                    : refuse(UNCHANGED, "service " + service + " is not being taken away");
        }
    }

    /** Judges what was seen of a version, which counts only while that is still the one to have. */
    private static Decision at(Host host, ServiceName name, String version, Function<Service, Decision> judge) {
        Optional<Service> service = host.service(name);
        if (service.isEmpty()) {
            return refuse(MISSING, "there is no service " + name);
        }
        return service.get().target().id().equals(version)
                ? judge.apply(service.get())
                : refuse(CONFLICT, "service " + name + " shall have another version by now");
    }
}
