package dev.wharf.core.state;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PublishedPort;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.model.ServiceName;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.storage.SnapshotKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.pcollections.HashTreePMap;
import org.pcollections.HashTreePSet;
import org.pcollections.PMap;
import org.pcollections.PSet;

/**
 * Everything that is so on this host, as one immutable value over persistent maps: keep it as long as you like; the next one
 * shares nearly all of it. Names, leases and ports are indexes over the subjects and are kept by {@link #with}.
 */
public final class Host {
    /** Before the first event. */
    public static final Host EMPTY = new Host(new Draft());

    private final Identity identity;
    private final PMap<ContainerId, Container> containers;
    private final PMap<ContainerId, Container> kept;
    private final PMap<String, ContainerId> names;
    private final PMap<ExecId, ContainerId> execs;
    private final PMap<ImageId, Image> images;
    /** How many of the images that are wanted have a layer; those that none has are missing. */
    private final PMap<LayerId, Integer> holders;

    private final PMap<String, ImageId> references;
    private final PMap<PullId, Pull> pulls;
    private final PMap<LayerId, Layer> layers;
    private final PMap<NetworkId, Network> networks;
    private final PMap<String, NetworkId> networkNames;
    private final PMap<VolumeName, Volume> volumes;
    private final PMap<String, Build> builds;
    private final PMap<Digest, BuildStep> steps;
    private final PMap<SnapshotKey, Move> moves;
    private final PMap<String, Job> jobs;
    private final PMap<Digest, Damage> damages;
    private final PMap<ImageId, Instant> uses;
    private final PMap<DriverId, DriverBinding> drivers;
    private final PMap<DocumentKey, Document> documents;
    private final PMap<ServiceName, Service> services;
    private final List<Peer> peers;
    private final PMap<NetworkId, Leases> leases;
    private final PMap<String, PMap<String, ContainerId>> ports;
    /** Which containers are made from an image, mount it, mount a volume, or have a place on a network. */
    private final PMap<SubjectId, PSet<ContainerId>> users;
    /** Which containers, those kept among them, stand on a layer themselves. */
    private final PMap<LayerId, PSet<ContainerId>> tops;
    /** The containers that others on the default network are linked to, by the names {@code other/alias} that gives them. */
    private final PMap<String, ContainerId> linked;

    /**
     * Who this host is.
     *
     * @param id chosen when the journal was opened first, for ever the same
     * @param bootId the kernel's, empty before the first boot was noted
     * @param name what documents of desired state call it; empty where it follows none
     * @param labels by which it belongs to groups of hosts
     * @param overlay its number and address among hosts that share networks, where it is known to them by Kafka
     * @param gateways what containers call it by that ask for its gateway; empty for its addresses on their networks
     */
    public record Identity(
            String id,
            String bootId,
            Optional<Instant> openedAt,
            String name,
            Map<String, String> labels,
            Optional<Peer> overlay,
            List<String> gateways) {
        public static final Identity NOBODY =
                new Identity("", "", Optional.empty(), "", Map.of(), Optional.empty(), List.of());

        public Identity {
            // Journals of before there were names and labels have none.
            name = name == null ? "" : name;
            labels = labels == null ? Map.of() : java.util.Collections.unmodifiableMap(new java.util.TreeMap<>(labels));
            gateways = gateways == null ? List.of() : List.copyOf(gateways);
        }

        public Identity openedAs(String host, Instant at) {
            return new Identity(host, bootId, Optional.of(at), name, labels, overlay, gateways);
        }

        public Identity booted(String boot) {
            return new Identity(id, boot, openedAt, name, labels, overlay, gateways);
        }

        public Identity introducedAs(String called, Map<String, String> with, Optional<Peer> seat) {
            return new Identity(id, bootId, openedAt, called, with, seat, gateways);
        }

        public Identity addressedAs(List<String> named) {
            return new Identity(id, bootId, openedAt, name, labels, overlay, named);
        }
    }

    private Host(Draft d) {
        identity = d.identity;
        containers = d.containers;
        kept = d.kept;
        names = d.names;
        execs = d.execs;
        images = d.images;
        holders = d.holders;
        references = d.references;
        pulls = d.pulls;
        layers = d.layers;
        networks = d.networks;
        networkNames = d.networkNames;
        volumes = d.volumes;
        builds = d.builds;
        steps = d.steps;
        moves = d.moves;
        jobs = d.jobs;
        damages = d.damages;
        uses = d.uses;
        drivers = d.drivers;
        documents = d.documents;
        services = d.services;
        peers = d.peers;
        leases = d.leases;
        ports = d.ports;
        users = d.users;
        tops = d.tops;
        linked = d.linked;
    }

    // ---- reading

