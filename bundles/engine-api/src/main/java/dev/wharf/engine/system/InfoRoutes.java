package dev.wharf.engine.system;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Host;
import dev.wharf.engine.containers.LogOptions;
import dev.wharf.engine.containers.RuntimeNames;
import dev.wharf.engine.events.EventRoutes;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.EngineVersion;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.json.Json;
import dev.wharf.model.DriverKind;
import dev.wharf.spi.registry.RegistryBackend.Manners;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/** {@code /info}: the host and the agent on one page. */
public final class InfoRoutes implements Routes {
    private final AgentFacts facts;
    private final Machine machine = new Machine();

    public InfoRoutes(AgentFacts facts) {
        this.facts = facts;
    }

    @Override
    public void addTo(Router router) {
        router.get(
                "/info",
                (agent, request) -> Answer.later(request.work(() -> Answer.json(info(agent, request.version())))));
    }

    private ObjectNode info(Agent agent, ApiVersion version) {
        Host host = agent.host();
        ObjectNode info = Json.object();
        info.put("ID", host.identity().id());
        tellContainers(info, host);
        info.put(
                "Images",
                host.images().values().stream()
                        .filter(i -> i.wanted() && !host.isVariant(i))
                        .count());
        info.put(
                "Driver", host.preferred(DriverKind.STORAGE).map(d -> d.value()).orElse(""));
        ArrayNode status = info.putArray("DriverStatus");
        Machine.describeBacking(status, facts.dataRoot());
        info.put("DockerRootDir", facts.dataRoot().toString());
        tellPlugins(info, host);
        Machine.Limits limits = machine.limits();
        limits.tell(info, machine.isUnified());
        info.put("IPv4Forwarding", machine.forwardsIpv4());
        if (!version.atLeast(50)) {
            // Published ports and isolation do not depend on these; dockerd 28 tells old clients the same.
            info.put("BridgeNfIptables", false).put("BridgeNfIp6tables", false);
        }
        info.put("Debug", false)
                .put("NFd", machine.openFiles())
                .put("NGoroutines", Thread.activeCount())
                .put("SystemTime", Instant.now().toString())
                .put("LoggingDriver", "json-file")
                .put("CgroupDriver", "cgroupfs")
                .put("CgroupVersion", machine.isUnified() ? "2" : "1")
                .put("NEventsListener", EventRoutes.listeners());
        tellMachine(info);
        tellRegistries(info, agent.registries().manners(), version);
        if (!facts.pools().isEmpty()) {
            ArrayNode pools = info.putArray("DefaultAddressPools");
            facts.pools().forEach(p -> pools.addObject().put("Base", p.base()).put("Size", p.size()));
        }
        info.putNull("GenericResources");
        info.put("HttpProxy", "").put("HttpsProxy", "").put("NoProxy", "");
        info.put("Name", machine.hostName());
        info.putArray("Labels");
        info.put("ExperimentalBuild", false).put("ServerVersion", EngineVersion.COMPATIBLE);
        tellRuntimes(info, host);
        tellSwarm(info.putObject("Swarm"));
        info.put("LiveRestoreEnabled", true).put("Isolation", "").put("InitBinary", "tini");
        for (String commit : List.of("ContainerdCommit", "RuncCommit", "InitCommit")) {
            info.putObject(commit).put("ID", "");
        }
        info.set("SecurityOptions", Json.array(securityOptions(version)));
        if (version.atLeast(49)) {
            info.putObject("FirewallBackend").put("Driver", "nftables");
        }
        info.putArray("CDISpecDirs");
        List<String> warnings = limits.warnings();
        if (!machine.forwardsIpv4()) {
            warnings = new ArrayList<>(warnings);
            warnings.add("WARNING: IPv4 forwarding is disabled");
        }
        info.set("Warnings", Json.arrayOrNull(warnings));
        return info;
    }

