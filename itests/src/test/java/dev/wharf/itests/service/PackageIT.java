package dev.wharf.itests.service;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.conformance.SharedAgent;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;

/** The package's life on a Debian that has just been installed, under a systemd that has really booted. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(120)
class PackageIT {
    private static Path work;
    private static Guest guest;

    @BeforeAll
    @Timeout(900)
    static void bootADebian() throws Exception {
        work = Files.createTempDirectory("wharf-guest");
        Path given = Files.createDirectories(Guest.given(work));
        Files.copy(Daemon.distribution().resolveSibling("wharf.deb"), given.resolve("wharf.deb"));
        SharedAgent.offerBusybox(work.resolve("data"));
        guest = Guest.boot(work);
    }

    @AfterAll
    static void shutDown() throws Exception {
        // Where it did not boot, it has cleared away after itself.
        if (guest != null) guest.close();
    }

    private static String pidOf(String container) throws Exception {
        return guest.docker("inspect", "--format", "{{.State.Running}} {{.State.Pid}} {{.State.StartedAt}}", container)
                .outOrThrow();
    }

    private static String unit(String property) throws Exception {
        return guest.run("systemctl", "show", "--value", "--property", property, "wharfd.service")
                .outOrThrow()
                .strip();
    }

    @Test
    @Order(1)
    void installedItServes() throws Exception {
        guest.run("dpkg", "--install", "/mnt/wharf.deb").outOrThrow();

        assertThat(unit("ActiveState"))
                .as(guest.sh("journalctl -u wharfd --no-pager | tail -30").out())
                .isEqualTo("active");
        assertThat(unit("StatusText")).startsWith("0 of 0 containers running, journal at ");
        assertThat(unit("UnitFileState")).isEqualTo("enabled");
        assertThat(guest.docker("version", "--format", "{{.Server.Version}}").outOrThrow())
                .isNotBlank();
        guest.docker("pull", "--quiet", "layout.local/busybox").outOrThrow();
        guest.docker(
                        "run",
                        "-d",
                        "--name",
                        "web",
                        "-p",
                        "8080:80",
                        "layout.local/busybox",
                        "sh",
                        "-c",
                        "mkdir /www; echo ahoy >/www/index.html; exec httpd -f -p 80 -h /www")
                .outOrThrow();
        assertThat(fetch()).isEqualTo("ahoy\n");
    }

    private static String fetch() throws Exception {
        return Outcome.of(
                        "nsenter",
                        "--target",
                        Long.toString(guest.init()),
                        "--net",
                        "curl",
                        "-sS",
                        "--fail",
                        "--retry",
                        "5",
                        "--retry-connrefused",
                        "http://127.0.0.1:8080/")
                .outOrThrow();
    }

    @Test
    @Order(2)
    void everythingLiesWhereItBelongs() throws Exception {
        assertThat(guest.run("stat", "-c", "%U:%G %a", "/run/wharf/wharf.sock").outOrThrow())
                .isEqualTo("root:wharf 660\n");
        assertThat(guest.run("wharf", "version").outOrThrow()).contains("wharfd  ");
        assertThat(guest.run("dpkg", "--verify", "wharf").outOrThrow()).isEmpty();
        assertThat(guest.run("dpkg-query", "--show", "--showformat", "${Conffiles}", "wharf")
                        .outOrThrow())
                .contains("/etc/wharf/wharfd.conf");
        assertThat(guest.sh("ls /usr/lib/wharf/lib/*.jsa").outOrThrow()).contains("/wharfd-17.jsa");
        assertThat(guest.sh("ls /usr/share/man/man1/wharf-doctor.1.gz /usr/share/man/man8/wharfd.8.gz"
                                + " /usr/share/bash-completion/completions/wharf /usr/share/zsh/vendor-completions/_wharf"
                                + " /usr/share/fish/vendor_completions.d/wharf.fish /usr/share/doc/wharf/operations.md")
                        .status())
                .isZero();
        assertThat(guest.run("systemd-analyze", "verify", "--man=no", "wharfd.service")
                        .err())
                .doesNotContain("wharfd");
        Outcome doctor = guest.run("wharf", "doctor");
        assertThat(doctor.out()).contains("ran a container").contains("ok    agent");
        assertThat(doctor.status()).as(doctor.out()).isZero();
    }

    @Test
    @Order(3)
    void itsLogHasPrioritiesAndNoTimesOfItsOwn() throws Exception {
        String log = guest.run("journalctl", "--unit=wharfd", "--output=json", "--no-pager")
                .outOrThrow();

        assertThat(log.lines().filter(line -> line.contains("launch: started version=")))
                .singleElement()
                .satisfies(line -> assertThat(line)
                        .contains(
                                "\"PRIORITY\":\"6\"",
                                "\"SYSLOG_IDENTIFIER\":\"wharfd\"",
                                "\"MESSAGE\":\"launch: started"));
    }

    @Test
    @Order(4)
    void atRestItWritesNothingDown() throws Exception {
        String script =
                "end() { wharf journal facts | sed -n 's/^end *//p'; }; a=$(end); sleep 1; b=$(end); [ $a = $b ]";

        // A container's start goes on being written down for a moment; a loop of repairs would go on for ever.
        guest.await(script);
        assertThat(guest.sh(script).status())
                .as(guest.run("wharf", "journal", "tail").out())
                .isZero();
    }

    @Test
    @Order(4)
    void itsSettingsAreReadAgain() throws Exception {
        guest.sh("echo 'wharf.log.level = debug' >>/etc/wharf/wharfd.conf").outOrThrow();
        guest.run("systemctl", "reload", "wharfd").outOrThrow();

        guest.await("journalctl -u wharfd --no-pager | grep -q 'settings read again log-level=debug'");
        guest.await("[ $(systemctl is-active wharfd) = active ]");
    }

    @Test
    @Order(5)
    void anUpgradeLeavesContainersAndSettingsAlone() throws Exception {
        String before = pidOf("web");
        String agent = unit("MainPID");

        guest.run("dpkg", "--install", "--force-confold", "/mnt/wharf.deb").outOrThrow();

        assertThat(unit("MainPID")).isNotEqualTo(agent);
        assertThat(unit("ActiveState")).isEqualTo("active");
        assertThat(pidOf("web")).isEqualTo(before);
        assertThat(fetch()).isEqualTo("ahoy\n");
        assertThat(guest.run("cat", "/etc/wharf/wharfd.conf").outOrThrow()).contains("\nwharf.log.level = debug\n");
    }

    @Test
    @Order(6)
    void aStuckAgentIsStartedAnew() throws Exception {
        guest.sh(
                        "mkdir -p /run/systemd/system/wharfd.service.d; printf '[Service]\\nWatchdogSec=3\\n'"
                                + " >/run/systemd/system/wharfd.service.d/quick.conf; systemctl daemon-reload; systemctl restart wharfd")
                .outOrThrow();
        String before = pidOf("web");
        String agent = unit("MainPID");

        guest.run("kill", "-STOP", agent).outOrThrow();
        guest.await("[ $(systemctl show --value -p MainPID wharfd) != " + agent
                + " ] && [ $(systemctl is-active wharfd) = active ]");

        assertThat(guest.sh("journalctl -u wharfd --no-pager | grep -c 'Watchdog timeout'")
                        .out())
                .isNotEqualTo("0\n");
        assertThat(pidOf("web")).isEqualTo(before);
    }

    @Test
    @Order(7)
    void removedItLeavesWhatIsTheOperatorsAndSaysWhere() throws Exception {
        Outcome removed = guest.run("dpkg", "--remove", "wharf");

        assertThat(removed.outOrThrow()).contains("/var/lib/wharf    images, containers, volumes and the journal");
        assertThat(guest.sh("ls /var/lib/wharf").out()).contains("journal");
        assertThat(guest.sh("ls /usr/lib/wharf /usr/bin/wharf").status()).isNotZero();
        assertThat(guest.sh("systemctl is-active wharfd.service wharfd.socket").out())
                .doesNotContain("active\nactive");
        // Whoever visits the container does not notice.
        assertThat(fetch()).isEqualTo("ahoy\n");

        Outcome purged = guest.run("dpkg", "--purge", "wharf");
        assertThat(purged.outOrThrow()).contains("/var/lib/wharf");
        assertThat(guest.sh("ls /etc/wharf/wharfd.conf").status()).isNotZero();
        assertThat(guest.sh("ls /var/lib/wharf").out()).contains("journal");
    }

    @Test
    @Order(8)
    void installedAgainItTakesUpWhatWasLeft() throws Exception {
        guest.run("dpkg", "--install", "/mnt/wharf.deb").outOrThrow();

        assertThat(pidOf("web")).startsWith("true ");
        assertThat(fetch()).isEqualTo("ahoy\n");
        guest.docker("rm", "--force", "web").outOrThrow();
    }
}