    public Identity identity() {
        return identity;
    }

    public Map<ContainerId, Container> containers() {
        return containers;
    }

    public Optional<Container> container(ContainerId id) {
        return Optional.ofNullable(containers.get(id));
    }

    /** Containers that were removed and whose files are still here, so that they can be had back. */
    public Map<ContainerId, Container> kept() {
        return kept;
    }

    /** Whether a container is here, or was removed and has its files kept. */
    public boolean owns(ContainerId id) {
        return containers.containsKey(id) || kept.containsKey(id);
    }

    /** The container that has exactly this name, without a slash. */
    public Optional<Container> containerNamed(String name) {
        return Optional.ofNullable(names.get(name)).flatMap(this::container);
    }

    /** More names of containers, {@code other/alias}: where another one on the default network is linked to them. */
    public Map<String, ContainerId> linkNames() {
        return linked;
    }

    /**
     * Whether what others may miss of a container's last run is free again, its published ports and its places on networks
     * that can be removed, or will not be soon because a driver does not let go. One that shall run keeps them. Nobody waits for
     * a place on a network that is always there, whose addresses are many: to take it away takes longer than to end.
     */
    public boolean isOutOfTheWay(Container c) {
        return c.goal().wantsProcess()
                || c.stall().isPresent()
                || c.places().entrySet().stream()
                        .allMatch(place -> place.getValue().endpoint().ports().isEmpty()
                                && network(place.getKey())
                                        .map(n -> n.spec().predefined())
                                        .orElse(true));
    }

    /** Whom a container on the default network is linked to, as far as they are still here. */
    public List<Link> links(Container c) {
        if (c.spec().networking().links().isEmpty() || !isOnDefault(c)) {
            return List.of();
        }
        Map<String, Link> links = new LinkedHashMap<>();
        for (String written : c.spec().networking().links()) {
            List<String> parts = Link.parts(written);
            target(parts.get(0)).ifPresent(other -> links.putIfAbsent(parts.get(1), new Link(other, parts.get(1))));
        }
        return List.copyOf(links.values());
    }

    private Optional<Container> target(String written) {
        return written.length() == 64
                ? container(new ContainerId(written))
                : containerNamed(written)
                        .or(() -> containers.values().stream()
                                .filter(o ->
                                        written.length() >= 12 && o.id().value().startsWith(written))
                                .findFirst());
    }

    /** Whether it belongs, or will belong, to the network that is there without anybody having made it. */
    public boolean isOnDefault(Container c) {
        return c.spec().networking().networks().stream()
                .anyMatch(w ->
                        network(w.network()).map(n -> n.spec().predefined()).orElse(false));
    }

    /** The containers that are linked to this one. */
    public List<Container> linkedTo(ContainerId target) {
        return linked.entrySet().stream()
                .filter(e -> e.getValue().equals(target))
                .map(e -> e.getKey().substring(0, e.getKey().indexOf('/')))
                .distinct()
                .flatMap(owner -> containerNamed(owner).stream())
                .toList();
    }

    /** What a container's processes find in their environment: its own variables, and before them those of its links. */
    public List<String> environment(Container c) {
        List<Link> links = links(c);
        if (links.isEmpty()) {
            return c.spec().command().env();
        }
        Map<String, String> variables = new LinkedHashMap<>();
        Stream.concat(
                        links.stream().flatMap(l -> l.environment(this, c.name()).stream()),
                        c.spec().command().env().stream())
                .forEach(one -> variables.put(one.indexOf('=') < 0 ? one : one.substring(0, one.indexOf('=')), one));
        return List.copyOf(variables.values());
    }

    /** The container in which an exec was made. */
    public Optional<Container> containerOf(ExecId exec) {
        return Optional.ofNullable(execs.get(exec)).flatMap(this::container);
    }

    public Map<ImageId, Image> images() {
        return images;
    }

    public Optional<Image> image(ImageId id) {
        return Optional.ofNullable(images.get(id));
    }

    /** The image that a full reference stands for. */
    public Optional<Image> imageNamed(String reference) {
        return Optional.ofNullable(references.get(reference)).flatMap(this::image);
    }

    /**
     * The images that are here of those that were offered for several platforms together with this one, this one first. Those
     * that are called nothing themselves are there for as long as one of them is called something.
     */
    public List<Image> variants(Image image) {
        return image.index().isEmpty()
                ? List.of(image)
                : Stream.concat(
                                Stream.of(image),
                                images.values().stream()
                                        .filter(i -> i.wanted()
                                                && !i.id().equals(image.id())
                                                && i.index().equals(image.index())))
                        .toList();
    }

