package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What other programs take from the network comes back. The agent lives in a network namespace of the test's own. */
@Timeout(120)
class NetworkRepairIT {
    private static final String SERVER = "mkdir /www; echo ahoy > /www/index.html; exec httpd -f -p 80 -h /www";

    @TempDir
    private Path folder;

    private final String namespace = "wtn" + ProcessHandle.current().pid();
    private Daemon daemon;
    private Docker docker;

    @BeforeEach
    void start() throws Exception {
        run("ip", "netns", "add", namespace);
        inside("ip", "link", "set", "lo", "up");
        // A distribution whose agent starts in there.
        Path home = folder.resolve("home");
        Files.createDirectories(home.resolve("bin"));
        Path program = home.resolve("bin/wharfd");
        Files.writeString(
                program,
                "#!/bin/sh\nexec nsenter --net=/run/netns/" + namespace + " "
                        + Daemon.distribution().resolve("bin/wharfd") + " \"$@\"\n");
        run("chmod", "+x", program.toString());
        Files.createSymbolicLink(
                home.resolve("bin/wharf"), Daemon.distribution().resolve("bin/wharf"));
        SharedAgent.offerBusybox(folder.resolve("agent/data"));
        daemon = Daemon.start(home, folder.resolve("agent"));
        SharedAgent.pullBusybox(daemon);
        docker = new Docker(daemon);
        docker.docker(
                "network", "create", "--subnet", "10.231.9.0/24", "-o", "com.docker.network.bridge.name=wtn0", "rn");
        docker.background("--name rweb --network rn -p 127.0.0.1:8099:80", SERVER);
        docker.background("--name rpeer --network rn", "sleep 600");
        awaitServer();
    }

    @AfterEach
    void stop() throws Exception {
        try {
            daemon.close();
        } finally {
            run("ip", "netns", "del", namespace);
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        return Outcome.of(List.of(command), Map.of(), Duration.ofSeconds(20)).outOrThrow();
    }

    private List<String> within(String... command) {
        List<String> all = new ArrayList<>(List.of("nsenter", "--net=/run/netns/" + namespace));
        all.addAll(List.of(command));
        return all;
    }

    private String inside(String... command) throws IOException, InterruptedException {
        return Outcome.of(within(command), Map.of(), Duration.ofSeconds(20)).outOrThrow();
    }

    private boolean isServed() throws IOException, InterruptedException {
        return Outcome.of(
                        within("curl", "-s", "--fail", "--max-time", "1", "http://127.0.0.1:8099/"),
                        Map.of(),
                        Duration.ofSeconds(5))
                .out()
                .contains("ahoy");
    }

    /** Long before the slow look at everything, which comes every five minutes. */
    private void awaitServer() throws IOException, InterruptedException {
        long deadline = System.nanoTime() + Duration.ofSeconds(30).toNanos();
        while (!isServed()) {
            assertThat(System.nanoTime()).as("the published port comes back").isLessThan(deadline);
            Thread.sleep(50);
        }
    }

    private String ping() throws IOException, InterruptedException {
        return docker.docker("exec", "rpeer", "sh", "-c", "for i in 1 2 3 4 5 6; do ping -c1 -W1 rweb && break; done");
    }

    @Test
    void flushedRulesComeBackByThemselves() throws Exception {
        inside("nft", "flush", "ruleset");

        awaitServer();
        assertThat(inside("nft", "list", "ruleset")).contains("wtn0").contains("chain forward");
        assertThat(daemon.wharf("journal", "tail", "-n", "40").outOrThrow()).contains("network.observed");
    }

    @Test
    void aChainThatLostItsRulesGetsThemBack() throws Exception {
        String table = inside("nft", "list", "tables")
                .lines()
                .filter(line -> line.contains("wharf-"))
                .findFirst()
                .orElseThrow()
                .replace("table ", "");
        inside("sh", "-c", "nft flush chain " + table + " publish");

        awaitServer();
    }

    @Test
    void aBridgeThatWasDeletedComesBackWithEverybodyOnIt() throws Exception {
        inside("ip", "link", "del", "wtn0");

        awaitServer();
        assertThat(ping()).contains("1 packets received");
    }

    @Test
    void aDeviceThatWasDeletedComesBackAsWhatItWas() throws Exception {
        String before = docker.docker("exec", "rweb", "ip", "-o", "addr", "show", "eth0");
        for (String line :
                inside("ip", "-o", "link", "show", "master", "wtn0").lines().toList()) {
            inside("ip", "link", "del", line.split(": ")[1].split("@")[0]);
        }

        awaitServer();
        assertThat(ping()).contains("1 packets received");
        String after = docker.docker("exec", "rweb", "ip", "-o", "addr", "show", "eth0");
        assertThat(after.replaceAll("^\\d+", "")).isEqualTo(before.replaceAll("^\\d+", ""));
        assertThat(docker.docker("ps", "--quiet").lines()).hasSize(2);
    }

    @Test
    void onDemandTheAgentSaysWhatCameOfIt() throws Exception {
        String said = daemon.wharf("network", "reconcile").outOrThrow();

        assertThat(said).containsPattern("rn +[0-9a-f]{12} +whole").containsPattern("bridge +[0-9a-f]{12} +whole");
        assertThat(daemon.wharf("network", "reconcile", "rn", "--format", "json")
                        .outOrThrow())
                .contains("\"whole\":true");
        Outcome none = daemon.wharf("network", "reconcile", "nothing");
        assertThat(none.status()).isEqualTo(1);
        assertThat(none.err()).contains("network nothing not found");
        awaitServer();
    }

    @Test
    void aDefaultSubnetAvoidsWhereTheHostHasRoutes() throws Exception {
        inside("ip", "link", "add", "wta", "type", "veth", "peer", "name", "wtb");
        inside("ip", "addr", "add", "172.17.8.1/24", "dev", "wta");
        inside("ip", "link", "set", "wta", "up");
        inside("ip", "link", "set", "wtb", "up");
        inside("ip", "route", "add", "172.18.0.0/15", "via", "172.17.8.9");

        docker.docker("network", "create", "rd");

        assertThat(docker.docker("network", "inspect", "--format", "{{(index .IPAM.Config 0).Subnet}}", "rd"))
                .isEqualTo("172.20.0.0/16");
        Outcome overlap = docker.tried("network", "create", "--subnet", "172.17.0.0/16", "re");
        assertThat(overlap.status()).isNotZero();
        assertThat(overlap.err()).contains("Pool overlaps with other one on this address space");
        docker.docker("network", "create", "--subnet", "172.18.1.0/24", "rf");
    }
}
