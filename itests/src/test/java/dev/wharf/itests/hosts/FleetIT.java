package dev.wharf.itests.hosts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.testkit.kafka.Broker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/** Services on three hosts that know one another by Kafka alone, through bad versions, meddling hands and kills. */
@Timeout(value = 900, unit = TimeUnit.SECONDS)
class FleetIT {
    private static final int HOSTS = 3;
    private static final String SUBNET = "10.142.7.";
    private static final ObjectMapper JSON = new ObjectMapper();

    private Path folder;
    private Broker broker;
    private Neighbours hosts;

    @BeforeEach
    void open() throws Exception {
        folder = Files.createTempDirectory("wharf-fleet");
        broker = Broker.start(
                folder.resolve("broker"),
                Map.of(
                        "listeners",
                        "PLAINTEXT://0.0.0.0:PORT,CONTROLLER://127.0.0.1:CONTROLLER",
                        "advertised.listeners",
                        "PLAINTEXT://" + SUBNET + "1:PORT"),
                List.of());
        String port = broker.address().substring(broker.address().indexOf(':') + 1);
        hosts = new Neighbours(
                folder,
                HOSTS,
                n -> Map.of("dev.wharf.kafka.cfg", """
                bootstrap.servers = %s1:%s
                desired = true
                commands.allow = ops=desired.apply
                host.name = h%d
                host.labels = role=shop
                overlay.number = %d
                overlay.address = %s
                """.formatted(SUBNET, port, n, n, Neighbours.address(n))));
        hosts.reachThisMachine(SUBNET, HOSTS);
        Path probe = document("true", 1, "");
        await(
                "all hosts said who they are",
                Duration.ofSeconds(60),
                () -> apply(probe, "--dry-run")
                                .out()
                                .lines()
                                .filter(l -> l.startsWith("h"))
                                .count()
                        == HOSTS);
    }

    @AfterEach
    void close() throws Exception {
        try {
            if (broker.isAlive()) {
                fleet("--principal", "ops", "--wait", "60", "remove", "group/shop");
            }
        } finally {
            hosts.close();
            broker.close();
            Outcome.of("rm", "-rf", folder.toString());
        }
    }

    private Outcome fleet(String... words) throws Exception {
        List<String> all = new ArrayList<>(List.of("fleet", "--brokers", broker.address()));
        all.addAll(List.of(words));
        return hosts.agent(0).wharf(all.toArray(String[]::new));
    }

    private Path document(String command, int replicas, String update) throws Exception {
        return Files.writeString(folder.resolve("services.yaml"), """
                key: group/shop
                selector: {role: shop}
                networks:
                  shop: {driver: overlay, subnet: 10.143.0.0/16}
                services:
                  web:
                    image: busybox
                    command: [sh, -c, "%s"]
                    replicas: %d
                    networks: [shop]
                    update: {%s}
                """.formatted(command, replicas, update));
    }

    private Outcome apply(Path document, String... more) throws Exception {
        List<String> words = new ArrayList<>(List.of("--principal", "ops", "apply", "-f", document.toString()));
        words.addAll(List.of(more));
        return fleet(words.toArray(String[]::new));
    }

    private static String serving(int version) {
        return "mkdir /w; echo v" + version + " at `hostname` >/w/index.html; exec httpd -f -p 80 -h /w";
    }

    private static void await(String what, Duration patience, Callable<Boolean> so) throws Exception {
        long end = System.nanoTime() + patience.toNanos();
        while (!so.call()) {
            assertThat(System.nanoTime()).as(what).isLessThan(end);
            Thread.sleep(200);
        }
    }

    private List<String> replicas(int host) throws Exception {
        return hosts.docker(host, "ps", "--filter", "label=dev.wharf.service=web", "--format", "{{.Names}}")
                .lines()
                .sorted()
                .toList();
    }

    private JsonNode status() throws Exception {
        return JSON.readTree(fleet("--format", "json", "status").outOrThrow()).path("services");
    }

