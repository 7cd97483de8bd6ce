package dev.wharf.itests.console;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.tools.attach.VirtualMachine;
import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.management.MBeanServerConnection;
import javax.management.Notification;
import javax.management.NotificationFilterSupport;
import javax.management.ObjectName;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Prometheus scrapes the socket, and a JMX console attaches to the agent as jconsole does, reads it and works it. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ConsoleIT {
    private Daemon daemon;
    private JMXConnector connector;

    @BeforeAll
    @SuppressWarnings("BanJNDI") // the address is that which the agent's own JVM has just given
    void start(@TempDir Path folder) throws Exception {
        daemon = SharedAgent.withBusybox(folder);
        VirtualMachine machine = VirtualMachine.attach(Long.toString(daemon.pid()));
        try {
            connector = JMXConnectorFactory.connect(new JMXServiceURL(machine.startLocalManagementAgent()));
        } finally {
            machine.detach();
        }
    }

    @AfterAll
    void stop() throws Exception {
        if (connector != null) {
            connector.close();
        }
        daemon.close();
    }

    @Test
    void aScrapeTellsOfTheHostItsContainersAndTheLoop() throws Exception {
        daemon.docker("run", "--detach", "--name", "scraped", "--memory", "64m", "busybox", "sleep", "1000")
                .outOrThrow();
        String id = daemon.docker("inspect", "--format", "{{.Id}}", "scraped")
                .outOrThrow()
                .substring(0, 12);
        String labels = "{id=\"" + id + "\",image=\"busybox\",name=\"scraped\"}";
        Outcome scrape = daemon.curl("/metrics", "--header", "Accept: application/openmetrics-text; version=1.0.0");
        assertThat(scrape.out())
                .contains("# TYPE wharf_container_memory_limit_bytes gauge")
                .contains("# UNIT wharf_container_memory_limit_bytes bytes")
                .contains("wharf_container_memory_limit_bytes" + labels + " 6.7108864E7\n")
                .contains("wharf_container_running" + labels + " 1.0\n")
                .containsPattern("wharf_container_cpu_seconds_total\\{[^}]*name=\"scraped\"} 0\\.0\\d+")
                .containsPattern("wharf_journal_batches_total [1-9]")
                .containsPattern("wharf_loop_turn_seconds_count [1-9]")
                .containsPattern("wharf_driver_serving\\{driver=\"overlay\",[^}]*kind=\"storage\"} 1\\.0")
                .endsWith("# EOF\n");

        daemon.docker("rm", "--force", "scraped").outOrThrow();
        assertThat(daemon.curl("/metrics").out())
                .contains("wharf_containers{state=\"running\"}")
                .doesNotContain("name=\"scraped\"")
                .doesNotContain("# EOF");
    }

    @Test
    void dashboardsAndAlertsAskForNothingThatIsNotTold() throws Exception {
        daemon.docker(
                        "run",
                        "--detach",
                        "--name",
                        "checked",
                        "--health-cmd",
                        "true",
                        "--health-interval",
                        "1h",
                        "busybox",
                        "sleep",
                        "1000")
                .outOrThrow();
        daemon.wharf("jobs", "run", "survey").outOrThrow();
        Set<String> told = names(daemon.curl("/metrics").out());
        // Told where there is a Kafka to publish to, as KafkaIT sees.
        told.add("wharf_journal_behind_batches");
        daemon.docker("rm", "--force", "checked").outOrThrow();
        for (String file : List.of("grafana-wharf.json", "alerts.yaml")) {
            assertThat(names(Files.readString(Daemon.distribution().resolve("monitoring/" + file))))
                    .as(file)
                    .isNotEmpty()
                    .isSubsetOf(told);
        }
    }

    private static Set<String> names(String text) {
        return Pattern.compile("\\bwharf_[a-z_]+")
                .matcher(text)
                .results()
                .map(MatchResult::group)
                .collect(Collectors.toCollection(TreeSet::new));
    }

    @Test
    void aConsoleSeesAContainerAndStopsItInItsOwnName() throws Exception {
        MBeanServerConnection console = connector.getMBeanServerConnection();
        BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
        NotificationFilterSupport exits = new NotificationFilterSupport();
        exits.enableType("dev.wharf.container.exited");
        console.addNotificationListener(
                new ObjectName("dev.wharf:type=Journal"),
                (notification, handback) -> heard.add(notification),
                exits,
                null);
        daemon.docker("run", "--detach", "--name", "seen", "busybox", "sleep", "1000")
                .outOrThrow();
        ObjectName seen = new ObjectName("dev.wharf:type=Container,name=\"seen\"");
        awaitBean(console, seen);
        assertThat(console.getAttribute(seen, "State")).isEqualTo("running");
        assertThat(console.getAttribute(seen, "Image")).isEqualTo("busybox");
        assertThat((Long) console.getAttribute(seen, "MemoryUsageBytes")).isPositive();
        assertThat((Integer) console.getAttribute(seen, "Pid")).isPositive();

        assertThatThrownBy(() -> console.invoke(seen, "kill", new Object[] {null}, new String[] {"java.lang.String"}))
                .hasStackTraceContaining("a signal has to be named");
        assertThat((Long) console.invoke(seen, "kill", new Object[] {"KILL"}, new String[] {"java.lang.String"}))
                .isPositive();
        Notification exit = heard.poll(20, TimeUnit.SECONDS);
        assertThat(exit).isNotNull();
        assertThat(exit.getMessage()).startsWith("seen ");
        assertThat(((CompositeData) exit.getUserData()).get("name")).isEqualTo("seen");
        assertThat(console.getAttribute(seen, "LastExitCode")).isEqualTo(137);
        assertThat(daemon.wharf("journal", "tail", "--lines", "40", "--format", "json")
                        .out())
                .contains("\"kind\":\"jmx\"");
        assertThatThrownBy(() -> console.invoke(seen, "pause", new Object[0], new String[0]))
                .hasStackTraceContaining("not running");

        daemon.docker("rm", "seen").outOrThrow();
        for (int i = 0; i < 1500 && console.isRegistered(seen); i++) {
            Thread.sleep(20);
        }
        assertThat(console.isRegistered(seen)).isFalse();
        assertThat(console.queryNames(new ObjectName("dev.wharf:type=Driver,kind=storage,*"), null))
                .isNotEmpty();
    }

    @Test
    void aConsoleSeesJobsAndHasOneRun() throws Exception {
        MBeanServerConnection console = connector.getMBeanServerConnection();
        ObjectName gc = new ObjectName("dev.wharf:type=Job,name=\"gc\"");
        awaitBean(console, gc);
        assertThat(console.getAttribute(gc, "Schedule")).isEqualTo("");
        assertThat(console.getAttribute(new ObjectName("dev.wharf:type=Job,name=\"scrub\""), "NextRunAt"))
                .asString()
                .isNotEmpty();
        int runs = (Integer) console.getAttribute(gc, "Runs");

        Object run = console.invoke(gc, "dryRun", new Object[0], new String[0]);

        for (int i = 0; i < 1500 && (Integer) console.getAttribute(gc, "Runs") == runs; i++) {
            Thread.sleep(20);
        }
        assertThat(console.getAttribute(gc, "LastResult")).isEqualTo("done");
        assertThat(daemon.wharf("journal", "tail", "--lines", "40", "--format", "json")
                        .out()
                        .lines()
                        .filter(l -> l.contains("host.job-started") && l.contains(run.toString())))
                .singleElement()
                .asString()
                .contains("\"kind\":\"jmx\"");
    }

    @Test
    void theFrameworkAndItsBundlesAreShownByTheStandardBeansAndTheSettingsAreNot() throws Exception {
        MBeanServerConnection console = connector.getMBeanServerConnection();
        ObjectName any = new ObjectName("osgi.core:type=bundleState,*");
        for (int i = 0; i < 3000 && console.queryNames(any, null).isEmpty(); i++) {
            Thread.sleep(20);
        }
        ObjectName bundles = console.queryNames(any, null).iterator().next();
        TabularData all = (TabularData) console.invoke(bundles, "listBundles", new Object[0], new String[0]);
        assertThat(all.values()).map(row -> (CompositeData) row).anySatisfy(row -> {
            assertThat(row.get("SymbolicName")).isEqualTo("dev.wharf.engine");
            assertThat(row.get("State")).isEqualTo("ACTIVE");
        });
        assertThat(console.queryNames(new ObjectName("osgi.core:type=framework,*"), null))
                .hasSize(1);
        assertThat(console.queryNames(new ObjectName("osgi.compendium:*"), null))
                .isEmpty();
    }

    @Test
    void jolokiaListensOnceItIsSetUpAndOnlyForThoseWithAPassword(@TempDir Path folder) throws Exception {
        Path etc = Files.createDirectories(folder.resolve("etc"));
        Path password = Files.writeString(folder.resolve("otto"), "opens all");
        try (Daemon watched = Daemon.start(folder.resolve("agent"), "--config-dir=" + etc)) {
            // As operators do it: while the agent runs.
            Files.writeString(etc.resolve("dev.wharf.jolokia.cfg"), "port = 0\noperators = " + password + "\n");
            String url = awaitUrl(watched);
            String question = url + "/read/dev.wharf:type=Agent/Version";
            assertThat(Outcome.of("curl", "--silent", "--output", "/dev/null", "--write-out", "%{http_code}", question)
                            .out())
                    .isEqualTo("401");
            // The door may open before there is anything behind it.
            String version = "";
            for (int i = 0; i < 600 && !version.contains("\"status\":200"); i++) {
                Thread.sleep(50);
                version = Outcome.of("curl", "--silent", "--user", "otto:opens all", question)
                        .out();
            }
            assertThat(version).contains("\"status\":200");
            watched.docker("network", "create", "seen").outOrThrow();
            String networks = "";
            for (int i = 0; i < 600 && !networks.contains("seen"); i++) {
                Thread.sleep(50);
                networks = Outcome.of(
                                "curl",
                                "--silent",
                                "--user",
                                "otto:opens all",
                                url + "/search/dev.wharf:type=Network,*")
                        .out();
            }
            assertThat(networks).contains("name=\\\"seen\\\"");
            watched.docker("network", "rm", "seen").outOrThrow();
        }
    }

    private static String awaitUrl(Daemon daemon) throws Exception {
        Pattern served = Pattern.compile("MXBeans are served url=(\\S+)");
        for (int i = 0; i < 400; i++) {
            Matcher matcher = served.matcher(Files.readString(daemon.log()));
            if (matcher.find()) {
                return matcher.group(1);
            }
            Thread.sleep(50);
        }
        throw new AssertionError("nobody serves\n" + Files.readString(daemon.log()));
    }

    private static void awaitBean(MBeanServerConnection console, ObjectName name) throws Exception {
        for (int i = 0; i < 1500 && !console.isRegistered(name); i++) {
            Thread.sleep(20);
        }
    }
}