    /**
     * An image with its layers in the blobs that are here. A layer that images have in common is here once, as the first of them
     * brought it, and the manifests of the others may name a blob in which the same files are packed otherwise.
     */
    public Image asKept(Image image) {
        return image.packedAs(image.layers().stream()
                .map(layer -> layer(layer.id()).map(Layer::spec).orElse(layer))
                .toList());
    }

    /**
     * The blobs of layers that other repositories of a repository's registry have, with one of these for each: that of an image
     * that was pulled from there or pushed to there, which is called by its digest then.
     */
    public Map<Digest, String> blobsBeside(Repository repository) {
        Map<Digest, String> beside = new LinkedHashMap<>();
        for (Image image : images.values()) {
            for (String text : image.wanted() ? image.references() : List.<String>of()) {
                Reference reference = Reference.parse(text);
                Repository other = reference.repository();
                if (reference.digest().isPresent()
                        && other.host().equals(repository.host())
                        && !other.equals(repository)) {
                    Stream.concat(image.layers().stream(), asKept(image).layers().stream())
                            .forEach(layer ->
                                    beside.putIfAbsent(layer.descriptor().digest(), other.toString()));
                }
            }
        }
        return beside;
    }

    /** Whether an image is called nothing because another one of its variants is. */
    public boolean isVariant(Image image) {
        return image.references().isEmpty()
                && variants(image).stream().anyMatch(i -> !i.references().isEmpty());
    }

    public Map<PullId, Pull> pulls() {
        return pulls;
    }

    public Optional<Pull> pull(PullId id) {
        return Optional.ofNullable(pulls.get(id));
    }

    public Map<LayerId, Layer> layers() {
        return layers;
    }

    public Optional<Layer> layer(LayerId id) {
        return Optional.ofNullable(layers.get(id));
    }

    /** The lowest layer a container stands on whose snapshot is not there, because it was lost. */
    public Optional<Layer> lostBelow(Container c) {
        Optional<Layer> lost = Optional.empty();
        Optional<Layer> at = c.top().flatMap(this::layer);
        while (at.isPresent()) {
            lost = at.get().snapshot().isPresent() ? lost : at;
            at = at.get().spec().parent().flatMap(this::layer);
        }
        return lost;
    }

    public Map<NetworkId, Network> networks() {
        return networks;
    }

    public Optional<Network> network(NetworkId id) {
        return Optional.ofNullable(networks.get(id));
    }

    public Optional<Network> networkNamed(String name) {
        return Optional.ofNullable(networkNames.get(name)).flatMap(this::network);
    }

    /** The snapshots that are on their way to another storage driver. */
    public Map<SnapshotKey, Move> moves() {
        return moves;
    }

    public Optional<Move> move(SnapshotKey snapshot) {
        return Optional.ofNullable(moves.get(snapshot));
    }

    /** Whether a storage driver has this snapshot for a layer or container of this host, or is getting it. */
    public boolean keeps(SnapshotKey snapshot, DriverName driver) {
        Optional<Move> move = move(snapshot);
        if (move.filter(m -> m.from().equals(driver) || m.to().equals(driver)).isPresent()) {
            return true;
        }
        Object owner = Move.ownerOf(snapshot);
        if (owner instanceof LayerId id) {
            return layer(id).filter(l -> l.storage().equals(driver)).isPresent();
        }
        ContainerId id = (ContainerId) owner;
        return container(id)
                .or(() -> Optional.ofNullable(kept.get(id)))
                .filter(c -> c.spec().storage().equals(driver))
                .isPresent();
    }

    /** The builds that are remembered. */
    public Map<String, Build> builds() {
        return builds;
    }

    /** Whether a build that is under way made this container, to take it away by itself. */
    public boolean isOfBuild(Container c) {
        return c.name().equals(Build.containerName(c.id())) && isBuilding(c.createdAt());
    }

    /** Whether a build that is under way may stand on this image, which is called nothing yet. */
    public boolean isOfBuild(Image i) {
        return i.references().isEmpty() && isBuilding(i.storedAt());
    }

    private boolean isBuilding(Instant made) {
        return builds.values().stream().anyMatch(b -> b.isUnderWay() && !made.isBefore(b.at()));
    }

    /** The steps that builds need not do again, by their keys. */
    public Map<Digest, BuildStep> steps() {
        return steps;
    }

    /** The jobs of the scheduler that ever ran. */
    public Map<String, Job> jobs() {
        return jobs;
    }

    /** Blobs that are not what their digests say. */
    public Map<Digest, Damage> damages() {
        return damages;
    }

    /** The damaged blobs among those that an image stands on. */
    public List<Damage> damagesOf(Image image) {
        return damages.isEmpty()
                ? List.of()
                : Stream.concat(
                                image.documents().stream(),
                                image.layers().stream().map(LayerSpec::descriptor))
                        .map(Descriptor::digest)
                        .distinct()
                        .flatMap(digest -> Optional.ofNullable(damages.get(digest)).stream())
                        .toList();
    }

