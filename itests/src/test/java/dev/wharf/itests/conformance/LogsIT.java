package dev.wharf.itests.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.itests.daemon.Daemon;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;

/** What a container said, all of it, the end of it, and as it is said. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class LogsIT {
    private final Docker docker;

    LogsIT(Daemon daemon) {
        docker = new Docker(daemon);
    }

    @Test
    void allIsKeptAndTheEndIsShownAlone() throws Exception {
        docker.docker("run", "--name", "counting", "busybox", "seq", "1", "1000");

        assertThat(docker.docker("logs", "counting").lines()).hasSize(1000);
        assertThat(docker.docker("logs", "--tail", "2", "counting")).isEqualTo("999\n1000");
        assertThat(docker.docker("logs", "-n", "0", "counting")).isEmpty();
        assertThat(docker.docker("logs", "--timestamps", "--tail", "1", "counting"))
                .matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{9}Z 1000");
    }

    @Test
    void outputAndErrorsAreKeptApart() throws Exception {
        docker.docker("run", "--name", "both", "busybox", "sh", "-c", "echo out; echo err >&2");

        var logs = docker.tried("logs", "both");

        assertThat(logs.out()).isEqualTo("out\n");
        assertThat(logs.err()).isEqualTo("err\n");
    }

    @Test
    void onlyWhatCameInATimeIsShown() throws Exception {
        String container = docker.background("", "echo early; sleep 1.5; echo late; sleep 1000");
        docker.awaitLog(container, "late");

        String late = docker.docker("logs", "--timestamps", "--tail", "1", container);
        Instant between = Instant.parse(late.substring(0, late.indexOf(' '))).minusMillis(700);

        assertThat(docker.docker("logs", "--since", between.toString(), container))
                .isEqualTo("late");
        assertThat(docker.docker("logs", "--until", between.toString(), container))
                .isEqualTo("early");
        assertThat(docker.docker("logs", "--since", "1h", container)).isEqualTo("early\nlate");
    }

    @Test
    void aFollowerHearsWhatIsSaidUntilTheEnd() throws Exception {
        String container = docker.background("", "for i in 1 2 3 4 5; do echo $i; sleep 0.1; done");

        assertThat(docker.docker("logs", "--follow", container)).isEqualTo("1\n2\n3\n4\n5");
    }

    @Test
    void aFollowerIsNotKeptFromLongLinesNorFromManyBytes() throws Exception {
        docker.docker(
                "run",
                "--name",
                "long",
                "busybox",
                "sh",
                "-c",
                "head -c 100000 /dev/zero | tr '\\0' x; echo; seq 1 100000");

        List<String> lines = docker.docker("logs", "long").lines().toList();

        assertThat(lines).hasSize(100_001);
        assertThat(lines.get(0)).hasSize(100_000);
        assertThat(lines.get(100_000)).isEqualTo("100000");
    }

    @Test
    void aTerminalsOutputIsOneStreamWithCarriageReturns() throws Exception {
        String container = docker.docker("run", "-dt", "busybox", "echo", "hi");
        docker.docker("wait", container);

        assertThat(docker.tried("logs", container).out()).isEqualTo("hi\r\n");
    }

    @Test
    void aDriverThatKeepsNothingSaysSo() throws Exception {
        docker.docker("run", "--name", "silent", "--log-driver", "none", "busybox", "echo", "hi");

        var logs = docker.tried("logs", "silent");

        assertThat(logs.status()).isEqualTo(1);
        assertThat(logs.err()).contains("configured logging driver does not support reading");
    }

    @Test
    void aLogThatIsSentOnIsReadHereAsWell() throws Exception {
        int port;
        try (ServerSocket fluentd = new ServerSocket(0, 10, InetAddress.getLoopbackAddress())) {
            port = fluentd.getLocalPort();
            String address = "fluentd-address=127.0.0.1:" + port;
            docker.docker(
                    "run", "--name", "sent", "--log-driver", "fluentd", "--log-opt", address, "busybox", "echo", "hi");

            StringBuilder got = new StringBuilder();
            fluentd.setSoTimeout(30_000);
            while (!got.toString().contains("hi")) {
                // The first connection is that of the start, which looks whether somebody is there.
                try (Socket socket = fluentd.accept()) {
                    got.append(new String(socket.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1));
                }
            }
            assertThat(got.toString()).contains("container_name\u00a5/sent", "source\u00a6stdout", "log\u00a2hi");
            assertThat(docker.docker("logs", "sent")).isEqualTo("hi");
        }

        var dead = docker.tried("start", "sent");

        assertThat(dead.err())
                .contains(
                        "failed to create task for container: failed to initialize logging driver: dial tcp 127.0.0.1:"
                                + port + ": connect: connection refused");
        assertThat(docker.docker("info", "--format", "{{.Plugins.Log}}"))
                .isEqualTo("[fluentd gelf journald json-file local syslog]");
    }

    @Test
    void logsOfNobodyAreAnError() throws Exception {
        assertThat(docker.tried("logs", "nobody").err()).contains("No such container: nobody");
    }
}
