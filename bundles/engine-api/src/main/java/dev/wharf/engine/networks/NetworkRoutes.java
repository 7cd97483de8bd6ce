package dev.wharf.engine.networks;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Addresses;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.NetworkCommand;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Network;
import dev.wharf.engine.containers.ContainerLookup;
import dev.wharf.engine.containers.Since;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.http.Sweep;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.json.Times;
import dev.wharf.engine.system.AbsentRoutes;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkSpec.Pool;
import dev.wharf.model.NetworkWish;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** {@code /networks}. */
public final class NetworkRoutes implements Routes {
    private static final Set<String> LIST_FILTERS =
            Set.of("driver", "id", "label", "label!", "name", "scope", "type", "dangling");
    private static final Set<String> PRUNE_FILTERS = Set.of("label", "label!", "until");
    /** Drivers whose networks carry what somebody else gives addresses to. */
    private static final Set<String> WITHOUT_ADDRESSES = Set.of("macvlan", "ipvlan");

    /** The kernel takes no longer name for a device (IFNAMSIZ, netdevice(7)). */
    private static final int DEVICE_NAME = 15;

    private static final String BRIDGE_NAME = "com.docker.network.bridge.name";
    /** What the kernel takes (dev_valid_name of net/core/dev.c), but for the sign that has it choose a number. */
    private static final Pattern DEVICE_INSIDE = Pattern.compile("[^\\s/:%]{1," + DEVICE_NAME + "}");

    private static final Set<String> NO_DEVICE = Set.of(".", "..", "lo");
    private static final Pattern SETTING =
            Pattern.compile("net\\.(?:ipv4|ipv6|mpls)\\.\\w+\\.(?:IFNAME|ifname)\\.\\w+=.*");

