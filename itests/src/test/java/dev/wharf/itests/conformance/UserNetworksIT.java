package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.time.Instant;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** Networks of one's own: names, comings and goings while containers run, several networks at once, options. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class UserNetworksIT {
    private final Docker docker;

    UserNetworksIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    private void network(String name, String subnet, String... options) throws IOException, InterruptedException {
        String[] all = new String[options.length + 5];
        System.arraycopy(new String[] {"network", "create", "--subnet", subnet}, 0, all, 0, 4);
        System.arraycopy(options, 0, all, 4, options.length);
        all[all.length - 1] = name;
        docker.docker(all);
    }

    private String in(String container, String script) throws IOException, InterruptedException {
        return docker.docker("exec", container, "sh", "-c", script);
    }

    /** The addresses that a name has inside a container, sorted, with blanks between. */
    private String lookup(String container, String type, String name) throws IOException, InterruptedException {
        return in(
                container,
                "nslookup -type=" + type + " " + name
                        + " | sed -n 's/^Address: //p' | sort | tr '\\n' ' ' | sed 's/ $//'");
    }

    private void refused(String words, String... arguments) throws IOException, InterruptedException {
        Outcome outcome = docker.tried(arguments);
        assertThat(outcome.status()).isNotZero();
        assertThat(outcome.err()).contains(words);
    }

    // ---- names

    @Test
    void neighboursHaveNames() throws Exception {
        network("un1", "10.231.1.0/24");
        String db = docker.background("--name undb --network un1 --network-alias store --hostname dbhost", "sleep 600");
        docker.background("--name unweb --network un1", "sleep 600");
        String address = docker.inspect("undb", "{{.NetworkSettings.Networks.un1.IPAddress}}");

        for (String name : new String[] {"undb", "store", db.substring(0, 12), "undb.un1", "store.un1", "dbhost"}) {
            assertThat(lookup("unweb", "a", name)).as(name).isEqualTo(address);
        }
        assertThat(in("unweb", "cat /etc/resolv.conf"))
                .contains("nameserver 127.0.0.11")
                .contains("ndots:0");
        assertThat(in("unweb", "nslookup " + address)).contains("undb.un1");
        assertThat(in("unweb", "ping -c1 -W5 store")).contains("1 packets received");
        assertThat(docker.inspect("undb", "{{.NetworkSettings.Networks.un1.DNSNames}}"))
                .isEqualTo("[undb store " + db.substring(0, 12) + " dbhost]");
    }

    @Test
    void anAliasThatSeveralShareIsAllOfThemAndTheOnesThatRunOnly() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name una --network un1 --ip 10.231.1.11 --network-alias svc", "sleep 600");
        docker.background("--name unb --network un1 --ip 10.231.1.12 --network-alias svc", "sleep 600");
        assertThat(lookup("una", "a", "svc")).isEqualTo("10.231.1.11 10.231.1.12");

        docker.docker("rm", "--force", "unb");

        assertThat(lookup("una", "a", "svc")).isEqualTo("10.231.1.11");
    }

    @Test
    void theDefaultBridgeHasNoNames() throws Exception {
        docker.background("--name unplain", "sleep 600");

        assertThat(in("unplain", "cat /etc/resolv.conf")).doesNotContain("127.0.0.11");
        assertThat(docker.sh("--link unplain:other", "ping -c1 -W5 other")).contains("1 packets received");
    }

    @Test
    void namesResolveAgainAfterTheAgentWasKilled() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name una --network un1 --ip 10.231.1.11", "sleep 600");

        docker.daemon().kill();
        docker.daemon().restart();

        String answer = in(
                "una",
                "for i in $(seq 50); do timeout 1 nslookup -type=a una >/tmp/answer && break; sleep 0.1; done; cat /tmp/answer");
        assertThat(answer).contains("10.231.1.11");
    }

    @Test
    void aContainerMayBeANameServerItself() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name una --network un1", "exec httpd -f -p 0.0.0.0:53 -h /tmp");

        assertThat(in("una", "nslookup -type=a una; netstat -ltn"))
                .contains("0.0.0.0:53")
                .contains("Name:\tuna");
    }

    // ---- comings and goings

    @Test
    void aContainerThatRunsJoinsAndLeaves() throws Exception {
        network("un1", "10.231.1.0/24");
        network("un2", "10.231.2.0/24", "--ipv6", "--subnet", "fd31:2::/64");
        docker.background("--name undb --network un2", "sleep 600");
        String web = docker.background("--name unweb --network un1", "sleep 600");
        String since = Long.toString(Instant.now().getEpochSecond() - 5);

        docker.docker(
                "network",
                "connect",
                "--alias",
                "x1",
                "--ip",
                "10.231.2.77",
                "--ip6",
                "fd31:2::77",
                "--link",
                "undb:database",
                "un2",
                "unweb");

        assertThat(lookup("undb", "a", "x1")).isEqualTo("10.231.2.77");
        assertThat(lookup("undb", "aaaa", "x1")).isEqualTo("fd31:2::77");
        assertThat(in("unweb", "ping -c1 -W5 database")).contains("1 packets received");
        assertThat(in("unweb", "cat /etc/hosts")).contains("10.231.2.77\t");
        String network = "{{with .NetworkSettings.Networks.un2}}{{.IPAMConfig.IPv4Address}} {{.Aliases}} {{.Links}} "
                + "{{.IPAddress}} {{.GlobalIPv6Address}}{{end}}";
        assertThat(docker.inspect("unweb", network))
                .isEqualTo("10.231.2.77 [x1] [undb:database] 10.231.2.77 fd31:2::77");
        assertThat(docker.docker(
                        "network",
                        "inspect",
                        "--format",
                        "{{range .Containers}}{{.Name}}={{.IPv4Address}} {{end}}",
                        "un2"))
                .contains("unweb=10.231.2.77/24");

        docker.docker("network", "disconnect", "un2", "unweb");

        assertThat(in("unweb", "ip -o addr")).doesNotContain("10.231.2.77");
        assertThat(in("unweb", "cat /etc/hosts")).doesNotContain("10.231.2.77");
        assertThat(docker.tried("exec", "undb", "nslookup", "-type=a", "x1").out())
                .doesNotContain("10.231.2.77");
        // The client cuts the end down to whole seconds.
        Thread.sleep(1100);
        String told = docker.docker(
                "events",
                "--since",
                since,
                "--until",
                "0s",
                "--filter",
                "type=network",
                "--format",
                "{{.Actor.Attributes.container}} {{.Action}} {{.Actor.Attributes.name}}");
        assertThat(told.lines().filter(line -> line.startsWith(web)).map(line -> line.substring(65)))
                .containsExactly("connect un1", "connect un2", "disconnect un2");
        refused("is not connected to network un2", "network", "disconnect", "un2", "unweb");
    }

    @Test
    void whoseNetworkIsGoneLeavesItAndStartsOnAnother() throws Exception {
        network("un1", "10.231.1.0/24");
        network("un2", "10.231.2.0/24");
        docker.background("--name unweb --network un1", "sleep 600");
        docker.docker("stop", "-t", "0", "unweb");
        docker.docker("network", "rm", "un1");
        String networks = "{{range $name, $at := .NetworkSettings.Networks}}{{$name}} {{end}}";
        assertThat(docker.docker("inspect", "-f", networks, "unweb")).isEqualTo("un1");
        assertThat(docker.docker("ps", "-aq", "--filter", "network=un1")).isNotEmpty();
        refused("not found", "start", "unweb");
        refused("network un3 not found", "network", "disconnect", "un3", "unweb");

        docker.docker("network", "disconnect", "un1", "unweb");
        docker.docker("network", "connect", "un2", "unweb");
        docker.docker("start", "unweb");

        assertThat(docker.docker("inspect", "-f", networks, "unweb")).isEqualTo("un2");
    }

    @Test
    void whoComesFromTheDefaultBridgeLearnsNames() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name undb --network un1", "sleep 600");
        docker.background("--name unweb", "sleep 600");

        docker.docker("network", "connect", "un1", "unweb");

        assertThat(in("unweb", "ping -c1 -W5 undb")).contains("1 packets received");
    }

    @Test
    void theWayOutFollowsPriorityAndNames() throws Exception {
        network("una", "10.231.1.0/24");
        network("unb", "10.231.2.0/24");
        docker.background("--name unweb --network unb", "sleep 600");
        assertThat(in("unweb", "ip route | head -1")).startsWith("default via 10.231.2.1 ");

        docker.docker("network", "connect", "una", "unweb");
        assertThat(in("unweb", "ip route | head -1")).startsWith("default via 10.231.1.1 ");

        docker.docker("network", "disconnect", "una", "unweb");
        assertThat(in("unweb", "ip route | head -1")).startsWith("default via 10.231.2.1 ");

        docker.docker("network", "connect", "--gw-priority", "-1", "una", "unweb");
        assertThat(in("unweb", "ip route | head -1")).startsWith("default via 10.231.2.1 ");
        assertThat(docker.inspect("unweb", "{{.NetworkSettings.Networks.una.GwPriority}}"))
                .isEqualTo("-1");
    }

    // ---- what networks are

    @Test
    void anInternalNetworkLeadsNowhere() throws Exception {
        network("uni", "10.231.3.0/24", "--internal");
        docker.background("--name undb --network uni", "sleep 600");

        assertThat(docker.sh("--network uni", "ip route; ping -c1 -W5 undb; ping -c1 -W1 10.231.3.1 | tail -1"))
                .doesNotContain("default")
                .contains("1 packets received");
        assertThat(docker.tryingSh("--network uni --dns 192.0.2.53", "nslookup example.org")
                        .out())
                .contains("SERVFAIL");
    }

    @Test
    void optionsOfTheBridgeAreHeeded() throws Exception {
        network(
                "uno",
                "10.231.4.0/24",
                "--gateway",
                "10.231.4.99",
                "--ip-range",
                "10.231.4.128/25",
                "--aux-address",
                "printer=10.231.4.128",
                "-o",
                "com.docker.network.bridge.name=wtuno",
                "-o",
                "com.docker.network.bridge.enable_icc=false",
                "-o",
                "com.docker.network.driver.mtu=1400",
                "-o",
                "com.docker.network.bridge.host_binding_ipv4=127.0.0.1");
        docker.background("--name una --network uno -p 80", "sleep 600");
        docker.background("--name unb --network uno", "sleep 600");

        assertThat(docker.inspect("una", "{{with .NetworkSettings.Networks.uno}}{{.IPAddress}} {{.Gateway}}{{end}}"))
                .isEqualTo("10.231.4.129 10.231.4.99");
        assertThat(in("una", "cat /sys/class/net/eth0/mtu; ping -c1 -W1 unb | grep received"))
                .startsWith("1400")
                .contains(" 0 packets received");
        assertThat(docker.docker("port", "una"))
                .startsWith("80/tcp -> 127.0.0.1:")
                .doesNotContain("\n");
    }

    @Test
    void whatCannotBeIsRefusedInDockersWords() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name una --network un1", "sleep 600");

        refused("network un1 has active endpoints (name:\"una\"", "network", "rm", "un1");
        refused("bridge is a pre-defined network and cannot be removed", "network", "rm", "bridge");
        refused("operation is not permitted on predefined host network", "network", "create", "host");
        refused("network with name un1 already exists", "network", "create", "un1");
        refused(
                "Pool overlaps with other one on this address space",
                "network",
                "create",
                "--subnet",
                "10.231.1.128/25",
                "x");
        refused("endpoint with name una already exists in network un1", "network", "connect", "un1", "una");
        refused("Address already in use", "run", "--network", "un1", "--ip", "10.231.1.2", "busybox", "true");
    }

    @Test
    void theHostIsFoundAtEachOfItsAddressesOnTheNetwork() throws Exception {
        network("dual", "10.231.5.0/24", "--ipv6", "--subnet", "fd00:231:5::/64");
        network("wire", "10.231.6.0/24", "--driver", "macvlan");
        String look = "awk '$2 == \"pier\" { print $1 }' /etc/hosts";

        assertThat(docker.sh("--network dual --add-host pier:host-gateway", look)
                        .lines())
                .containsExactly("10.231.5.1", "fd00:231:5::1");
        assertThat(docker.sh("--network wire --add-host pier:host-gateway", look))
                .isEqualTo(docker.inspect("bridge", "{{(index .IPAM.Config 0).Gateway}}"));
    }

    @Test
    void optionsThatSayNothingAreRefusedBeforeAnythingIsMade() throws Exception {
        network("uno", "10.231.4.0/24", "-o", "com.docker.network.bridge.name=wtuno");
        refused("same bridge name", "network", "create", "-o", "com.docker.network.bridge.name=wtuno", "due");
        refused("value: fast", "network", "create", "-o", "com.docker.network.driver.mtu=fast", "due");
        refused("value: maybe", "network", "create", "-o", "com.docker.network.bridge.enable_icc=maybe", "due");
        refused("value: here", "network", "create", "-o", "com.docker.network.bridge.host_binding_ipv4=here", "due");
        refused(
                "gateway mode 'isolated' can only be used for an internal network",
                "network",
                "create",
                "-o",
                "com.docker.network.bridge.gateway_mode_ipv4=isolated",
                "due");

        assertThat(docker.docker("network", "ls", "--filter", "name=due", "--quiet"))
                .isEmpty();
    }

    @Test
    void publishedPortsGoAlongFromNetworkToNetwork() throws Exception {
        network("un1", "10.231.1.0/24");
        network("un2", "10.231.2.0/24");
        docker.background("--name una --network un1 -p 80", "echo found > /tmp/f; httpd -f -p 80 -h /tmp");
        docker.docker("network", "connect", "un2", "una");
        String port = docker.docker("port", "una", "80/tcp").lines().findFirst().orElseThrow();

        docker.docker("network", "disconnect", "un1", "una");
        assertThat(docker.docker("port", "una", "80/tcp")).startsWith(port);
        assertThat(fetched(port)).isEqualTo("found");

        docker.docker("network", "disconnect", "un2", "una");
        assertThat(docker.docker("port", "una")).isEmpty();
        docker.docker("network", "connect", "un1", "una");
        assertThat(fetched(docker.docker("port", "una", "80/tcp")
                        .lines()
                        .findFirst()
                        .orElseThrow()))
                .isEqualTo("found");
    }

    private static String fetched(String place) throws IOException, InterruptedException {
        String port = place.substring(place.lastIndexOf(':') + 1);
        return Outcome.of("curl", "-sf", "-m", "5", "http://127.0.0.1:" + port + "/f")
                .outOrThrow()
                .strip();
    }

    @Test
    void aDeviceHasTheNameAndTheSettingsThatItsPlaceAsksFor() throws Exception {
        network("un1", "10.231.1.0/24");
        network("un2", "10.231.2.0/24", "-o", "com.docker.network.container_iface_prefix=port");
        String option = "driver-opt=com.docker.network.endpoint.";
        docker.background(
                "--name una --network name=un1," + option + "ifname=wan0," + option
                        + "sysctls=net.ipv4.conf.IFNAME.log_martians=1",
                "sleep 600");
        docker.docker("network", "connect", "un2", "una");

        assertThat(in("una", "ip -o -4 addr"))
                .contains("wan0    inet 10.231.1.")
                .contains("port0    inet 10.231.2.");
        assertThat(in("una", "cat /proc/sys/net/ipv4/conf/wan0/log_martians")).isEqualTo("1");
        docker.docker("restart", "-t0", "una");
        assertThat(in("una", "cat /proc/sys/net/ipv4/conf/wan0/log_martians")).isEqualTo("1");

        refused("invalid interface name", "create", "--network", "name=un1," + option + "ifname=lo", "busybox");
        refused(
                "unrecognised network interface sysctl",
                "create",
                "--network",
                "name=un1," + option + "sysctls=net.ipv4.conf.eth0.log_martians=1",
                "busybox");
        refused(
                "the kernel has no setting net/ipv4/conf/eth0/none",
                "run",
                "--rm",
                "--network",
                "name=un1," + option + "sysctls=net.ipv4.conf.IFNAME.none=1",
                "busybox");
    }

    @Test
    void aNetworkWithoutIpv4HasNamesAndPorts() throws Exception {
        docker.docker("network", "create", "--ipv4=false", "--ipv6", "--subnet", "fd31:6::/64", "un6");
        docker.background(
                "--name una --network un6 -p 18231:80", "echo six > /tmp/index.html; exec httpd -f -p 80 -h /tmp");

        assertThat(docker.docker("network", "inspect", "-f", "{{.EnableIPv4}} {{.EnableIPv6}}", "un6"))
                .isEqualTo("false true");
        assertThat(docker.docker("port", "una")).isEqualTo("80/tcp -> [::]:18231");
        assertThat(docker.sh("--network un6", "wget -qO- http://una/; ip -4 addr show dev eth0"))
                .isEqualTo("six");
        refused(
                "user specified IP address is supported only when connecting to networks with user configured subnets",
                "create",
                "--network",
                "un6",
                "--ip",
                "10.0.0.1",
                "busybox");
        refused("IPv4 or IPv6 must be enabled", "network", "create", "--ipv4=false", "unone");
    }

    @Test
    void portsOfWhoBeginsWithoutANetworkArePublishedWhenItJoinsOne() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name una --network none -p 18232:80", "sleep 600");
        assertThat(docker.docker("port", "una")).isEmpty();

        docker.docker("network", "disconnect", "none", "una");
        docker.docker("network", "connect", "un1", "una");

        assertThat(docker.docker("port", "una")).contains("80/tcp -> 0.0.0.0:18232");
    }

    @Test
    void aLinkMayNameWhoComesLaterAndByAnAlias() throws Exception {
        network("un1", "10.231.1.0/24");
        docker.background("--name una --network un1 --link store:db", "sleep 600");
        docker.background("--name unb --network un1 --network-alias store", "sleep 600");

        assertThat(in("una", "ping -c1 -W1 db")).contains(" 1 packets received");
    }

    @Test
    void whoSharesTheHostsNetworkHasNoPortsOfItsOwn() throws Exception {
        docker.background("--name una --network host --expose 80", "sleep 600");

        assertThat(docker.inspect("una", "{{json .NetworkSettings.Ports}}")).isEqualTo("{}");
        assertThat(docker.docker("ps", "--filter", "name=una", "--format", "{{.Ports}}"))
                .isEmpty();
    }

    @Test
    void unusedNetworksArePruned() throws Exception {
        network("un1", "10.231.1.0/24");
        network("un2", "10.231.2.0/24", "--label", "keep=yes");
        network("un3", "10.231.3.0/24");
        docker.background("--name una --network un1", "sleep 600");

        assertThat(docker.docker("network", "prune", "--force", "--filter", "until=1h"))
                .isEmpty();
        assertThat(docker.docker("network", "prune", "--force", "--filter", "label!=keep=yes"))
                .isEqualTo("Deleted Networks:\nun3");
        assertThat(docker.docker("network", "prune", "--force")).isEqualTo("Deleted Networks:\nun2");
    }
}