    /** When each image was last used by a container, for those that ever were. */
    public Map<ImageId, Instant> uses() {
        return uses;
    }

    /** When an image was used last: when it came, or a container of it was made or ended. */
    public Instant usedAt(Image image) {
        Instant use = uses.get(image.id());
        return use != null && use.isAfter(image.storedAt()) ? use : image.storedAt();
    }

    public Map<VolumeName, Volume> volumes() {
        return volumes;
    }

    public Optional<Volume> volume(VolumeName name) {
        return Optional.ofNullable(volumes.get(name));
    }

    public Map<DriverId, DriverBinding> drivers() {
        return drivers;
    }

    public Optional<DriverBinding> driver(DriverId id) {
        return Optional.ofNullable(drivers.get(id));
    }

    /** The documents of desired state that hold here, or were refused. */
    public Map<DocumentKey, Document> documents() {
        return documents;
    }

    public Optional<Document> document(DocumentKey key) {
        return Optional.ofNullable(documents.get(key));
    }

    /** What those documents want. */
    public Map<ServiceName, Service> services() {
        return services;
    }

    public Optional<Service> service(ServiceName name) {
        return Optional.ofNullable(services.get(name));
    }

    /** The hosts that share networks with this one, as last heard from Kafka. */
    public List<Peer> peers() {
        return peers;
    }

    /** The driver that new things of a kind use: the ready one of the highest rank, by name where ranks are equal. */
    public Optional<DriverName> preferred(DriverKind kind) {
        return drivers.values().stream()
                .filter(b -> b.id().driverKind() == kind && b.ready())
                .min(Comparator.comparingInt((DriverBinding b) -> -b.rank())
                        .thenComparing(b -> b.id().name().value()))
                .map(b -> b.id().name());
    }

    /** What a container's health check runs inside, with the shell its image asks for. */
    public List<String> probeCommand(Container c) {
        List<String> own = c.spec().command().shell();
        List<String> shell = own.isEmpty()
                ? image(c.spec().image()).map(i -> i.config().shell()).orElse(List.of())
                : own;
        return c.spec().healthcheck().map(h -> h.command(shell)).orElse(List.of());
    }

    /** The addresses of a network that are taken. */
    public Leases leases(NetworkId network) {
        Leases known = leases.get(network);
        return known == null ? Leases.NONE : known;
    }

    /** Who holds a host port: host address to container; the protocol is {@code tcp}, {@code udp} or {@code sctp}. */
    public Map<String, ContainerId> portHolders(String protocol, int port) {
        PMap<String, ContainerId> holders = ports.get(portKey(protocol, port));
        return holders == null ? Map.of() : holders;
    }

    /** The containers that use a volume, whatever they do now. */
    public List<Container> usersOf(VolumeName volume) {
        return users(volume);
    }

    /** The containers that were made from an image, or mount it. */
    public List<Container> usersOf(ImageId image) {
        return users(image);
    }

    /** The containers that have a place on a network. */
    public List<Container> usersOf(NetworkId network) {
        return users(network);
    }

    private List<Container> users(SubjectId used) {
        PSet<ContainerId> ids = users.get(used);
        return ids == null
                ? List.of()
                : ids.stream().flatMap(id -> container(id).stream()).toList();
    }

    /** Whether anything stands on a layer: an image, a pull under way, a container, or a layer that is itself wanted. */
    public boolean isWanted(LayerId layer) {
        return holders.containsKey(layer)
                || pulls.values().stream()
                        .anyMatch(p -> p.failure().isEmpty()
                                && p.resolved()
                                        .map(r -> r.layers().stream().anyMatch(l -> l.id().equals(layer)))
                                        .orElse(false))
                || tops.keySet().stream().anyMatch(top -> standsOn(Optional.of(top), layer));
    }

    private boolean standsOn(Optional<LayerId> top, LayerId layer) {
        Optional<LayerId> at = top;
        while (at.isPresent()) {
            if (at.get().equals(layer)) {
                return true;
            }
            at = layer(at.get()).flatMap(l -> l.spec().parent());
        }
        return false;
    }

    // ---- changing, which only events do

    public Host with(Identity who) {
        return edit(d -> d.identity = who);
    }

