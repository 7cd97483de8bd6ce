package dev.wharf.itests.conformance;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/** What the integration tests of Docker 28.5 look at, and nothing else here does. */
@ExtendWith(SharedAgent.class)
@Timeout(120)
class ReferenceIT {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Docker docker;
    private final Daemon daemon;

    ReferenceIT(Daemon daemon) {
        this.daemon = daemon;
        docker = new Docker(daemon);
    }

    /** The body and the status of a request, whatever its end. */
    private String tried(String method, String path, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("-X", method, "--write-out", " %{http_code}"));
        all.addAll(List.of(options));
        return daemon.curl(path, all.toArray(String[]::new)).out();
    }

    private JsonNode post(String path, String json) throws Exception {
        return JSON.readTree(daemon.curl(path, "-H", "Content-Type: application/json", "-d", json)
                .outOrThrow());
    }

    private JsonNode get(String path) throws Exception {
        return JSON.readTree(daemon.curl(path).outOrThrow());
    }

    // ---- exec

    @Test
    void aUserThatNobodyKnowsIsRefusedBeforeTheExecIsMade() throws Exception {
        docker.background("--name base", "sleep 100");
        for (String user : List.of("stranger", "stranger:1", "1:strangers", "root;0")) {
            assertThat(tried(
                            "POST",
                            "/containers/base/exec",
                            "-H",
                            "Content-Type: application/json",
                            "-d",
                            "{\"Cmd\":[\"id\"],\"User\":\"" + user + "\"}"))
                    .as(user)
                    .contains("unable to find ", ": no matching entries in ")
                    .endsWith(" 400");
        }
        assertThat(docker.docker("exec", "--user", "4711:", "base", "id", "-u")).isEqualTo("4711");
    }

    @Test
    void groupsThatAreAddedAreThereInAnExecOfAnotherUserToo() throws Exception {
        docker.background("--name grouped --user 0:0 --group-add 50 --group-add 777", "sleep 100");
        assertThat(docker.docker("exec", "grouped", "id", "-G")).isEqualTo("0 50 777");
        assertThat(docker.docker("exec", "--user", "1:1", "grouped", "id", "-G"))
                .isEqualTo("1 50 777");
    }

    @Test
    void theStartOfAnExecSaysHowItsOutputComesAndTheCreationHowLargeItsTerminalIs() throws Exception {
        docker.background("--name screen", "sleep 100");
        for (boolean raw : new boolean[] {true, false}) {
            String exec = post(
                            "/containers/screen/exec",
                            "{\"Cmd\":[\"sh\",\"-c\",\"" + Docker.TERMINAL_SIZE
                                    + "\"],\"AttachStdout\":true,\"Tty\":true,\"ConsoleSize\":[57,123]}")
                    .path("Id")
                    .textValue();
            String body = "{\"Tty\":" + raw + "}";
            try (Wire wire = Wire.to(daemon)
                    .send("POST /v1.51/exec/" + exec
                            + "/start HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
                            + "Content-Type: application/json\r\nContent-Length: " + body.length() + "\r\n\r\n"
                            + body)) {
                assertThat(wire.head()).contains(raw ? "docker.raw-stream" : "docker.multiplexed-stream");
                String told = new String(wire.rest(), UTF_8);
                assertThat(told).endsWith("57 123\r\n");
                assertThat(told.startsWith("\u0001\u0000\u0000\u0000")).isEqualTo(!raw);
            }
        }
    }

    // ---- limits and rights

    @Test
    void aLimitIsTakenAway() throws Exception {
        docker.background("--name bound --pids-limit 50 --cpu-quota 20000", "sleep 100");
        docker.docker("update", "--pids-limit", "-1", "bound");
        docker.docker("update", "--cpu-quota", "-1", "bound");
        assertThat(docker.inspect("bound", "{{.HostConfig.PidsLimit}} {{.HostConfig.CpuQuota}}"))
                .isEqualTo("0 -1");
        String limits = docker.docker(
                "exec",
                "bound",
                "sh",
                "-c",
                "cd /sys/fs/cgroup; cat pids/pids.max pids.max 2>/dev/null; cat cpu/cpu.cfs_quota_us cpu.max 2>/dev/null; true");
        assertThat(limits).matches("max\\s+(-1|max 100000)");
    }

    @Test
    void controlGroupsAreWrittenToByWhoMay() throws Exception {
        String make =
                "d=/sys/fs/cgroup; [ -d $d/pids ] && d=$d/pids; mkdir $d/inner 2>&1 && rmdir $d/inner && echo made";
        assertThat(docker.sh("--security-opt writable-cgroups=true", make)).isEqualTo("made");
        assertThat(docker.tryingSh("", make).out()).contains("Read-only");
        assertThat(docker.tryingSh("--security-opt writable-cgroups=maybe", "true")
                        .err())
                .contains("invalid --security-opt 2: \"writable-cgroups=maybe\"");
    }

    @Test
    void whatIsTrueOfAPrivilegedContainerIsToldOtherwiseThanWhatSomebodyWanted() throws Exception {
        docker.docker("create", "--name", "mighty", "--privileged", "--annotation", "a=b", "-w", "/tmp/", "busybox");
        JsonNode told = get("/containers/mighty/json");
        assertThat(told.at("/HostConfig/MaskedPaths").isNull()).isTrue();
        assertThat(told.at("/Config/WorkingDir").textValue()).isEqualTo("/tmp");
        assertThat(get("/v1.46/containers/json?all=1")
                        .at("/0/HostConfig/Annotations/a")
                        .textValue())
                .isEqualTo("b");
        assertThat(get("/v1.45/containers/json?all=1").at("/0/HostConfig").has("Annotations"))
                .isFalse();
        post("/v1.39/containers/create?name=old", "{\"Image\":\"busybox\"}");
        assertThat(docker.inspect("old", "{{.HostConfig.IpcMode}}")).isEqualTo("shareable");
    }

    // ---- mounts

    @Test
    void aPartOfAVolumeIsFilledFromTheImage() throws Exception {
        docker.sh("-v parted:/v", "mkdir /v/part");
        for (int time = 0; time < 2; time++) {
            assertThat(docker.docker(
                            "run",
                            "--rm",
                            "--mount",
                            "type=volume,source=parted,target=/bin,volume-subpath=part",
                            "busybox",
                            "ls",
                            "/bin/busybox"))
                    .isEqualTo("/bin/busybox");
        }
    }

    @Test
    void aBindThatShowsTheAgentsOwnMountsFollowsTheHost() throws Exception {
        String root = daemon.dataRoot().toString();
        docker.docker("create", "--name", "watcher", "-v", root + ":/r:ro", "busybox", "true");
        assertThat(docker.inspect("watcher", "{{range .Mounts}}{{.Propagation}}{{end}}"))
                .isEqualTo("rslave");
        docker.docker("start", "watcher");
        assertThat(docker.tried("create", "-v", root + "/volumes:/r:rprivate", "busybox")
                        .err())
                .contains("must use either propagation mode \"rslave\" or \"rshared\"");
    }

    @Test
    void oldClientsMeanNothingBelowByReadOnly(@TempDir Path folder) throws Exception {
        Files.createDirectory(folder.resolve("below"));
        for (String version : List.of("v1.43", "v1.44")) {
            post(
                    "/" + version + "/containers/create?name=ro-" + version,
                    "{\"Image\":\"busybox\",\"HostConfig\":{\"Binds\":[\"/dev:/d:ro\"]},"
                            + "\"Cmd\":[\"sh\",\"-c\",\"grep ' /d/shm ' /proc/self/mountinfo\"]}");
            String line = docker.docker("start", "--attach", "ro-" + version);
            assertThat(line).as(version).contains(version.equals("v1.43") ? " /d/shm rw," : " /d/shm ro,");
        }
    }

    // ---- what a start failed by

    @Test
    void aStartThatFailsIsToldOfTheContainer() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String port = "127.0.0.1:" + socket.getLocalPort() + ":80";
            assertThat(docker.tried("run", "-d", "--name", "first", "-p", port, "busybox", "true")
                            .status())
                    .isEqualTo(125);
            assertFailed("first", "created 128", "failed");
        }
        docker.background("--name holder -p 127.0.0.1::80", "sleep 100");
        String held = "127.0.0.1:"
                + docker.inspect("holder", "{{(index (index .NetworkSettings.Ports \"80/tcp\") 0).HostPort}}") + ":80";
        Outcome second = docker.tried("run", "-d", "--name", "second", "-p", held, "busybox", "true");
        assertThat(second.err()).contains("failed: port is already allocated");
        assertFailed("second", "created 128", "port is already allocated");
        assertThat(docker.docker("wait", "second")).isEqualTo("128");
        docker.docker("rm", "-f", "holder");
        docker.docker("start", "--attach", "second");
        assertFailed("second", "exited 0", "");

        docker.tried("run", "--name", "absent", "busybox", "no-such-program");
        assertFailed("absent", "created 127", "executable file not found in $PATH");
        docker.tried("run", "--name", "folder", "busybox", "/etc");
        assertFailed("folder", "created 126", "permission denied");
        docker.tried("run", "--name", "mixed", "-v", "/etc:/etc/passwd", "busybox", "true");
        assertFailed("mixed", "created 127", "Are you trying to mount a directory onto a file (or vice-versa)?");
        docker.docker("create", "--name", "joined", "--pid", "container:absent", "busybox", "true");
        assertThat(docker.tried("start", "joined").err()).contains("failed to join PID namespace", "is not running");
    }

    private void assertFailed(String name, String state, String words) throws Exception {
        assertThat(docker.inspect(name, "{{.State.Status}} {{.State.ExitCode}}"))
                .as(name)
                .isEqualTo(state);
        String error = docker.inspect(name, "{{.State.Error}}");
        if (words.isEmpty()) {
            assertThat(error).isEmpty();
        } else {
            assertThat(error).as(name).contains(words);
        }
    }

    // ---- files and images

    @Test
    void whoSharesTheHostsNetworkKnowsItsNames() throws Exception {
        assertThat(docker.sh("--network host", "cat /etc/hosts"))
                .isEqualTo(Files.readString(Path.of("/etc/hosts")).stripTrailing());
    }

    @Test
    void aDotAtTheEndOfAPathIsTheNameOfWhatIsCopied() throws Exception {
        docker.docker("create", "--name", "shelf", "busybox");
        for (String path : List.of(".", "/.", "./", "/./")) {
            Outcome names = Outcome.of(
                    "sh",
                    "-c",
                    "curl -s --unix-socket " + daemon.socket() + " 'http://x/containers/shelf/archive?path=" + path
                            + "' | tar -t | head -2");
            assertThat(names.out()).as(path).startsWith("./\n./");
        }
    }

    @Test
    void aNameWithoutATagIsSavedWithAllItsTags(@TempDir Path folder) throws Exception {
        docker.docker("create", "--name", "seed", "busybox", "true");
        for (String tag : List.of("one", "two")) {
            docker.docker("commit", "-m", tag, "seed", "saved-whole:" + tag);
        }
        Path tar = folder.resolve("all.tar");
        docker.docker("save", "-o", tar.toString(), "saved-whole");
        String table =
                Outcome.of("tar", "-xOf", tar.toString(), "manifest.json").outOrThrow();
        assertThat(table).contains("saved-whole:one", "saved-whole:two");
        String config = JSON.readTree(table).at("/0/Config").textValue();
        String day = docker.inspect("saved-whole:one", "{{.Created}}").substring(0, 10);
        assertThat(Outcome.of("tar", "-tvf", tar.toString(), "--utc", config).outOrThrow())
                .contains(day);

        String since = docker.docker("images", "-q", "--filter", "since=saved-whole:one", "saved-whole");
        assertThat(docker.inspect("saved-whole:two", "{{.Id}}")).contains(since);
        docker.docker("rmi", "saved-whole:one", "saved-whole:two");
    }
}
