package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.linux.process.Epoll;
import dev.wharf.spi.kernel.Links;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxNetworkEventsTest {
    private static final String TABLE = "wharf-test";

    @TempDir
    private Path dir;

    private World world;
    private Epoll epoll;
    private LinuxNetworkEvents events;
    private LinuxFirewall firewall;
    private final BlockingQueue<String> heard = new LinkedBlockingQueue<>();

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        epoll = new Epoll();
        events = new LinuxNetworkEvents(world.home, epoll);
        firewall = new LinuxFirewall(world.home);
        firewall.apply("add table inet wharf-test\nadd set inet wharf-test s { type ifname; }\n"
                + "add element inet wharf-test s { \"a\", \"b\" }\nadd table inet other\n");
    }

    @AfterEach
    void close() throws Exception {
        firewall.close();
        epoll.close();
        world.close();
    }

    @Test
    void aFlushByAnotherProgramIsHeard() throws Exception {
        try (AutoCloseable ear = events.onRulesLost(TABLE, () -> heard.add("lost"))) {
            world.run(world.host, "nft", "flush", "ruleset");

            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("lost");
        }
    }

    @Test
    void anElementThatAnotherProgramRemovesIsHeardAndItsChangesElsewhereAreNot() throws Exception {
        try (AutoCloseable ear = events.onRulesLost(TABLE, () -> heard.add("lost"))) {
            world.run(world.host, "nft", "delete table inet other");
            world.run(world.host, "nft", "add element inet wharf-test s { \"c\" }");
            assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();

            world.run(world.host, "nft", "delete element inet wharf-test s { \"b\" }");

            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("lost");
        }
    }

    @Test
    void whatThisProgramRemovesItselfIsNoLoss() throws Exception {
        try (AutoCloseable ear = events.onRulesLost(TABLE, () -> heard.add("lost"))) {
            firewall.apply("delete element inet wharf-test s { \"a\" }");
            firewall.apply("delete table inet wharf-test");

            assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();
        }
    }

    @Test
    void aPolicyThatDropsAndAForwardRuleThatGoesAreHeard() throws Exception {
        try (AutoCloseable ear = events.onPassageLost(() -> heard.add("lost"))) {
            world.run(world.host, "iptables", "-A", "FORWARD", "-i", "a", "-j", "ACCEPT");
            world.run(world.host, "iptables", "-P", "INPUT", "DROP");
            world.run(world.host, "iptables", "-A", "OUTPUT", "-o", "a", "-j", "ACCEPT");
            world.run(world.host, "iptables", "-F", "OUTPUT");
            assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();

            world.run(world.host, "iptables", "-P", "FORWARD", "DROP");
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("lost");
            world.run(world.host, "iptables", "-F", "FORWARD");
            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("lost");
        }
    }

    @Test
    void aRemovedDeviceIsToldWithWhatWasWrittenOnIt() throws Exception {
        LinuxLinks links = new LinuxLinks(world.home);
        links.bridge(new Links.Bridge("wtest0", "", 0, List.of(), "ours"));
        try (AutoCloseable ear = events.onDeviceLost(link -> heard.add(link.name() + " " + link.alias()))) {
            world.run(world.host, "ip", "link", "del", "wtest0");

            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("wtest0 ours");
        }
    }

    @Test
    void aDeviceThatIsSetDownIsTold() throws Exception {
        LinuxLinks links = new LinuxLinks(world.home);
        links.bridge(new Links.Bridge("wtest0", "", 0, List.of(), "ours"));
        try (AutoCloseable ear = events.onDeviceLost(link -> heard.add(link.name()))) {
            world.run(world.host, "ip", "link", "set", "wtest0", "down");

            assertThat(heard.poll(10, TimeUnit.SECONDS)).isEqualTo("wtest0");
        }
    }

    @Test
    void nothingIsHeardAfterTheEnd() throws Exception {
        events.onRulesLost(TABLE, () -> heard.add("lost")).close();

        world.run(world.host, "nft", "flush", "ruleset");

        assertThat(heard.poll(300, TimeUnit.MILLISECONDS)).isNull();
    }
}