    /** The host with this container as it is now. */
    public Host with(Container c) {
        Container before = containers.get(c.id());
        Draft d = new Draft(this);
        d.containers = containers.plus(c.id(), c);
        if (before == null || !before.name().equals(c.name())) {
            if (before != null) {
                d.names = d.names.minus(before.name());
            }
            d.names = d.names.plus(c.name(), c.id());
        }
        d.moveLeases(before, c);
        d.moveUses(before, c);
        d.moveLinks(before, c);
        if (before == null || before.execs() != c.execs()) {
            for (ExecId exec : c.execs().keySet()) {
                d.execs = d.execs.plus(exec, c.id());
            }
            if (before != null) {
                for (ExecId exec : before.execs().keySet()) {
                    if (!c.execs().containsKey(exec)) {
                        d.execs = d.execs.minus(exec);
                    }
                }
            }
        }
        return new Host(d);
    }

    public Host without(ContainerId id) {
        Container before = containers.get(id);
        if (before == null) {
            return this;
        }
        Draft d = new Draft(this);
        d.containers = containers.minus(id);
        d.names = names.minus(before.name());
        d.execs = execs.minusAll(before.execs().keySet());
        d.moveLeases(before, null);
        d.moveUses(before, null);
        d.moveLinks(before, null);
        if (!kept.containsKey(id)) {
            before.top().ifPresent(top -> d.tops = minus(tops, top, id));
        }
        return new Host(d);
    }

    /** Changes a container that is here or kept; an unknown one changes nothing, for events outlive their subjects. */
    public Host change(ContainerId id, UnaryOperator<Container> change) {
        Container c = containers.get(id);
        if (c != null) {
            return with(change.apply(c));
        }
        Container removed = kept.get(id);
        return removed == null ? this : keeping(change.apply(removed));
    }

    /** The host with a removed container's files kept. */
    public Host keeping(Container removed) {
        return edit(d -> {
            d.kept = kept.plus(removed.id(), removed);
            removed.top().ifPresent(top -> d.tops = plus(tops, top, removed.id()));
        });
    }

    public Host keepingNoMore(ContainerId id) {
        Container removed = kept.get(id);
        return removed == null
                ? this
                : edit(d -> {
                    d.kept = kept.minus(id);
                    if (!containers.containsKey(id)) {
                        removed.top().ifPresent(top -> d.tops = minus(tops, top, id));
                    }
                });
    }

    /** The host with this image; its references are taken from whatever had them before. */
    public Host with(Image image) {
        Draft d = new Draft(this);
        Image before = images.get(image.id());
        if (before != null) {
            d.references = d.references.minusAll(before.references());
        }
        for (String reference : image.references()) {
            ImageId other = d.references.get(reference);
            Image robbed = other == null || other.equals(image.id()) ? null : d.images.get(other);
            if (robbed != null && other != null) {
                List<String> left = new ArrayList<>(robbed.references());
                left.remove(reference);
                d.images = d.images.plus(other, robbed.withReferences(left));
            }
            d.references = d.references.plus(reference, image.id());
        }
        d.images = d.images.plus(image.id(), image);
        d.moveLayers(before, image);
        return new Host(d);
    }

    public Host without(ImageId id) {
        Image before = images.get(id);
        return before == null
                ? this
                : edit(d -> {
                    d.images = images.minus(id);
                    d.moveLayers(before, null);
                    d.uses = uses.minus(id);
                    d.references = references.minusAll(before.references());
                });
    }

    public Host change(ImageId id, UnaryOperator<Image> change) {
        Image i = images.get(id);
        return i == null ? this : with(change.apply(i));
    }

    public Host with(Pull pull) {
        return edit(d -> d.pulls = pulls.plus(pull.id(), pull));
    }

    public Host without(PullId id) {
        return edit(d -> d.pulls = pulls.minus(id));
    }

    public Host change(PullId id, UnaryOperator<Pull> change) {
        Pull p = pulls.get(id);
        return p == null ? this : with(change.apply(p));
    }

    public Host with(Layer layer) {
        return edit(d -> d.layers = layers.plus(layer.id(), layer));
    }

    public Host without(LayerId id) {
        return edit(d -> d.layers = layers.minus(id));
    }

    public Host change(LayerId id, UnaryOperator<Layer> change) {
        Layer l = layers.get(id);
        return l == null ? this : with(change.apply(l));
    }

    public Host with(Network network) {
        return edit(d -> {
            d.networks = networks.plus(network.id(), network);
            if (network.wanted()) {
                d.networkNames = networkNames.plus(network.spec().name(), network.id());
            }
        });
    }

    public Host without(NetworkId id) {
        Network before = networks.get(id);
        return before == null
                ? this
                : edit(d -> {
                    d.networks = networks.minus(id);
                    d.leases = leases.minus(id);
                    if (id.equals(networkNames.get(before.spec().name()))) {
                        d.networkNames = networkNames.minus(before.spec().name());
                    }
                });
    }

