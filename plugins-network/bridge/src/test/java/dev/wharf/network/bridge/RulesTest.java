package dev.wharf.network.bridge;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PublishedPort;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RulesTest {
    private static final EndpointSpec WEB = new EndpointSpec(
            "web",
            new NetworkId("c3".repeat(32)),
            "vethweb",
            "eth0",
            "10.0.0.2/24",
            "10.0.0.1",
            "",
            "",
            "02:42:0a:00:00:02",
            List.of(),
            List.of(
                    new PublishedPort(80, "tcp", "0.0.0.0", 8080),
                    new PublishedPort(80, "tcp", "::", 8080),
                    new PublishedPort(53, "udp", "127.0.0.1", 5353)),
            Map.of());

    @Test
    void aPublishedPortIsOneElement() {
        assertThat(new Rules("wharf-1").publish(WEB).lines())
                .containsExactly(
                        "add element inet wharf-1 any4 { tcp . 8080 comment \"web\" : 10.0.0.2 . 80 }",
                        "add element inet wharf-1 carried6 { tcp . :: . 8080 comment \"web\" : 10.0.0.2 . 80 }",
                        "add element inet wharf-1 ports4 { udp . 127.0.0.1 . 5353 comment \"web\" : 10.0.0.2 . 53 }");
        assertThat(new Rules("wharf-1").count(WEB)).isEqualTo(2);
    }

    @Test
    void noPlaceholderIsLeftInTheRules() {
        assertThat(new Rules("wharf-1").whole().lines()).allMatch(l -> l.contains("inet wharf-1"));
    }

    @Test
    void aTagIsReadAsItWasWrittenAndFitsIntoAnAlias() {
        Tag tag = Tag.of("wharf-12345678", WEB, 2);

        assertThat(Tag.parse(tag.toString())).contains(tag);
        assertThat(Tag.parse(tag.gone().toString()).orElseThrow().isEndpoint()).isFalse();
        assertThat(Tag.parse("somebody else's alias")).isEmpty();
        assertThat(Tag.parse("")).isEmpty();
        assertThat(new Tag("wharf-12345678", "endpoint", "e".repeat(64), "f".repeat(64), "02:42:0a:00:00:02", 999)
                        .toString())
                .hasSizeLessThan(256);
    }

    @Test
    void agentsAreToldApartByTheirExecRoots() {
        assertThat(BridgeDriver.agent("/run/wharf"))
                .matches("wharf-[0-9a-f]{8}")
                .isEqualTo(BridgeDriver.agent("/run/other/../wharf"))
                .isNotEqualTo(BridgeDriver.agent("/run/wharf2"));
    }
}
