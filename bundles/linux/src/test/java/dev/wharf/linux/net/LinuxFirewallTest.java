package dev.wharf.linux.net;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Firewall;
import dev.wharf.spi.kernel.Firewall.Element;
import dev.wharf.spi.kernel.Firewall.Table;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class LinuxFirewallTest {
    private static final String MAP = """
            add table inet wharf-test
            add map inet wharf-test ports { type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service; }
            """;

    @TempDir
    private Path dir;

    private World world;
    private LinuxFirewall firewall;

    @BeforeEach
    void open() throws Exception {
        world = new World(dir);
        firewall = new LinuxFirewall(world.home);
    }

    @AfterEach
    void close() throws Exception {
        firewall.close();
        world.close();
    }

    @Test
    void elementsComeBackAsTheyWereAdded() throws Exception {
        firewall.apply(MAP
                + "add element inet wharf-test ports { tcp . 127.0.0.1 . 8080 comment \"web\" : 10.0.0.2 . 80,"
                + " udp . 10.1.1.1 . 53 : 10.0.0.3 . 5353 }");

        assertThat(firewall.elements("inet", "wharf-test", "ports"))
                .containsExactlyInAnyOrder(
                        new Element(List.of("6", "127.0.0.1", "8080"), List.of("10.0.0.2", "80"), "web"),
                        new Element(List.of("17", "10.1.1.1", "53"), List.of("10.0.0.3", "5353"), ""));
        assertThat(firewall.tables()).containsExactly(new Table("inet", "wharf-test"));
    }

    @Test
    void aSetOfNamesAndIntervalsComesBack() throws Exception {
        firewall.apply("""
                add table inet wharf-test
                add set inet wharf-test bridges { type ifname; }
                add set inet wharf-test subnets { type ipv4_addr; flags interval; }
                add element inet wharf-test bridges { "br-a" }
                add element inet wharf-test subnets { 10.0.0.0/8 }
                """);

        assertThat(firewall.elements("inet", "wharf-test", "bridges"))
                .containsExactly(new Element(List.of("br-a"), List.of(), ""));
        assertThat(firewall.elements("inet", "wharf-test", "subnets"))
                .containsExactly(new Element(List.of("10.0.0.0/8"), List.of(), ""));
    }

    @Test
    void allOrNothingIsDone() throws Exception {
        firewall.apply(MAP);

        assertThatThrownBy(
                        () -> firewall.apply("add element inet wharf-test ports { tcp . 1.1.1.1 . 1 : 2.2.2.2 . 2 }\n"
                                + "delete element inet wharf-test ports { tcp . 9.9.9.9 . 9 }"))
                .satisfies(
                        e -> assertThat(((DriverException) e).failure().kind()).isEqualTo(Failure.Kind.MISSING));

        assertThat(firewall.elements("inet", "wharf-test", "ports")).isEmpty();
    }

    @Test
    void anElementWithAnotherValueExists() throws Exception {
        firewall.apply(MAP + "add element inet wharf-test ports { tcp . 1.1.1.1 . 1 : 2.2.2.2 . 2 }");

        firewall.apply("add element inet wharf-test ports { tcp . 1.1.1.1 . 1 : 2.2.2.2 . 2 }");
        assertThatThrownBy(
                        () -> firewall.apply("add element inet wharf-test ports { tcp . 1.1.1.1 . 1 : 3.3.3.3 . 3 }"))
                .satisfies(
                        e -> assertThat(((DriverException) e).failure().kind()).isEqualTo(Failure.Kind.EXISTS));
    }

    @Test
    void aMissingSetAndNonsenseAreFailuresWithASentence() {
        assertThatThrownBy(() -> firewall.elements("inet", "no-such", "ports"))
                .satisfies(
                        e -> assertThat(((DriverException) e).failure().kind()).isEqualTo(Failure.Kind.MISSING));
        assertThatThrownBy(() -> firewall.apply("make tea"))
                .isInstanceOf(DriverException.class)
                .hasMessageStartingWith("nf_tables: syntax error");
    }

    @Test
    void aForwardChainThatDropsIsFound() throws Exception {
        assertThat(firewall.droppingForwardChains()).isEmpty();

        firewall.apply("add table ip filter\n"
                + "add chain ip filter FORWARD { type filter hook forward priority 0; policy drop; }");

        Firewall.Chain chain = new Firewall.Chain("ip", "filter", "FORWARD");
        assertThat(firewall.droppingForwardChains()).containsExactly(chain);
        assertThat(firewall.rules(chain)).isEmpty();
        firewall.apply("add rule " + chain + " iifname \"a\" accept comment \"ours\"\nadd rule " + chain + " accept");
        assertThat(firewall.rules(chain)).extracting(Firewall.Rule::comment).containsExactly("ours", "");
        firewall.apply("delete rule " + chain + " handle "
                + firewall.rules(chain).get(0).handle());
        assertThat(firewall.rules(chain)).hasSize(1);
    }

    @Test
    void whatAnotherProgramFlushedIsNoticed() throws Exception {
        firewall.apply(MAP);
        world.run(world.host, "nft", "flush", "ruleset");

        assertThat(firewall.tables()).isEmpty();
        firewall.apply(MAP);
        assertThat(firewall.elements("inet", "wharf-test", "ports")).isEmpty();
    }
}