    public Host change(NetworkId id, UnaryOperator<Network> change) {
        Network n = networks.get(id);
        return n == null ? this : with(change.apply(n));
    }

    public Host with(Move move) {
        return edit(d -> d.moves = moves.plus(move.snapshot(), move));
    }

    /** The host without this snapshot's move. */
    public Host without(SnapshotKey moving) {
        return edit(d -> d.moves = moves.minus(moving));
    }

    public Host with(Job job) {
        return edit(d -> d.jobs = jobs.plus(job.name(), job));
    }

    public Host with(Damage damage) {
        return edit(d -> d.damages = damages.plus(damage.blob(), damage));
    }

    /** The host with these blobs here anew. One that was not out of the way yet is what it was. */
    public Host renewed(Collection<Digest> blobs) {
        if (damages.isEmpty()) {
            return this;
        }
        PMap<Digest, Damage> left = damages.minusAll(blobs.stream()
                .filter(b -> Optional.ofNullable(damages.get(b))
                        .filter(Damage::aside)
                        .isPresent())
                .toList());
        return edit(d -> d.damages = left);
    }

    /** The host without this blob being damaged. */
    public Host cleared(Digest blob) {
        return edit(d -> d.damages = damages.minus(blob));
    }

    /** An image that is here was used at a time, by a container that was made of it or mounts it. */
    public Host used(ImageId image, Instant at) {
        Instant before = uses.get(image);
        return images.containsKey(image) && (before == null || before.isBefore(at))
                ? edit(d -> d.uses = uses.plus(image, at))
                : this;
    }

    /** The images of a container were used at a time. */
    public Host used(ContainerSpec by, Instant at) {
        Host after = used(by.image(), at);
        for (MountSpec mount : by.mounts()) {
            if (mount.kind() == MountSpec.Kind.IMAGE) {
                for (ImageId image : images.keySet()) {
                    after = image.value().equals(mount.source()) ? after.used(image, at) : after;
                }
            }
        }
        return after;
    }

    /** With a build; the oldest go where there are too many. */
    public Host with(Build build) {
        PMap<String, Build> more = builds.plus(build.id(), build);
        while (more.size() > Build.MOST) {
            more = more.minus(more.values().stream()
                    .min(java.util.Comparator.comparing(Build::at).thenComparing(Build::id))
                    .map(Build::id)
                    .orElseThrow());
        }
        PMap<String, Build> kept = more;
        return edit(d -> d.builds = kept);
    }

    /** Without what is remembered of a build but its steps. */
    public Host withoutBuild(String id) {
        return edit(d -> d.builds = builds.minus(id));
    }

    /** With a step of a build, which later builds may take. */
    public Host with(BuildStep step) {
        Build build = builds.get(step.build());
        return edit(d -> {
            d.steps = steps.plus(step.key(), step);
            if (build != null) {
                d.builds = builds.plus(build.id(), build.with(step));
            }
        });
    }

    /** With a step that later builds may take, of whatever build it was. */
    public Host remember(Digest key, BuildStep step) {
        return edit(d -> d.steps = steps.plus(key, step));
    }

    public Host withoutSteps(List<Digest> keys) {
        return edit(d -> d.steps = steps.minusAll(keys));
    }

    public Host with(Volume volume) {
        return edit(d -> d.volumes = volumes.plus(volume.name(), volume));
    }

    public Host without(VolumeName name) {
        return edit(d -> d.volumes = volumes.minus(name));
    }

    public Host change(VolumeName name, UnaryOperator<Volume> change) {
        Volume v = volumes.get(name);
        return v == null ? this : with(change.apply(v));
    }

    public Host with(DriverBinding binding) {
        return edit(d -> d.drivers = drivers.plus(binding.id(), binding));
    }

    public Host with(Document document) {
        return edit(d -> d.documents = documents.plus(document.key(), document));
    }

    public Host without(DocumentKey key) {
        return edit(d -> d.documents = documents.minus(key));
    }

    public Host with(Service service) {
        return edit(d -> d.services = services.plus(service.name(), service));
    }

    public Host without(ServiceName name) {
        return edit(d -> d.services = services.minus(name));
    }

    public Host change(ServiceName name, UnaryOperator<Service> change) {
        Service s = services.get(name);
        return s == null ? this : with(change.apply(s));
    }

    public Host withPeers(List<Peer> known) {
        return edit(d -> d.peers = List.copyOf(known));
    }

