package dev.wharf.launch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class OptionsTest {

    @Test
    void withoutOptionsTheAgentLivesInTheUsualPlaces() throws Exception {
        Options options = Options.parse();

        assertThat(options.wish()).isEqualTo(Options.Wish.SERVE);
        assertThat(options.properties())
                .containsEntry("wharf.data.root", "/var/lib/wharf")
                .containsEntry("wharf.exec.root", "/run/wharf")
                .containsEntry("wharf.hosts", "unix:///run/wharf/wharf.sock")
                .containsEntry("wharf.bridge.name", "wharf0")
                // What stands in wharfd.conf counts where no option says otherwise.
                .doesNotContainKey("wharf.log.level")
                .doesNotContainKey("wharf.bridge.bip");
    }

    @Test
    void everyOptionBecomesAFrameworkProperty() throws Exception {
        Options options = Options.parse(
                "--data-root",
                "/d",
                "--exec-root=/e",
                "--host",
                "unix:///a.sock",
                "-H",
                "unix:///b.sock",
                "--pidfile",
                "/p",
                "--config-dir",
                "/c",
                "--plugins-dir",
                "/i",
                "--log-level",
                "debug",
                "--bridge",
                "two0",
                "--bip",
                "10.90.0.1/16");

        assertThat(options.properties())
                .containsEntry("wharf.data.root", "/d")
                .containsEntry("wharf.exec.root", "/e")
                .containsEntry("wharf.hosts", "unix:///a.sock,unix:///b.sock")
                .containsEntry("wharf.pidfile", "/p")
                .containsEntry("wharf.config.dir", "/c")
                .containsEntry("wharf.plugins.dir", "/i")
                .containsEntry("wharf.log.level", "debug")
                .containsEntry("wharf.bridge.name", "two0")
                .containsEntry("wharf.bridge.bip", "10.90.0.1/16");
    }

    @Test
    void socketsThatSystemdPassesAreAnAddressLikeAnyOther() throws Exception {
        assertThat(Options.parse("--host", "fd://").properties()).containsEntry("wharf.hosts", "fd://");
    }

    @Test
    void thePidFileLivesInTheExecRootUnlessItIsPutElsewhere() throws Exception {
        assertThat(Options.parse("--exec-root", "/e").pidFile()).isEqualTo(Path.of("/e/wharfd.pid"));
    }

    @Test
    void whoAsksForHelpGetsItWhateverElseIsOnTheLine() throws Exception {
        assertThat(Options.parse("--data-root", "/d", "--help", "--nonsense").wish())
                .isEqualTo(Options.Wish.HELP);
        assertThat(Options.parse("-v").wish()).isEqualTo(Options.Wish.VERSION);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            --nonsense                | unknown option --nonsense
            run                       | unexpected argument run
            --data-root               | --data-root needs a value
            --data-root=              | --data-root needs a value
            --bip=1.2.3.4/8 --bip=1.2.3.4/8 | --bip is given twice
            --default-address-pool=10.0.0.0/8 | such as base=10.10.0.0/16,size=24
            --default-address-pool=base=10.0.0.0/16,size=8 | such as base=10.10.0.0/16,size=24
            --default-address-pool=base=10.0.0.0/16,size=31 | such as base=10.10.0.0/16,size=24
            --default-address-pool=base=10.0.0/16,size=24 | such as base=10.10.0.0/16,size=24
            --default-address-pool=base=fd::g/16,size=64 | such as base=10.10.0.0/16,size=24
            --data-root=/a,b          | --data-root /a,b: a path with a comma or a colon cannot be mounted
            --host=fd://3             | expected a socket such as unix:///run/wharf/wharf.sock, a port such as tcp://
            --socket-mode=rw-rw----   | --socket-mode rw-rw----: expected three octal digits such as 660
            --tlsverify=yes           | --tlsverify takes true or false
            --log-level=loud          | expected error, warn, info, debug or trace
            --bridge=a/b              | --bridge a/b: a device name has at most 15
            --bridge=sixteen-letters-  | at most 15
            """)
    void aBadOptionIsNamedTogetherWithWhatWouldBeRight(String line, String complaint) {
        assertThatThrownBy(() -> Options.parse(line.split(" ")))
                .isInstanceOf(Misuse.class)
                .hasMessageContaining(complaint);
    }

    @ParameterizedTest
    @ValueSource(strings = {"10.88.0.1", "10.88.0.256/16", "10.88.0.1/31", "fe80::1/64", "bridge"})
    void theBridgeWantsAnAddressWithAPrefix(String bip) {
        assertThatThrownBy(() -> Options.parse("--bip", bip)).hasMessageContaining("such as 10.88.0.1/16");
    }

    @Test
    void poolsOfAddressesAreGivenOneByOne() throws Exception {
        assertThat(Options.parse(
                                "--default-address-pool",
                                "base=10.10.0.0/16,size=24",
                                "--default-address-pool=base=fd10::/48,size=64")
                        .properties())
                .containsEntry("wharf.address.pools", "base=10.10.0.0/16,size=24;base=fd10::/48,size=64");
        assertThat(Options.parse().properties()).doesNotContainKey("wharf.address.pools");
    }

    @Test
    void theHostsGatewayIsOneAddressOfEachFamilyAtMost() throws Exception {
        for (String fine : List.of("", "192.0.2.10", "2001:db8::10", "192.0.2.10, 2001:db8::10")) {
            Options.hostGateway(fine);
        }
        for (String wrong : List.of("gateway", "192.0.2.10/24", "192.0.2.10,192.0.2.11", "::1 ::2", "192.0.2.256")) {
            assertThatThrownBy(() -> Options.hostGateway(wrong)).hasMessageContaining("such as 192.0.2.10");
        }
    }

    @Test
    void aSocketsPathFitsIntoTheKernelsAddress() {
        assertThatThrownBy(() -> Options.parse("--host", "unix:///" + "x".repeat(107)))
                .hasMessageContaining("at most 107 bytes");
    }

    @Test
    void theUsageTextNamesEveryOption() {
        assertThat(Texts.usage())
                .contains(
                        "--data-root",
                        "--exec-root",
                        "--host",
                        "--pidfile",
                        "--config-dir",
                        "--plugins-dir",
                        "--log-level",
                        "--bridge",
                        "--bip",
                        "--default-address-pool",
                        "--group",
                        "--socket-mode",
                        "--tlsverify",
                        "--tlscacert",
                        "--tlscert",
                        "--tlskey",
                        "--insecure-tcp",
                        "--help",
                        "--version",
                        "Examples:")
                .doesNotContain("${");
        assertThat(Texts.usage().lines()).allMatch(line -> line.length() <= 120);
    }

    @Test
    void whatADoorIsLikeIsHandedToTheBundleThatListens() throws Exception {
        assertThat(Options.parse("-H", "tcp://127.0.0.1:2376", "--tlsverify", "--tlscert", "/c.pem", "-G", "wheel")
                        .properties())
                .containsEntry("wharf.hosts", "tcp://127.0.0.1:2376")
                .containsEntry("wharf.tls.verify", "true")
                .containsEntry("wharf.tls.cert", "/c.pem")
                .containsEntry("wharf.socket.group", "wheel")
                .doesNotContainKey("wharf.tcp.insecure");
    }
}