    @Test
    void aServiceComesIsFoundByNameRollsBackIsRepairedAndOutlivesKills() throws Exception {
        Path first = document(serving(1), 2, "settle: 1s, gate: 20s");
        assertThat(apply(first, "--dry-run").outOrThrow()).contains("+ web: 2 x busybox");
        assertThat(replicas(0)).isEmpty();
        assertThat(apply(first).outOrThrow()).contains("converged on 3 hosts");
        for (JsonNode row : status()) {
            assertThat(row.path("healthy").asInt()).isEqualTo(2);
            assertThat(row.path("state").asText()).isEqualTo("converged");
        }

        // By name, over the overlay that hosts found out about from Kafka.
        String one = replicas(0).get(0);
        await(
                "all six are found by name",
                Duration.ofSeconds(60),
                () -> hosts.agent(0)
                                .docker("exec", one, "nslookup", "web")
                                .out()
                                .lines()
                                .filter(l -> l.contains("10.143."))
                                .distinct()
                                .count()
                        >= 6);
        assertThat(hosts.docker(0, "exec", one, "wget", "-q", "-O", "-", "http://web/"))
                .startsWith("v1 at");

        Outcome bad = apply(document("exit 3", 2, "settle: 1s, gate: 20s"));
        assertThat(bad.status()).isEqualTo(1);
        assertThat(bad.out()).contains("rolled-back", "ended by itself with code 3");
        for (int n = 0; n < HOSTS; n++) {
            String web = replicas(n).get(0);
            assertThat(hosts.docker(n, "exec", web, "cat", "/w/index.html")).startsWith("v1");
        }

        hosts.docker(1, "rm", "-f", replicas(1).get(0));
        hosts.docker(2, "stop", "-t", "0", replicas(2).get(1));
        for (int n = 1; n < HOSTS; n++) {
            int host = n;
            await(
                    "drift is repaired and told",
                    Duration.ofSeconds(60),
                    () -> hosts.agent(host)
                            .wharf("journal", "tail", "-n", "200")
                            .out()
                            .contains("service.drift-repaired"));
            assertThat(replicas(n)).hasSize(2);
        }

        apply(document(serving(2), 3, "settle: 1s, gate: 20s"), "--detach").outOrThrow();
        await(
                "the rollout begins",
                Duration.ofSeconds(60),
                () -> hosts.agent(2)
                                .wharf("journal", "tail", "-n", "300")
                                .out()
                                .lines()
                                .filter(l -> l.contains("service.desired"))
                                .count()
                        >= 3);
        hosts.agent(2).kill();
        broker.kill();
        hosts.agent(2).restart();
        for (int n = 0; n < HOSTS; n++) {
            int host = n;
            await(
                    "it goes on without brokers and after a kill",
                    Duration.ofSeconds(90),
                    () -> replicas(host).size() == 3 && replicas(host).stream().allMatch(name -> isSecond(host, name)));
        }
        broker.start();
        await("hosts say so when brokers are back", Duration.ofSeconds(90), () -> {
            int converged = 0;
            for (JsonNode row : status()) {
                converged += row.path("state").asText().equals("converged")
                                && row.path("healthy").asInt() == 3
                        ? 1
                        : 0;
            }
            return converged == HOSTS;
        });

        assertThat(fleet("--principal", "ops", "remove", "group/shop").outOrThrow())
                .contains("- web", "converged");
        for (int n = 0; n < HOSTS; n++) {
            assertThat(hosts.docker(n, "ps", "-aq")).isEmpty();
        }
    }

    private boolean isSecond(int host, String container) {
        try {
            return hosts.agent(host)
                    .docker("exec", container, "cat", "/w/index.html")
                    .out()
                    .startsWith("v2");
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** Three hundred replicas; takes minutes. */
    @Test
    @EnabledIfSystemProperty(named = "wharf.fleet.big", matches = "true")
    void threeHundredReplicasConvergeAndABadVersionStopsAndRollsBack() throws Exception {
        String update = "parallelism: 10, settle: 1s, gate: 60s, maxFailures: 2";
        long begin = System.nanoTime();
        assertThat(apply(document("exec sleep 100000", 100, update)).outOrThrow())
                .contains("converged on 3 hosts");
        report("300 replicas converged", begin);

        begin = System.nanoTime();
        Outcome bad = apply(document("exit 3", 100, update));
        assertThat(bad.out()).contains("rolled-back");
        report("a bad version stopped and rolled back", begin);
        for (JsonNode row : status()) {
            assertThat(row.path("healthy").asInt()).isEqualTo(100);
            assertThat(row.path("state").asText()).isEqualTo("rolled-back");
        }

        begin = System.nanoTime();
        apply(document("exec sleep 200000", 100, update), "--detach").outOrThrow();
        await("a good version is everywhere", Duration.ofMinutes(8), () -> {
            // Each look is a JVM of its own, on a machine that has enough to do; its broker may be too slow for one.
            Thread.sleep(5000);
            Outcome look = fleet("--format", "json", "status");
            if (look.status() != 0) {
                return false;
            }
            int converged = 0;
            for (JsonNode row : JSON.readTree(look.out()).path("services")) {
                converged += row.path("state").asText().equals("converged") ? 1 : 0;
            }
            return converged == HOSTS;
        });
        report("300 replicas replaced by a good version", begin);
    }

    private static void report(String what, long begin) {
        System.out.printf("fleet: %s in %.1f s%n", what, (System.nanoTime() - begin) / 1e9);
    }
}