    /** Two hosts are equal when the same is so on both, however they came to be. */
    @Override
    public boolean equals(Object other) {
        return other instanceof Host h
                && identity.equals(h.identity)
                && containers.equals(h.containers)
                && kept.equals(h.kept)
                && images.equals(h.images)
                && pulls.equals(h.pulls)
                && layers.equals(h.layers)
                && networks.equals(h.networks)
                && volumes.equals(h.volumes)
                && builds.equals(h.builds)
                && steps.equals(h.steps)
                && moves.equals(h.moves)
                && jobs.equals(h.jobs)
                && damages.equals(h.damages)
                && uses.equals(h.uses)
                && drivers.equals(h.drivers)
                && documents.equals(h.documents)
                && services.equals(h.services)
                && peers.equals(h.peers);
    }

    @Override
    public int hashCode() {
        return containers.hashCode();
    }

    private Host edit(java.util.function.Consumer<Draft> change) {
        Draft d = new Draft(this);
        change.accept(d);
        return new Host(d);
    }

    private static <K> PMap<K, PSet<ContainerId>> plus(PMap<K, PSet<ContainerId>> map, K key, ContainerId id) {
        PSet<ContainerId> ids = map.get(key);
        return map.plus(key, ids == null ? HashTreePSet.singleton(id) : ids.plus(id));
    }

    private static <K> PMap<K, PSet<ContainerId>> minus(PMap<K, PSet<ContainerId>> map, K key, ContainerId id) {
        PSet<ContainerId> ids = map.get(key);
        PSet<ContainerId> left = ids == null ? HashTreePSet.empty() : ids.minus(id);
        return left.isEmpty() ? map.minus(key) : map.plus(key, left);
    }

    private static Set<SubjectId> uses(Container c) {
        Set<SubjectId> used = new HashSet<>(c.places().keySet());
        used.add(c.spec().image());
        for (MountSpec mount : c.spec().mounts()) {
            if (mount.kind() == MountSpec.Kind.VOLUME) {
                used.add(new VolumeName(mount.source()));
            } else if (mount.kind() == MountSpec.Kind.IMAGE) {
                used.add(ImageId.parse(mount.source()));
            }
        }
        return used;
    }

    private static String portKey(String protocol, int port) {
        return protocol + "/" + port;
    }

    /** A host under the pen. */
    private static final class Draft {
        private Identity identity = Identity.NOBODY;
        private PMap<ContainerId, Container> containers = HashTreePMap.empty();
        private PMap<ContainerId, Container> kept = HashTreePMap.empty();
        private PMap<String, ContainerId> names = HashTreePMap.empty();
        private PMap<ExecId, ContainerId> execs = HashTreePMap.empty();
        private PMap<ImageId, Image> images = HashTreePMap.empty();
        private PMap<LayerId, Integer> holders = HashTreePMap.empty();
        private PMap<String, ImageId> references = HashTreePMap.empty();
        private PMap<PullId, Pull> pulls = HashTreePMap.empty();
        private PMap<LayerId, Layer> layers = HashTreePMap.empty();
        private PMap<NetworkId, Network> networks = HashTreePMap.empty();
        private PMap<String, NetworkId> networkNames = HashTreePMap.empty();
        private PMap<VolumeName, Volume> volumes = HashTreePMap.empty();
        private PMap<String, Build> builds = HashTreePMap.empty();
        private PMap<Digest, BuildStep> steps = HashTreePMap.empty();
        private PMap<SnapshotKey, Move> moves = HashTreePMap.empty();
        private PMap<String, Job> jobs = HashTreePMap.empty();
        private PMap<Digest, Damage> damages = HashTreePMap.empty();
        private PMap<ImageId, Instant> uses = HashTreePMap.empty();
        private PMap<DriverId, DriverBinding> drivers = HashTreePMap.empty();
        private PMap<DocumentKey, Document> documents = HashTreePMap.empty();
        private PMap<ServiceName, Service> services = HashTreePMap.empty();
        private List<Peer> peers = List.of();
        private PMap<NetworkId, Leases> leases = HashTreePMap.empty();
        private PMap<String, PMap<String, ContainerId>> ports = HashTreePMap.empty();
        private PMap<SubjectId, PSet<ContainerId>> users = HashTreePMap.empty();
        private PMap<LayerId, PSet<ContainerId>> tops = HashTreePMap.empty();
        private PMap<String, ContainerId> linked = HashTreePMap.empty();

        Draft() {}

        Draft(Host h) {
            identity = h.identity;
            containers = h.containers;
            kept = h.kept;
            names = h.names;
            execs = h.execs;
            images = h.images;
            holders = h.holders;
            references = h.references;
            pulls = h.pulls;
            layers = h.layers;
            networks = h.networks;
            networkNames = h.networkNames;
            volumes = h.volumes;
            builds = h.builds;
            steps = h.steps;
            moves = h.moves;
            jobs = h.jobs;
            damages = h.damages;
            uses = h.uses;
            drivers = h.drivers;
            documents = h.documents;
            services = h.services;
            peers = h.peers;
            leases = h.leases;
            ports = h.ports;
            users = h.users;
            tops = h.tops;
            linked = h.linked;
        }

