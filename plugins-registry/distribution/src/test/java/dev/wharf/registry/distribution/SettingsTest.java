package dev.wharf.registry.distribution;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsTest {
    private static final Path CERTS = Path.of("/c/certs.d");

    @Test
    void onlyThisMachineIsInsecureByItself() {
        Settings settings = Settings.defaults(CERTS);

        for (String host : List.of("localhost", "localhost:5000", "127.0.0.1:5000", "127.1.2.3", "[::1]:5000")) {
            assertThat(settings.isInsecure(host)).as(host).isTrue();
        }
        for (String host : List.of(
                "docker.io", "10.0.0.1:5000", "127.0.0.1.evil.example", "localhost.evil.example", "[fe80::1]:5000")) {
            assertThat(settings.isInsecure(host)).as(host).isFalse();
        }
    }

    @Test
    void insecureRegistriesAreNamesOrRanges() {
        Settings settings =
                Settings.of(Map.of("insecure", "Reg.Example:5000, [fe80::1]:80, 10.1.0.0/16 fd00::/8"), CERTS);

        assertThat(settings.isInsecure("reg.example:5000")).isTrue();
        assertThat(settings.isInsecure("reg.example")).isFalse();
        assertThat(settings.isInsecure("10.1.255.1:80")).isTrue();
        assertThat(settings.isInsecure("10.2.0.1")).isFalse();
        assertThat(settings.isInsecure("[fd12::1]:5000")).isTrue();
        assertThat(settings.isInsecure("[fe80::1]:80")).isTrue();
        assertThat(settings.isInsecure("1.2.3.4")).isFalse();
    }

    @Test
    void aConfigurationIsReadFromTextsAndArrays() {
        Settings settings = Settings.of(
                Map.of(
                        "mirrors.docker.io",
                        "https://m1.example/, m2.example:5000",
                        "realms.lscr.io",
                        new String[] {"ghcr.io"},
                        "certificates",
                        "/elsewhere",
                        "timeout.idle",
                        "7",
                        "felix.fileinstall.filename",
                        "x"),
                CERTS);

        assertThat(settings.mirrors().get("docker.io"))
                .containsExactly(URI.create("https://m1.example"), URI.create("https://m2.example:5000"));
        assertThat(settings.realms().get("lscr.io")).containsExactly("ghcr.io");
        assertThat(settings.certificates()).isEqualTo(Path.of("/elsewhere"));
        assertThat(settings.idleTimeout()).isEqualTo(Duration.ofSeconds(7));
        assertThat(settings.connectTimeout()).isEqualTo(Duration.ofSeconds(15));
    }

    @Test
    void nonsenseIsRefusedAndTheFormerSettingsStay() {
        for (Map<String, Object> bad : List.<Map<String, Object>>of(
                Map.of("timeout.idle", "soon"),
                Map.of("timeout.idle", "0"),
                Map.of("insecure", "http://reg.example"),
                Map.of("insecure", "reg.example/team"),
                Map.of("insecure", "reg.example:99999"),
                Map.of("insecure", "reg.example, 1.2.3.4/33"),
                Map.of("insecure", "1.2.3/8"),
                Map.of("insecure", "*.example"),
                Map.of("mirrors.docker.io", "ftp://x"),
                Map.of("mirrors.docker.io", "https://user:pw@x"))) {
            assertThatThrownBy(() -> Settings.of(bad, CERTS)).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void theEnvironmentNamesProxies() {
        Proxies proxies = new Proxies(Map.of(
                "HTTPS_PROXY", "http://proxy.example:3128", "no_proxy", "internal.example,.corp.example,other:5000"));

        assertThat(proxies.select(URI.create("https://docker.io/")))
                .containsExactly(new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved("proxy.example", 3128)));
        for (String direct : List.of(
                "http://docker.io/",
                "https://internal.example/",
                "https://a.internal.example/",
                "https://x.corp.example/",
                "https://other:5000/",
                "https://127.0.0.1:5000/")) {
            assertThat(proxies.select(URI.create(direct))).as(direct).containsExactly(Proxy.NO_PROXY);
        }
    }
}