    private static final Pattern DEVICE = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]*");

    @Override
    public void addTo(Router router) {
        router.get("/networks", NetworkRoutes::list)
                .get("/networks/", NetworkRoutes::list)
                .post("/networks/create", NetworkRoutes::create)
                .post("/networks/prune", NetworkRoutes::prune)
                .post("/networks/{name}/connect", NetworkRoutes::connect)
                .post("/networks/{name}/disconnect", NetworkRoutes::disconnect)
                .get("/networks/{name}", NetworkRoutes::inspect)
                .delete("/networks/{name}", NetworkRoutes::remove)
                .post("/wharf/v1/networks/reconcile", NetworkRoutes::reconcile);
    }

    // ---- finding

    /** The network a client means: a whole id, then a name, then the beginning of an id. */
    public static Network find(Host host, String text) {
        return found(host, text).orElseThrow(() -> missing(text));
    }

    private static Problem missing(String text) {
        return Problem.missing("network " + text + " not found");
    }

    /** The same, where there may be none yet. */
    public static Optional<Network> found(Host host, String text) {
        Optional<Network> exact = text.matches("[0-9a-f]{64}") ? host.network(new NetworkId(text)) : Optional.empty();
        return exact.or(() -> host.networkNamed(text))
                .or(() -> byPrefix(host, text))
                .filter(Network::wanted);
    }

    private static Optional<Network> byPrefix(Host host, String text) {
        List<Network> matching = host.networks().values().stream()
                .filter(n -> !text.isEmpty() && n.wanted() && n.id().value().startsWith(text))
                .toList();
        if (matching.size() > 1) {
            throw Problem.invalid(
                    "network " + text + " is ambiguous (" + matching.size() + " matches found on ID prefix)");
        }
        return matching.stream().findFirst();
    }

    // ---- reading

    private static Answer list(Agent agent, Request request) {
        Host host = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), LIST_FILTERS);
        filters.all("type").forEach(type -> {
            if (!type.equals("builtin") && !type.equals("custom")) {
                throw Problem.invalid("invalid filter: 'type'='" + type + "'");
            }
        });
        ArrayNode networks = Json.array();
        host.networks().values().stream()
                .filter(Network::wanted)
                .filter(n -> filters.any("driver", d -> d.equals(driver(n))))
                .filter(n -> filters.any("id", i -> matches(i, n.id().value())))
                .filter(n -> filters.any("name", name -> matches(name, n.spec().name())))
                .filter(n -> filters.any("scope", "local"::equals))
                .filter(n -> filters.any("type", t -> t.equals(n.spec().predefined() ? "builtin" : "custom")))
                .filter(n -> filters.flag("dangling")
                        .map(wanted -> wanted
                                == (!n.spec().predefined()
                                        && host.usersOf(n.id()).isEmpty()))
                        .orElse(true))
                .filter(n -> filters.labels(n.spec().labels()))
                .sorted(Comparator.comparing(Network::createdAt)
                        .thenComparing(n -> n.spec().name()))
                .forEach(n -> networks.add(
                        request.version().atLeast(28)
                                ? shape(n).set("Containers", Json.object())
                                // Older lists tell everything.
                                : inspection(host, n)));
        return Answer.json(networks);
    }

    private static boolean matches(String pattern, String text) {
        try {
            return text.contains(pattern)
                    || Pattern.compile(pattern).matcher(text).find();
        } catch (PatternSyntaxException e) {
            return false;
        }
    }

    private static Answer inspect(Agent agent, Request request) {
        Host host = agent.host();
        Network network = find(host, request.name());
        String scope = request.query().text("scope");
        if (!scope.isEmpty() && !scope.equals("local")) {
            throw Problem.missing("network " + request.name() + " not found");
        }
        String verbose = request.query().text("verbose");
        if (!verbose.matches("|[01tTfF]|(?:[tT]rue|TRUE)|(?:[fF]alse|FALSE)")) {
            throw Problem.invalid("invalid value for verbose: " + verbose + ": strconv.ParseBool: parsing \"" + verbose
                    + "\": invalid syntax");
        }
        return Answer.json(inspection(host, network));
    }

    /** A network with the containers on it. */
    public static ObjectNode inspection(Host host, Network network) {
        ObjectNode node = shape(network);
        ObjectNode containers = node.putObject("Containers");
        for (Container container : host.usersOf(network.id())) {
            Container.Place place = container.places().get(network.id());
            if (place != null && place.fact().isPresent()) {
                containers
                        .putObject(container.id().value())
                        .put("Name", container.name())
                        .put("EndpointID", place.endpoint().id())
                        .put("MacAddress", place.endpoint().mac())
                        .put("IPv4Address", place.endpoint().ipv4())
                        .put("IPv6Address", place.endpoint().ipv6());
            }
        }
        return node;
    }

    /** Docker calls the mode of no network {@code null}. */
    public static String driver(Network network) {
        String driver = network.spec().driver().value();
        return driver.equals("none") ? "null" : driver;
    }

    private static ObjectNode shape(Network network) {
        NetworkSpec spec = network.spec();
        ObjectNode node = Json.object();
        node.put("Name", spec.name())
                .put("Id", spec.id().value())
                .put("Created", network.createdAt().toString())
                .put("Scope", "local")
                .put("Driver", driver(network))
                .put("EnableIPv4", !spec.ipv6Only())
                .put("EnableIPv6", spec.ipv6());
        ObjectNode ipam = node.putObject("IPAM").put("Driver", "default");
        ipam.set("Options", spec.ipamOptions().isEmpty() ? NullNode.instance : Json.map(spec.ipamOptions()));
        ArrayNode config = Json.array();
        for (Pool pool : spec.pools()) {
            ObjectNode one = config.addObject().put("Subnet", pool.subnet());
            if (!pool.range().isEmpty()) {
                one.put("IPRange", pool.range());
            }
            // Of a subnet that somebody asked for, what was asked for is told: tools compare it with what they want.
            if (!pool.gateway().isEmpty() && !pool.gatewayChosen()) {
                one.put("Gateway", pool.gateway());
            }
            if (!pool.reserved().isEmpty()) {
                one.set("AuxiliaryAddresses", Json.map(pool.reserved()));
            }
        }
        ipam.set("Config", config.isEmpty() ? NullNode.instance : config);
        node.put("Internal", spec.internal())
                .put("Attachable", spec.attachable())
                .put("Ingress", false);
        node.putObject("ConfigFrom").put("Network", spec.configFrom());
        node.put("ConfigOnly", spec.configOnly());
        Map<String, String> options = new LinkedHashMap<>(spec.options());
        if (spec.predefined() && !spec.deviceName().isEmpty()) {
            options.putIfAbsent("com.docker.network.bridge.default_bridge", "true");
            options.putIfAbsent("com.docker.network.bridge.enable_icc", "true");
            options.putIfAbsent("com.docker.network.bridge.enable_ip_masquerade", "true");
            options.putIfAbsent("com.docker.network.bridge.host_binding_ipv4", "0.0.0.0");
            options.putIfAbsent(BRIDGE_NAME, spec.deviceName());
            options.putIfAbsent("com.docker.network.driver.mtu", "1500");
        }
        node.set("Options", Json.map(options));
        node.set("Labels", Json.map(spec.labels()));
        return node;
    }

    // ---- changing

    private static Answer create(Agent agent, Request request) {
        Body body = Since.network(request.json(), request.version());
        String name = body.text("Name");
        boolean ipv6Only = body.has("EnableIPv4") && !body.flag("EnableIPv4");
        String scope = body.text("Scope");
        boolean configOnly = body.flag("ConfigOnly");
        boolean foreign = body.flag("Internal") || body.flag("Attachable") || body.flag("Ingress") || !scope.isEmpty();
        if (configOnly && foreign) {
            throw new Problem(
                    403,
                    "configuration network can only contain network specific fields. Network operator fields like"
                            + " [ ingress | internal | attachable | scope ] are not supported.");
        }
        if (configOnly && !body.body("ConfigFrom").text("Network").isEmpty()) {
            throw new Problem(403, "a configuration network cannot depend on another configuration network");
        }
        if (body.flag("Ingress")) {
            throw Problem.unsupported("ingress networks are not served");
        }
        if (scope.equals("swarm")) {
            throw new Problem(403, "cannot create a swarm scoped network when swarm is not active");
        }
        if (!scope.isEmpty() && !scope.equals("local")) {
            throw Problem.unavailable(AbsentRoutes.NO_MANAGER);
        }
        String driver = body.optionalText("Driver")
                .filter(d -> !d.isEmpty() && !d.equals("default"))
                .orElse("bridge");
        if (driver.equals("host") || driver.equals("null") || driver.equals("none")) {
            throw new Problem(403, "only one instance of \"" + driver + "\" network is allowed");
        }
        // Docker calls networks over hosts by what they are for, we take the technique's name as well.
        driver = driver.equals("vxlan") ? "overlay" : driver;
        if (ipv6Only && !body.flag("EnableIPv6") && !WITHOUT_ADDRESSES.contains(driver)) {
            throw Problem.invalid("IPv4 or IPv6 must be enabled");
        }
        if (configOnly) {
            // Docker shows them as networks of the driver null, whatever is asked for.
            driver = "none";
        }
        Optional<DriverBinding> known;
        try {
            known = agent.host().driver(new DriverId(DriverKind.NETWORK, new DriverName(driver)));
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        if (known.isEmpty()) {
            throw Problem.missing("plugin \"" + driver + "\" not found");
        }
        if (known.get().serving().isEmpty() && !known.get().why().isEmpty()) {
            throw Problem.unsupported("networks of driver " + driver + " cannot be made here: "
                    + known.get().why());
        }
        String id = Entropy.fresh().hex("network");
        Map<String, String> options = body.map("Options");
        NetworkSpec spec;
        try {
            spec = new NetworkSpec(
                    new NetworkId(id),
                    name,
                    new DriverName(driver),
                    device(options, id),
                    pools(body.body("IPAM")),
                    body.flag("Internal"),
                    body.flag("Attachable"),
                    body.flag("EnableIPv6"),
                    false,
                    options,
                    body.body("IPAM").map("Options"),
                    body.map("Labels"),
                    configOnly,
                    body.body("ConfigFrom").text("Network"),
                    ipv6Only);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
        NetworkSpec whole = spec.configFrom().isEmpty() ? spec : configured(agent.host(), spec);
        return Answer.later(agent.submit(new NetworkCommand.Create(whole), request.cause())
                .thenApply(event -> Answer.json(201, Json.object().put("Id", id).put("Warning", ""))));
    }

    /** A network made with the settings that another keeps, which may have none of its own. */
    private static NetworkSpec configured(Host host, NetworkSpec spec) {
        if (spec.ipv6()
                || !spec.labels().isEmpty()
                || !spec.ipamOptions().isEmpty()
                || !spec.pools().isEmpty()) {
            throw new Problem(
                    403,
                    "user specified configurations are not supported if the network depends on a configuration network");
        }
        if (!spec.options().isEmpty()) {
            throw new Problem(
                    403, "network driver options are not supported if the network depends on a configuration network");
        }
        NetworkSpec kept = host.networkNamed(spec.configFrom())
                .map(Network::spec)
                .filter(NetworkSpec::configOnly)
                .orElseThrow(
                        () -> Problem.missing("configuration network \"" + spec.configFrom() + "\" does not exist"));
        return new NetworkSpec(
                spec.id(),
                spec.name(),
                spec.driver(),
                device(kept.options(), spec.id().value()),
                kept.pools(),
                spec.internal(),
                spec.attachable(),
                kept.ipv6(),
                false,
                kept.options(),
                kept.ipamOptions(),
                kept.labels(),
                false,
                spec.configFrom(),
                kept.ipv6Only());
    }

    private static String device(Map<String, String> options, String id) {
        String wanted = options.getOrDefault(BRIDGE_NAME, "br-" + id.substring(0, 12));
        if (wanted.length() > DEVICE_NAME || !DEVICE.matcher(wanted).matches()) {
            throw Problem.invalid("invalid bridge name " + wanted + ": at most " + DEVICE_NAME + " of [A-Za-z0-9_.-]");
        }
        String prefix = options.getOrDefault(NetworkSpec.DEVICE_PREFIX, "");
        // A number follows.
        if (!prefix.isEmpty() && !DEVICE_INSIDE.matcher(prefix + "000").matches()) {
            throw Problem.invalid("invalid " + NetworkSpec.DEVICE_PREFIX + " \"" + prefix + "\": at most "
                    + (DEVICE_NAME - 3) + " characters, no blank, slash, colon or per cent sign among them");
        }
        return wanted;
    }

    private static List<Pool> pools(Body ipam) {
        String driver = ipam.text("Driver");
        if (!driver.isEmpty() && !driver.equals("default")) {
            throw Problem.invalid("IPAM driver " + driver + " is not served; only default is");
        }
        List<Pool> pools = new ArrayList<>();
        for (Body config : ipam.list("Config")) {
            Pool pool = new Pool(
                    config.text("Subnet"),
                    config.text("Gateway"),
                    config.text("IPRange"),
                    config.map("AuxiliaryAddresses"));
            if (!pool.subnet().isEmpty()) {
                pools.add(pool);
            } else if (!pool.equals(new Pool("", "", "", Map.of()))) {
                throw Problem.invalid(
                        "invalid network config: invalid subnet : a gateway, a range and auxiliary addresses"
                                + " need a subnet that they lie in");
            }
        }
        return pools;
    }

    private static Answer remove(Agent agent, Request request) {
        Network network = find(agent.host(), request.name());
        return Answer.later(agent.submit(new NetworkCommand.Remove(network.id()), request.cause())
                .thenApply(event -> Answer.empty(204)));
    }

    private static Answer prune(Agent agent, Request request) {
        Host host = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), PRUNE_FILTERS);
        Optional<Instant> until = filters.only("until").map(Times::parse);
        List<Network> chosen = host.networks().values().stream()
                .filter(n -> n.wanted()
                        && !n.spec().predefined()
                        && !n.spec().configOnly()
                        && host.usersOf(n.id()).isEmpty())
                .filter(n -> filters.labels(n.spec().labels()))
                .filter(n -> until.map(t -> n.createdAt().isBefore(t)).orElse(true))
                .toList();
        return Answer.later(Sweep.all(
                        request,
                        chosen,
                        n -> agent.submit(new NetworkCommand.Remove(n.id()), request.cause())
                                .thenApply(event -> n.spec().name()))
                .thenApply(removed -> {
                    agent.submit(new HostCommand.NotePrune("network", 0), request.cause());
                    ObjectNode answer = Json.object();
                    answer.set("NetworksDeleted", Json.arrayOrNull(removed));
                    return Answer.json(answer);
                }));
    }

    /** Makes one network whole again, or all of them, and says for each what came of it. */
    private static Answer reconcile(Agent agent, Request request) {
        Host host = agent.host();
        String wanted = request.query().text("network");
        List<Network> networks = wanted.isEmpty()
                ? host.networks().values().stream()
                        .filter(Network::wanted)
                        .sorted(Comparator.comparing(n -> n.spec().name()))
                        .toList()
                : List.of(find(host, wanted));
        List<CompletableFuture<ObjectNode>> made = networks.stream()
                .map(n -> agent.submit(new NetworkCommand.Reconcile(n.id()), request.cause())
                        .handle((event, thrown) -> Json.object()
                                .put("name", n.spec().name())
                                .put("id", n.id().value())
                                .put("whole", event instanceof NetworkEvent.DeviceReady)
                                .put("trouble", trouble(event, thrown)))
                        .toCompletableFuture())
                .toList();
        return Answer.later(CompletableFuture.allOf(made.toArray(CompletableFuture[]::new))
                .thenApply(all -> {
                    ObjectNode answer = Json.object();
                    ArrayNode list = answer.putArray("networks");
                    made.forEach(one -> list.add(one.join()));
                    return Answer.json(answer);
                }));
    }

    private static String trouble(@Nullable Event event, @Nullable Throwable thrown) {
        if (thrown != null) {
            return String.valueOf((thrown.getCause() == null ? thrown : thrown.getCause()).getMessage());
        }
        return event instanceof NetworkEvent.Stalled stalled
                ? stalled.stall().failure().message()
                : "";
    }

    // ---- containers come and go

    private static Answer connect(Agent agent, Request request) {
        Body body = Since.connection(request.json(), request.version());
        Network network = find(agent.host(), request.name());
        Container container = container(agent.host(), body.text("Container"));
        NetworkWish wish = wish(network.id(), body.body("EndpointConfig"));
        return Answer.later(
                agent.submit(new ContainerCommand.Connect(container.id(), wish, Entropy.fresh()), request.cause())
                        .thenApply(event -> Answer.empty(200)));
    }

    private static final String UNFIT = "invalid endpoint settings:\n";

    /** What an {@code EndpointSettings} wishes. */
    public static NetworkWish wish(NetworkId network, Body settings) {
        Body ipam = settings.body("IPAMConfig");
        return new NetworkWish(
                network,
                settings.texts("Aliases"),
                settings.texts("Links"),
                address("IPv4", IPV4, ipam.text("IPv4Address")),
                address("IPv6", IPV6, ipam.text("IPv6Address")),
                mac(settings),
                settings.optionalNumber("GwPriority").orElse(0L).intValue(),
                options(settings));
    }

    private static Map<String, String> options(Body settings) {
        Map<String, String> options = new LinkedHashMap<>(settings.map("DriverOpts"));
        String device = options.getOrDefault(NetworkWish.DEVICE, "");
        if (!device.isEmpty() && (!DEVICE_INSIDE.matcher(device).matches() || NO_DEVICE.contains(device))) {
            throw Problem.invalid("invalid interface name \"" + device + "\": at most " + DEVICE_NAME
                    + " characters, no blank, slash, colon or per cent sign among them, and none of ., .. and lo");
        }
        Stream.of(options.getOrDefault(EndpointSpec.SETTINGS, "").split(","))
                .filter(setting ->
                        !setting.isEmpty() && !SETTING.matcher(setting).matches())
                .forEach(setting -> {
                    throw Problem.invalid(UNFIT + "unrecognised network interface sysctl '" + setting
                            + "'; represent 'net.X.Y.ethN.Z=V' as 'net.X.Y.IFNAME.Z=V', 'X' must be 'ipv4', 'ipv6' or"
                            + " 'mpls'");
                });
        options.remove(NetworkWish.LINK_LOCAL);
        options.remove(NetworkWish.NAME);
        List<String> linkLocal = settings.body("IPAMConfig").texts("LinkLocalIPs");
        linkLocal.forEach(NetworkRoutes::checkLinkLocal);
        if (!linkLocal.isEmpty()) {
            options.put(NetworkWish.LINK_LOCAL, String.join(",", linkLocal));
        }
        return options;
    }

    private static final Pattern MAC = Pattern.compile("(?:[0-9a-fA-F]{2}[:-]){5}[0-9a-fA-F]{2}");

    /** The hardware address that is asked for; empty for none. */
    public static String mac(Body settings) {
        String text = settings.text("MacAddress");
        if (!text.isEmpty() && !MAC.matcher(text).matches()) {
            throw Problem.invalid("invalid MAC address " + text);
        }
        return text;
    }

    /** Refuses what is no address that a name of a host could stand for. */
    public static void checkHost(String text) {
        String bare = text.startsWith("[") && text.endsWith("]") ? text.substring(1, text.length() - 1) : text;
        try {
            Addresses.literal(bare);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid("invalid IP address in add-host: \"" + text + "\"");
        }
    }

    private static void checkLinkLocal(String text) {
        boolean fit;
        try {
            fit = Addresses.literal(text).isLinkLocalAddress();
        } catch (IllegalArgumentException e) {
            fit = false;
        }
        if (!fit) {
            throw Problem.invalid(UNFIT + "invalid link-local IP address: " + text);
        }
    }

    private static final Pattern IPV4 = Pattern.compile("(?:(?:25[0-5]|2[0-4]\\d|1?\\d?\\d)(?:\\.(?!$)|$)){4}");
    private static final Pattern IPV6 = Pattern.compile("[0-9a-fA-F:.]*:[0-9a-fA-F:.]*");

    private static String address(String family, Pattern form, String text) {
        if (!text.isEmpty() && !form.matcher(text).matches()) {
            throw Problem.invalid(UNFIT + "invalid " + family + " address: " + text);
        }
        return text;
    }

    private static Answer disconnect(Agent agent, Request request) {
        Body body = request.json();
        Host host = agent.host();
        Container container = container(host, body.text("Container"));
        NetworkId network = found(host, request.name())
                .map(Network::id)
                .or(() -> wishedInVain(container, request.name()))
                .orElseThrow(() -> missing(request.name()));
        return Answer.later(agent.submit(
                        new ContainerCommand.Disconnect(container.id(), network, body.flag("Force")), request.cause())
                .thenApply(event -> Answer.empty(200)));
    }

    /** The network that a container would be on if it were there: as long as it is not, the container cannot start. */
    private static Optional<NetworkId> wishedInVain(Container container, String text) {
        return container.spec().networking().networks().stream()
                .filter(wish -> wish.missing()
                        .filter(name ->
                                name.equals(text) || wish.network().value().equals(text))
                        .isPresent())
                .map(NetworkWish::network)
                .findFirst();
    }

    private static Container container(Host host, String text) {
        if (text.isEmpty()) {
            throw Problem.invalid("invalid name or ID supplied: \"\"");
        }
        return ContainerLookup.get(host, text);
    }
}