    private static void tellContainers(ObjectNode info, Host host) {
        List<Container> containers = List.copyOf(host.containers().values());
        long paused = containers.stream().filter(Container::isPaused).count();
        long running =
                containers.stream().filter(c -> c.isRunning() && !c.isPaused()).count();
        info.put("Containers", containers.size())
                .put("ContainersRunning", running)
                .put("ContainersPaused", paused)
                .put("ContainersStopped", containers.size() - running - paused);
    }

    private static Stream<DriverBinding> serving(Host host, DriverKind kind) {
        return host.drivers().values().stream()
                .filter(d -> d.id().driverKind() == kind && d.serving().isPresent() && d.ready());
    }

    private static void tellPlugins(ObjectNode info, Host host) {
        ObjectNode plugins = info.putObject("Plugins");
        plugins.putArray("Volume").add("local");
        plugins.set(
                "Network",
                Json.array(serving(host, DriverKind.NETWORK)
                        .map(d -> d.id().name().value())
                        .map(name -> name.equals("none") ? "null" : name)
                        .sorted()
                        .toList()));
        plugins.putNull("Authorization");
        plugins.set("Log", Json.array(LogOptions.DRIVERS));
    }

    private void tellMachine(ObjectNode info) {
        Machine.Distribution distribution = machine.operatingSystem();
        info.put("KernelVersion", machine.kernel())
                .put("OperatingSystem", distribution.name())
                .put("OSVersion", distribution.version())
                .put("OSType", "linux")
                .put("Architecture", machine.architecture())
                .put("NCPU", Runtime.getRuntime().availableProcessors())
                .put("MemTotal", machine.memoryBytes());
    }

    private static void tellRegistries(ObjectNode info, Manners manners, ApiVersion version) {
        info.put("IndexServerAddress", "https://index.docker.io/v1/");
        ObjectNode config = info.putObject("RegistryConfig");
        config.set(
                "InsecureRegistryCIDRs",
                Json.array(
                        manners.insecure().stream().filter(i -> i.contains("/")).toList()));
        ObjectNode index = config.putObject("IndexConfigs");
        List<String> hub = manners.mirrors().getOrDefault("docker.io", List.of());
        describe(index.putObject("docker.io"), "docker.io", true, hub);
        for (String host : manners.insecure()) {
            if (!host.contains("/")) {
                describe(index.putObject(host), host, false, manners.mirrors().getOrDefault(host, List.of()));
            }
        }
        config.set("Mirrors", Json.arrayOrNull(hub));
        if (!version.atLeast(47)) {
            config.putNull("AllowNondistributableArtifactsCIDRs").putNull("AllowNondistributableArtifactsHostnames");
        }
    }

    private static void describe(ObjectNode node, String host, boolean secure, List<String> mirrors) {
        node.put("Name", host);
        node.set("Mirrors", Json.array(mirrors));
        node.put("Secure", secure).put("Official", host.equals("docker.io"));
    }

    private static void tellRuntimes(ObjectNode info, Host host) {
        ObjectNode runtimes = info.putObject("Runtimes");
        serving(host, DriverKind.RUNTIME)
                .forEach(d -> RuntimeNames.of(d.id().name())
                        .forEach(name ->
                                runtimes.putObject(name).put("path", d.serving().orElse(""))));
        info.put(
                "DefaultRuntime",
                host.preferred(DriverKind.RUNTIME).map(RuntimeNames::shown).orElse(""));
    }

    private static void tellSwarm(ObjectNode swarm) {
        swarm.put("NodeID", "")
                .put("NodeAddr", "")
                .put("LocalNodeState", "inactive")
                .put("ControlAvailable", false)
                .put("Error", "")
                .putNull("RemoteManagers");
    }

    private List<String> securityOptions(ApiVersion version) {
        List<String> options = new ArrayList<>();
        if (machine.hasSeccomp()) {
            // Before API 1.25 it was a name alone.
            options.add(version.atLeast(25) ? "name=seccomp,profile=builtin" : "seccomp");
        }
        if (machine.hasCgroupNamespaces() && machine.isUnified()) {
            options.add("name=cgroupns");
        }
        return options;
    }
}
