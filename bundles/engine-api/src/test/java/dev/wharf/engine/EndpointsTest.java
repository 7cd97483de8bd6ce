package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Endpoint;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class EndpointsTest {
    private final Map<String, String> properties = new HashMap<>();

    private List<Endpoint> read() throws Exception {
        return new Endpoints(name -> properties.getOrDefault(name, "")).read();
    }

    @Test
    void withoutAWordThereIsOneSocketForRootAndTheUsualGroup() throws Exception {
        assertThat(read()).containsExactly(new Endpoint.Unix(Path.of("/run/wharf/wharf.sock"), "docker", 0660));
    }

    @Test
    void groupAndModeAreThoseOfEverySocket() throws Exception {
        properties.put("wharf.hosts", "unix:///a.sock, unix:///b.sock");
        properties.put("wharf.socket.group", "wheel");
        properties.put("wharf.socket.mode", "600");

        assertThat(read())
                .containsExactly(
                        new Endpoint.Unix(Path.of("/a.sock"), "wheel", 0600),
                        new Endpoint.Unix(Path.of("/b.sock"), "wheel", 0600));
    }

    @Test
    void aPortThatKnowsNobodyIsRefusedUnlessForced() throws Exception {
        properties.put("wharf.hosts", "tcp://127.0.0.1");
        assertThatThrownBy(this::read)
                .hasMessageContaining("could become root")
                .hasMessageContaining("--tlsverify")
                .hasMessageContaining("--insecure-tcp");

        properties.put("wharf.tls", "true");
        assertThatThrownBy(this::read).hasMessageContaining("could become root");

        properties.put("wharf.tls", "false");
        properties.put("wharf.tcp.insecure", "true");
        assertThat(read())
                .singleElement()
                .satisfies(port -> assertThat(port.url()).isEqualTo("tcp://127.0.0.1:2375"));
    }

    @Test
    void numbersAreToldOnAPortOfTheirOwnOnlyWhereOneIsNamed() {
        Endpoints endpoints = new Endpoints(name -> properties.getOrDefault(name, ""));
        assertThat(endpoints.numbers()).isEmpty();

        properties.put("wharf.metrics.address", "127.0.0.1:9323");
        assertThat(endpoints.numbers())
                .hasValueSatisfying(port -> assertThat(port.url()).isEqualTo("http://127.0.0.1:9323/metrics"));

        for (String address : List.of("9323", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "[::1]")) {
            properties.put("wharf.metrics.address", address);
            assertThatThrownBy(endpoints::numbers)
                    .hasMessageContaining("wharf.metrics.address=" + address)
                    .hasMessageContaining("127.0.0.1:9323");
        }
    }

    @Test
    void whatTlsLacksIsNamed() {
        properties.put("wharf.hosts", "tcp://127.0.0.1:2376");
        properties.put("wharf.tls.verify", "true");
        assertThatThrownBy(this::read).hasMessageContaining("--tlscert FILE");

        properties.put("wharf.tls.cert", "/nowhere/cert.pem");
        properties.put("wharf.tls.key", "/nowhere/key.pem");
        properties.put("wharf.tls.cacert", "/nowhere/ca.pem");
        assertThatThrownBy(this::read).hasMessageContaining("--tlscert /nowhere/cert.pem: no such file");
    }

    @Test
    void anAddressThatIsNoneIsNamed() {
        properties.put("wharf.tcp.insecure", "true");
        for (String address : List.of("tcp://127.0.0.1:0", "tcp://127.0.0.1:many", "fd://", "unix://relative")) {
            properties.put("wharf.hosts", address);
            assertThatThrownBy(this::read).hasMessageContaining(address);
        }
    }
}