        /** Notes what {@code after} uses, and no more what only {@code before} used. */
        void moveUses(
                @org.jspecify.annotations.Nullable Container before,
                @org.jspecify.annotations.Nullable Container after) {
            if (before != null
                    && after != null
                    && before.spec() == after.spec()
                    && before.places().keySet().equals(after.places().keySet())) {
                return;
            }
            Set<SubjectId> old = before == null ? Set.of() : uses(before);
            Set<SubjectId> now = after == null ? Set.of() : uses(after);
            for (SubjectId used : old) {
                if (before != null && !now.contains(used)) {
                    users = minus(users, used, before.id());
                }
            }
            for (SubjectId used : now) {
                if (after != null && !old.contains(used)) {
                    users = plus(users, used, after.id());
                }
            }
            if (before == null && after != null) {
                after.top().ifPresent(top -> tops = plus(tops, top, after.id()));
            }
        }

        /** Counts an image's layers as it is, and no more as it was. */
        void moveLayers(
                @org.jspecify.annotations.Nullable Image before, @org.jspecify.annotations.Nullable Image after) {
            List<LayerSpec> then = before != null && before.wanted() ? before.layers() : List.of();
            List<LayerSpec> now = after != null && after.wanted() ? after.layers() : List.of();
            if (then.equals(now)) {
                return;
            }
            for (LayerSpec layer : then) {
                int left = holders.getOrDefault(layer.id(), 0) - 1;
                holders = left > 0 ? holders.plus(layer.id(), left) : holders.minus(layer.id());
            }
            for (LayerSpec layer : now) {
                holders = holders.plus(layer.id(), holders.getOrDefault(layer.id(), 0) + 1);
            }
        }

        /** Gives those that {@code after} is linked to their names, and takes what {@code before} gave. */
        void moveLinks(
                @org.jspecify.annotations.Nullable Container before,
                @org.jspecify.annotations.Nullable Container after) {
            Map<String, ContainerId> old = before == null ? Map.of() : linkNames(before);
            Map<String, ContainerId> now = after == null ? Map.of() : linkNames(after);
            if (!old.equals(now)) {
                linked = linked.minusAll(old.keySet()).plusAll(now);
            }
        }

        /** Links by id are those of the default network; on others names are resolved, and nothing is written down. */
        private static Map<String, ContainerId> linkNames(Container c) {
            if (c.spec().networking().links().isEmpty()) {
                return Map.of();
            }
            Map<String, ContainerId> names = new LinkedHashMap<>();
            for (String written : c.spec().networking().links()) {
                List<String> parts = Link.parts(written);
                if (parts.get(0).length() == 64) {
                    names.putIfAbsent(c.name() + "/" + parts.get(1), new ContainerId(parts.get(0)));
                }
            }
            return names;
        }

        private static List<PublishedPort> mapped(Container.Place place) {
            return place.endpoint().ports().stream()
                    .filter(PublishedPort::isMapped)
                    .toList();
        }

        /** Gives back what {@code before} held and takes what {@code after} holds. */
        void moveLeases(
                @org.jspecify.annotations.Nullable Container before,
                @org.jspecify.annotations.Nullable Container after) {
            if (before != null && after != null && before.places().equals(after.places())) {
                return;
            }
            if (before != null) {
                for (Container.Place place : before.places().values()) {
                    NetworkId network = place.endpoint().network();
                    Leases held = leases.get(network);
                    if (held != null) {
                        leases = leases.plus(network, held.without(place.endpoint()));
                    }
                    for (PublishedPort port : mapped(place)) {
                        String key = portKey(port.protocol(), port.hostPort());
                        PMap<String, ContainerId> holders = ports.get(key);
                        if (holders != null) {
                            PMap<String, ContainerId> left = holders.minus(port.hostAddress());
                            ports = left.isEmpty() ? ports.minus(key) : ports.plus(key, left);
                        }
                    }
                }
            }
            if (after != null) {
                for (Container.Place place : after.places().values()) {
                    NetworkId network = place.endpoint().network();
                    Leases held = leases.get(network);
                    leases = leases.plus(
                            network, (held == null ? Leases.NONE : held).with(place.endpoint(), after.id()));
                    for (PublishedPort port : mapped(place)) {
                        String key = portKey(port.protocol(), port.hostPort());
                        PMap<String, ContainerId> holders = ports.get(key);
                        ports = ports.plus(
                                key,
                                (holders == null ? HashTreePMap.<String, ContainerId>empty() : holders)
                                        .plus(port.hostAddress(), after.id()));
                    }
                }
            }
        }
    }
}
