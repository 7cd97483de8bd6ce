package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SchemaLocation;
import com.networknt.schema.SchemaValidatorsConfig;
import com.networknt.schema.SpecVersion;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ContainerSpec.Namespaces;
import dev.wharf.model.Resources;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure.Kind;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.spi.runtime.RuntimeSpec.BoundMount;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class OciConfigTest {
    /** Not loaded as a whole: the parts for other operating systems are not here. */
    private static final JsonSchema SCHEMA = JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V4)
            .getSchema(
                    SchemaLocation.of("classpath:dev/wharf/runtime/schema/config-schema.json"),
                    SchemaValidatorsConfig.builder().preloadJsonSchema(false).build());

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final long MIB = 1 << 20;

    @TempDir
    Path directory;

    private Path rootfs;
    private Places places;

    @BeforeEach
    void makeRootfs() throws IOException {
        rootfs = directory.resolve("rootfs");
        Files.createDirectories(rootfs.resolve("etc"));
        Files.writeString(
                rootfs.resolve("etc/passwd"), "root:x:0:0::/root:/bin/sh\nann:x:1001:1002::/home/ann:/bin/sh\n");
        Files.writeString(rootfs.resolve("etc/group"), "deck:x:1003:ann\n");
        places = new Places(directory.resolve("exec"), directory.resolve("data"));
    }

    /** A host that has every control, and an agent that may do all but raise hard limits. */
    private OciConfig config() {
        return config(new Abilities(~(1L << 24), Map.of("nofile", 1024L)), everyControl());
    }

    private OciConfig config(Abilities abilities, Cgroups cgroups) {
        return new OciConfig(Host.FILES, places, abilities, cgroups, new Seccomp("amd64", "6.1.0"));
    }

    private Cgroups everyControl() {
        Path memory = directory.resolve("cgroup/memory");
        Path blkio = directory.resolve("cgroup/blkio");
        try {
            Files.createDirectories(memory);
            Files.createDirectories(blkio);
            for (String name : List.of("memory.memsw.limit_in_bytes", "memory.swappiness", "memory.oom_control")) {
                Files.write(memory.resolve(name), new byte[0]);
            }
            Files.write(blkio.resolve("blkio.weight"), new byte[0]);
            Files.write(blkio.resolve("blkio.weight_device"), new byte[0]);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        return new Cgroups(
                Map.of("memory", memory, "blkio", blkio, "cpu", memory, "cpuset", memory, "pids", memory),
                Optional.empty());
    }

    private RuntimeSpecs box(String... arguments) {
        return RuntimeSpecs.of(rootfs, arguments.length == 0 ? new String[] {"/bin/true"} : arguments);
    }

    /** The configuration of a container, held against the specification's schema. */
    private JsonNode written(RuntimeSpecs specs) throws DriverException, IOException {
        return written(specs.build(), config());
    }

    private static JsonNode written(RuntimeSpec spec, OciConfig config) throws DriverException, IOException {
        JsonNode node = JSON.readTree(JSON.writeValueAsBytes(config.container(spec, () -> true)));
        assertThat(SCHEMA.validate(node)).as(node.toPrettyString()).isEmpty();
        return node;
    }

    private static List<String> texts(JsonNode array) {
        List<String> all = new ArrayList<>();
        array.forEach(node -> all.add(node.asText()));
        return all;
    }

    private static JsonNode mount(JsonNode config, String target) {
        for (JsonNode mount : config.path("mounts")) {
            if (mount.path("destination").asText().equals(target)) {
                return mount;
            }
        }
        throw new AssertionError("no mount at " + target);
    }

    private static List<String> targets(JsonNode config) {
        List<String> all = new ArrayList<>();
        config.path("mounts").forEach(mount -> all.add(mount.path("destination").asText()));
        return all;
    }

    private static List<String> namespaces(JsonNode config) {
        List<String> all = new ArrayList<>();
        config.path("linux")
                .path("namespaces")
                .forEach(node -> all.add(node.path("type").asText()
                        + (node.has("path") ? "=" + node.path("path").asText() : "")));
        return all;
    }

    @Test
    void theSchemaThatTestsRelyOnRefusesNonsense() throws Exception {
        ObjectNode config = config().container(box().build(), () -> true);
        config.path("linux").path("resources").path("devices").forEach(rule -> ((ObjectNode) rule).put("allow", "yes"));

        assertThat(SCHEMA.validate(config)).isNotEmpty();
    }

    @Test
    void aPlainContainerIsShutInOnAllSides() throws Exception {
        JsonNode config = written(box("echo", "hi"));

        assertThat(texts(config.path("process").path("args"))).containsExactly("echo", "hi");
        assertThat(namespaces(config)).containsExactlyInAnyOrder("mount", "uts", "pid", "ipc", "cgroup");
        assertThat(config.path("hostname").asText()).isEqualTo("box");
        assertThat(config.path("linux").path("seccomp").path("defaultAction").asText())
                .isEqualTo("SCMP_ACT_ERRNO");
        assertThat(texts(config.path("linux").path("maskedPaths"))).contains("/proc/kcore");
        assertThat(texts(config.path("linux").path("readonlyPaths"))).contains("/proc/sys");
        assertThat(config.path("linux")
                        .path("resources")
                        .path("devices")
                        .path(0)
                        .path("allow")
                        .asBoolean())
                .isFalse();
        assertThat(texts(mount(config, "/sys").path("options"))).contains("ro");
        assertThat(texts(mount(config, "/sys/fs/cgroup").path("options"))).contains("ro");
        assertThat(config.path("process").path("noNewPrivileges").asBoolean()).isFalse();
        assertThat(config.path("root").path("readonly").asBoolean()).isFalse();
    }

    @Test
    void capabilitiesAreNeitherInheritedNorAmbient() throws Exception {
        JsonNode sets = written(box().capabilities(List.of("CAP_CHOWN", "CAP_KILL")))
                .path("process")
                .path("capabilities");

        for (String set : List.of("bounding", "effective", "permitted")) {
            assertThat(texts(sets.path(set))).as(set).containsExactly("CAP_CHOWN", "CAP_KILL");
        }
        assertThat(sets.path("inheritable")).isEmpty();
        assertThat(sets.path("ambient")).isEmpty();
    }

    @Test
    void capabilitiesThatTheAgentHasNotAreLeftOut() throws Exception {
        JsonNode sets = written(box().capabilities(List.of("CAP_CHOWN", "CAP_SYS_RESOURCE")))
                .path("process")
                .path("capabilities");

        assertThat(texts(sets.path("bounding"))).containsExactly("CAP_CHOWN");
    }

    @Test
    void aPrivilegedContainerHasWhatTheAgentHas() throws Exception {
        JsonNode config = written(box().privileged());

        assertThat(texts(config.path("process").path("capabilities").path("bounding")))
                .contains("CAP_SYS_ADMIN", "CAP_NET_ADMIN")
                .doesNotContain("CAP_SYS_RESOURCE");
        assertThat(config.path("linux").has("seccomp")).isFalse();
        assertThat(config.path("linux").path("maskedPaths")).isEmpty();
        assertThat(config.path("linux").path("resources").path("devices").toString())
                .contains("{\"allow\":true,\"access\":\"rwm\"}");
        assertThat(texts(mount(config, "/sys").path("options"))).contains("rw");
        List<String> devices = new ArrayList<>();
        config.path("linux")
                .path("devices")
                .forEach(node -> devices.add(node.path("path").asText()));
        assertThat(devices).contains("/dev/null").noneMatch(path -> path.startsWith("/dev/pts/"));
    }

    @Test
    void theEnvironmentHasUsualValuesAndTheLastOfANameWins() throws Exception {
        assertThat(texts(written(box().env("A=1", "PATH=/mine", "A=2", "B="))
                        .path("process")
                        .path("env")))
                .containsExactlyInAnyOrder("PATH=/mine", "HOSTNAME=box", "HOME=/root", "A=2", "B=");
        assertThat(texts(written(box().terminal().user("ann").env("HOME"))
                        .path("process")
                        .path("env")))
                .contains("TERM=xterm")
                .noneMatch(variable -> variable.startsWith("HOME"));
        assertThat(texts(written(box().env("HOME=")).path("process").path("env")))
                .noneMatch(variable -> variable.startsWith("HOME"));
    }

    @Test
    void usersComeFromTheImage() throws Exception {
        JsonNode process = written(box().user("ann", "77")).path("process");

        assertThat(process.path("user").path("uid").asLong()).isEqualTo(1001);
        assertThat(process.path("user").path("gid").asLong()).isEqualTo(1002);
        assertThat(texts(process.path("user").path("additionalGids"))).containsExactly("1002", "1003", "77");
        assertThat(texts(process.path("env"))).contains("HOME=/home/ann");
    }

    @Test
    void anImageCannotLeadUsToReadAFileOfTheHost() throws Exception {
        Path secret = directory.resolve("secret");
        Files.writeString(secret, "ann:x:7:7::/:\n");
        Files.delete(rootfs.resolve("etc/passwd"));
        Files.createSymbolicLink(rootfs.resolve("etc/passwd"), secret);

        assertThatThrownBy(() -> written(box().user("ann"))).hasMessageContaining("unable to find user ann");
        Files.delete(rootfs.resolve("etc/passwd"));
        Files.createSymbolicLink(rootfs.resolve("etc/passwd"), Path.of("/dev/zero"));
        assertThatThrownBy(() -> written(box().user("ann"))).isInstanceOfAny(DriverException.class, IOException.class);
    }

    @Test
    void theWorkingDirectoryIsMadeInsideTheRoot() throws Exception {
        Files.createSymbolicLink(rootfs.resolve("link"), Path.of("/etc"));
        Files.createSymbolicLink(rootfs.resolve("out"), Path.of("../../../.."));

        assertThat(written(box().workingDir("/srv/a/b"))
                        .path("process")
                        .path("cwd")
                        .asText())
                .isEqualTo("/srv/a/b");
        written(box().workingDir("/link/made"));
        written(box().workingDir("/out/made"));

        assertThat(rootfs.resolve("srv/a/b")).isDirectory();
        assertThat(rootfs.resolve("etc/made")).isDirectory();
        assertThat(rootfs.resolve("made")).isDirectory();
        assertThatThrownBy(() -> written(box().workingDir("/etc/passwd")))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Kind.INVALID));
        assertThatThrownBy(() -> written(box().workingDir("relative"))).hasMessageContaining("absolute path");
    }

    @Test
    void withoutACommandThereIsNothingToRun() {
        assertThatThrownBy(() -> written(RuntimeSpecs.of(rootfs))).hasMessage("no command specified");
    }

    @Test
    void limitsInTheWordsOfTheSpecification() throws Exception {
        JsonNode resources = written(box().resources(new Resources(
                        512 * MIB,
                        1024 * MIB,
                        256 * MIB,
                        30,
                        1_500_000_000L,
                        512,
                        0,
                        0,
                        "0-1",
                        "0",
                        99,
                        300,
                        List.of(),
                        true,
                        500,
                        0,
                        "",
                        List.of(),
                        List.of(),
                        List.of("c 42:* rw"))))
                .path("linux")
                .path("resources");

        JsonNode memory = resources.path("memory");
        assertThat(memory.path("limit").asLong()).isEqualTo(512 * MIB);
        assertThat(memory.path("swap").asLong()).isEqualTo(1024 * MIB);
        assertThat(memory.path("reservation").asLong()).isEqualTo(256 * MIB);
        assertThat(memory.path("swappiness").asInt()).isEqualTo(30);
        assertThat(memory.path("disableOOMKiller").asBoolean()).isTrue();
        JsonNode cpu = resources.path("cpu");
        assertThat(cpu.path("quota").asLong()).isEqualTo(150_000);
        assertThat(cpu.path("period").asLong()).isEqualTo(100_000);
        assertThat(cpu.path("shares").asLong()).isEqualTo(512);
        assertThat(cpu.path("cpus").asText()).isEqualTo("0-1");
        assertThat(resources.path("pids").path("limit").asLong()).isEqualTo(99);
        assertThat(resources.path("blockIO").path("weight").asInt()).isEqualTo(300);
        assertThat(resources.path("devices").toString())
                .contains("{\"allow\":true,\"type\":\"c\",\"major\":42,\"access\":\"rw\"}");
    }

    @Test
    void whatThisKernelCannotLimitIsLeftOut() throws Exception {
        Resources wanted = new Resources(
                64 * MIB, 128 * MIB, 0, 30, 0, 0, 0, 512, "0", "0", 99, 300, List.of(), true, 0, 0, "", List.of(),
                List.of(), List.of());
        JsonNode resources = written(
                        box().resources(wanted).build(),
                        config(new Abilities(-1, Map.of()), new Cgroups(Map.of("memory", directory), Optional.empty())))
                .path("linux")
                .path("resources");

        assertThat(resources.path("memory").toString()).isEqualTo("{\"limit\":" + 64 * MIB + "}");
        assertThat(resources.has("cpu")).isFalse();
        assertThat(resources.has("pids")).isFalse();
        assertThat(resources.has("blockIO")).isFalse();
    }

    @Test
    void hardLimitsEndWhereTheAgentsOwnDo() throws Exception {
        Resources wanted = new Resources(
                0,
                0,
                0,
                -1,
                0,
                0,
                0,
                0,
                "",
                "",
                0,
                0,
                List.of(),
                false,
                0,
                0,
                "",
                List.of(new Resources.Ulimit("nofile", 512, 4096), new Resources.Ulimit("core", -1, -1)),
                List.of(),
                List.of());

        String limits =
                written(box().resources(wanted)).path("process").path("rlimits").toString();

        assertThat(limits)
                .contains("{\"type\":\"RLIMIT_NOFILE\",\"hard\":1024,\"soft\":512}")
                .contains("{\"type\":\"RLIMIT_CORE\",\"hard\":18446744073709551615,\"soft\":18446744073709551615}");
    }

    @Test
    void aDeviceIsGivenWithItsRights() throws Exception {
        Resources wanted = new Resources(
                0,
                0,
                0,
                -1,
                0,
                0,
                0,
                0,
                "",
                "",
                0,
                0,
                List.of(),
                false,
                0,
                0,
                "",
                List.of(),
                List.of(new Resources.Device("/dev/null", "/dev/nothing", "r")),
                List.of());

        JsonNode linux = written(box().resources(wanted)).path("linux");

        assertThat(linux.path("devices").path(0).path("path").asText()).isEqualTo("/dev/nothing");
        assertThat(linux.path("devices").path(0).path("major").asInt()).isEqualTo(1);
        assertThat(linux.path("resources").path("devices").toString())
                .contains("{\"allow\":true,\"type\":\"c\",\"major\":1,\"minor\":3,\"access\":\"r\"}");
        Resources missing = new Resources(
                0,
                0,
                0,
                -1,
                0,
                0,
                0,
                0,
                "",
                "",
                0,
                0,
                List.of(),
                false,
                0,
                0,
                "",
                List.of(),
                List.of(new Resources.Device("/dev/no-such-device", "", "")),
                List.of());
        assertThatThrownBy(() -> written(box().resources(missing))).hasMessageContaining("/dev/no-such-device");
    }

    @Test
    void mountsComeParentsFirstAndTakeThePlaceOfOurs() throws Exception {
        JsonNode config = written(box().mount("bind", "/srv", "/data/deep/er", "ro")
                .mount("tmpfs", "", "/data", "size=1m")
                .mount("bind", "/dev/shm", "/dev/shm")
                .mount("bind", "/tmp", "/sys"));

        List<String> targets = targets(config);
        assertThat(targets.indexOf("/data")).isLessThan(targets.indexOf("/data/deep/er"));
        assertThat(targets).doesNotHaveDuplicates().doesNotContain("/sys/fs/cgroup");
        assertThat(texts(mount(config, "/data/deep/er").path("options"))).containsExactly("rbind", "ro");
        assertThat(mount(config, "/dev/shm").path("type").asText()).isEqualTo("bind");
        assertThat(mount(config, "/sys").path("source").asText()).isEqualTo("/tmp");
    }

    @Test
    void aTmpfsHasTheModeOfWhatItHides() throws Exception {
        Host.FILES.chmod(Files.createDirectory(rootfs.resolve("root")), 0700);
        Files.createSymbolicLink(rootfs.resolve("home"), Path.of("/root"));
        Path outside = Files.createDirectory(rootfs.resolveSibling("outside"));
        Host.FILES.chmod(Files.createDirectories(outside.resolve("mine")), 0750);
        Files.createSymbolicLink(outside.resolve("link"), Path.of("/mine"));
        JsonNode config = written(box().mount("tmpfs", "", "/root")
                .mount("tmpfs", "", "/home", "mode=755")
                .mount("tmpfs", "", "/home/new")
                .mount("bind", "/srv", "/srv")
                .mount("tmpfs", "", "/srv/below")
                .mount("bind", outside.toString(), "/srv/outside")
                .mount("tmpfs", "", "/srv/outside/mine")
                .mount("tmpfs", "", "/srv/outside/link")
                .mount("tmpfs", "", "/nowhere/new"));

        assertThat(texts(mount(config, "/srv/outside/mine").path("options"))).containsExactly("mode=750");
        assertThat(texts(mount(config, "/root").path("options"))).containsExactly("mode=700");
        assertThat(texts(mount(config, "/home").path("options"))).containsExactly("mode=755");
        for (String bare : List.of("/home/new", "/srv/below", "/srv/outside/link", "/nowhere/new")) {
            assertThat(texts(mount(config, bare).path("options"))).as(bare).isEmpty();
        }
    }

    @Test
    void namesAreReadOnlyWhereTheRootIs() throws Exception {
        RuntimeSpec spec = box().readOnly().build();
        Path shared = Files.createDirectories(places.keep(spec.sharedFiles()));
        Files.writeString(shared.resolve("hosts"), "");

        assertThat(texts(mount(written(spec, config()), "/etc/hosts").path("options")))
                .containsExactly("bind", "rprivate", "ro");
    }

    @Test
    void namesAreFoundWhereTheirFolderIsAVolume() throws Exception {
        RuntimeSpec spec = box().mount("bind", "/srv", "/etc")
                .mount("bind", "/tmp", "/etc/hosts")
                .build();
        Path shared = Files.createDirectories(places.keep(spec.sharedFiles()));
        for (String name : List.of("hosts", "hostname", "resolv.conf")) {
            Files.writeString(shared.resolve(name), "");
        }

        List<String> targets = targets(written(spec, config()));

        assertThat(targets.indexOf("/etc"))
                .isLessThan(targets.indexOf("/etc/resolv.conf"))
                .isLessThan(targets.indexOf("/etc/hostname"));
        assertThat(targets).doesNotHaveDuplicates().contains("/etc/hosts");
    }

    @Test
    void sharedMountsNeedARootThatLetsThemThrough() throws Exception {
        assertThat(written(box().mount("bind", "/srv", "/srv", "rbind", "rshared"))
                        .path("linux")
                        .path("rootfsPropagation")
                        .asText())
                .isEqualTo("shared");
        assertThat(written(box()).path("linux").has("rootfsPropagation")).isFalse();
    }

    @Test
    void namespacesAreSharedWithTheHostOrJoined() throws Exception {
        Namespaces shared = new Namespaces(
                Namespace.HOST,
                Namespace.HOST,
                Namespace.of(new ContainerId("a".repeat(64))),
                Namespace.HOST,
                Namespace.HOST);

        JsonNode config = written(box().namespaces(shared, Map.of("uts", Path.of("/proc/77/ns/uts")))
                .sandbox(Path.of("/run/netns/box")));

        assertThat(namespaces(config))
                .containsExactlyInAnyOrder("mount", "network=/run/netns/box", "uts=/proc/77/ns/uts");
        assertThat(config.has("hostname")).isFalse();
        assertThat(mount(config, "/dev/shm").path("source").asText()).isEqualTo("/dev/shm");
    }

    @Test
    void aNetworkOfItsOwnHasLowPortsForEverybody() throws Exception {
        JsonNode own = written(box().sandbox(Path.of("/run/netns/box")).sysctls(Map.of("net.core.somaxconn", "99")));
        JsonNode hosts = written(box());

        assertThat(own.path("linux").path("sysctl").toString())
                .contains("\"net.ipv4.ip_unprivileged_port_start\":\"0\"")
                .contains("\"net.core.somaxconn\":\"99\"");
        assertThat(hosts.path("linux").path("sysctl")).isEmpty();
    }

    @Test
    void sharedMemoryIsItsOwnSharedOrNone() throws Exception {
        Namespaces shareable = new Namespaces(
                Namespace.PRIVATE,
                new Namespace(Namespace.Kind.SHAREABLE, Optional.empty()),
                Namespace.PRIVATE,
                Namespace.PRIVATE,
                Namespace.HOST);
        RuntimeSpec owner = box().namespaces(shareable, Map.of()).build();
        JsonNode first = written(owner, config());
        Namespaces joining = new Namespaces(
                Namespace.PRIVATE,
                Namespace.of(owner.container()),
                Namespace.PRIVATE,
                Namespace.PRIVATE,
                Namespace.HOST);
        JsonNode second = written(box().namespaces(joining, Map.of("ipc", Path.of("/proc/7/ns/ipc"))));
        Namespaces none = new Namespaces(
                Namespace.PRIVATE,
                new Namespace(Namespace.Kind.NONE, Optional.empty()),
                Namespace.PRIVATE,
                Namespace.PRIVATE,
                Namespace.HOST);

        assertThat(mount(written(box()), "/dev/shm").path("options").toString()).contains("size=67108864");
        assertThat(mount(second, "/dev/shm").path("source"))
                .isEqualTo(mount(first, "/dev/shm").path("source"));
        assertThat(namespaces(second)).contains("ipc=/proc/7/ns/ipc");
        assertThat(targets(written(box().namespaces(none, Map.of())))).doesNotContain("/dev/shm");
    }

    @Test
    void anInitRunsBeforeTheCommand() throws Exception {
        JsonNode config = written(box("sleep", "1").init());

        assertThat(texts(config.path("process").path("args"))).containsExactly("/sbin/docker-init", "--", "sleep", "1");
        assertThat(InitProgram.isStatic(Path.of(
                        mount(config, "/sbin/docker-init").path("source").asText())))
                .isTrue();
    }

    @Test
    void anInitRunsOnlyWhereItIsProcessOne() throws Exception {
        Namespaces amongOthers =
                new Namespaces(Namespace.HOST, Namespace.PRIVATE, Namespace.PRIVATE, Namespace.PRIVATE, Namespace.HOST);
        JsonNode config = written(box("sleep", "1").init().namespaces(amongOthers, Map.of()));

        assertThat(texts(config.path("process").path("args"))).containsExactly("sleep", "1");
        assertThat(targets(config)).doesNotContain("/sbin/docker-init");
    }

    @Test
    void ordersForTheRuntimeAreNotTakenFromAnnotations() throws Exception {
        RuntimeSpec spec = box().annotations(Map.of("org.example.note", "mine", "run.oci.hooks.stdout", "/etc/passwd"))
                .build();

        assertThat(written(spec, config()).path("annotations").toString()).isEqualTo("{\"org.example.note\":\"mine\"}");
    }

    @ParameterizedTest
    @CsvSource({
        "'', /wharf",
        "tenants/a/, /tenants/a",
        "/tenants/a, /tenants/a",
        "/, ''",
        "../../../../tenants, /tenants",
        "/../../../../tenants, /tenants",
        "tenants/../../../a, /a",
        "tenants.slice, /tenants.slice/wharf",
        "tenants-a-b.slice, /tenants.slice/tenants-a.slice/tenants-a-b.slice/wharf",
        "tenants.slice/tenants-a.slice, /tenants.slice/tenants-a.slice/wharf",
        "-.slice, /wharf"
    })
    void theCgroupIsBelowItsParentAndNowhereElse(String parent, String above) throws Exception {
        RuntimeSpec box = box().resources(new Resources(
                        0, 0, 0, -1, 0, 0, 0, 0, "", "", 0, 0, List.of(), false, 0, 0, parent, List.of(), List.of(),
                        List.of()))
                .build();

        assertThat(written(box, config()).path("linux").path("cgroupsPath").asText())
                .isEqualTo(above + "/" + box.container());
    }

    @Test
    void anExecIsLikeItsContainerButForWhatItSays() throws Exception {
        byte[] container = JSON.writeValueAsBytes(config().container(
                        box().user("ann")
                                .env("A=1", "B=2")
                                .workingDir("/etc")
                                .noNewPrivileges()
                                .build(),
                        () -> true));

        JsonNode plain = JSON.readTree(config().exec(container, RuntimeSpecs.exec("id")));
        JsonNode other = JSON.readTree(config().exec(
                        container,
                        new dev.wharf.model.ExecSpec(
                                List.of("id"), List.of("B=3"), "root", "/", true, true, true, true, true, "")));

        assertThat(plain.path("user").path("uid").asInt()).isEqualTo(1001);
        assertThat(plain.path("cwd").asText()).isEqualTo("/etc");
        assertThat(texts(plain.path("env"))).contains("A=1", "B=2", "HOME=/home/ann");
        assertThat(plain.path("noNewPrivileges").asBoolean()).isTrue();
        assertThat(other.path("user").path("uid").asInt()).isZero();
        assertThat(other.path("cwd").asText()).isEqualTo("/");
        assertThat(texts(other.path("env"))).contains("A=1", "B=3", "HOME=/root", "TERM=xterm");
        assertThat(texts(other.path("capabilities").path("bounding"))).contains("CAP_SYS_ADMIN");
        assertThatThrownBy(() -> config().exec(container, RuntimeSpecs.exec())).hasMessage("no exec command specified");
    }

    @Test
    void onlyStaticProgramsAreInits() throws Exception {
        assertThat(InitProgram.isStatic(Path.of("/usr/bin/busybox"))).isTrue();
        assertThat(InitProgram.isStatic(Path.of("/bin/ls"))).isFalse();
        assertThat(InitProgram.isStatic(Path.of("/etc/passwd"))).isFalse();
    }

    @Test
    void capabilitiesAndLimitsOfThisProcessAreKnown() throws Exception {
        Abilities mine = Abilities.ofThisProcess();

        assertThat(mine.has("CAP_SYS_ADMIN")).isTrue();
        assertThat(mine.has("CAP_NOTHING")).isFalse();
        assertThat(Stream.of("nofile").map(mine::mostOf)).allMatch(limit -> limit > 0);
    }

    @Test
    void whatIsMountedBelowIsReadOnlyAsFarAsTheRuntimeCan() throws Exception {
        RuntimeSpec maybe =
                box().mount("bind", "/srv", "/a", "rbind", "ro", "rro?").build();
        RuntimeSpec must =
                box().mount("bind", "/srv", "/a", "rbind", "ro", "rro").build();

        assertThat(texts(mount(config().container(maybe, () -> true), "/a").path("options")))
                .containsExactly("rbind", "ro", "rro");
        assertThat(texts(mount(config().container(maybe, () -> false), "/a").path("options")))
                .containsExactly("rbind", "ro");
        assertThatThrownBy(() -> config().container(must, () -> false)).hasMessageContaining("mounted below");
    }

    @Test
    void mountsTravelOnlyWhereTheSourceLetsThem() {
        String table = String.join(
                "\n",
                "20 1 8:1 / / rw shared:1 - ext4 /dev/sda rw",
                "21 20 0:5 / /srv rw - tmpfs tmpfs rw",
                "22 21 0:6 / /srv/my\\040data rw master:3 propagate_from:1 - tmpfs tmpfs rw");

        Propagation.Line root = Propagation.holder(table, Path.of("/home/me")).orElseThrow();
        Propagation.Line srv = Propagation.holder(table, Path.of("/srv/other")).orElseThrow();
        Propagation.Line data =
                Propagation.holder(table, Path.of("/srv/my data/x")).orElseThrow();

        assertThat(root.is("shared:")).isTrue();
        assertThat(srv.point()).isEqualTo(Path.of("/srv"));
        assertThat(srv.is("shared:") || srv.is("master:")).isFalse();
        assertThat(data.is("master:")).isTrue();
        assertThat(data.is("shared:")).isFalse();
    }

    @Test
    void whatTheHostsMountForbidsIsForbiddenInside() throws Exception {
        String table = "20 1 8:1 / / rw shared:1 - ext4 /dev/sda rw\n"
                + "21 20 0:5 / /tmp ro,nosuid,noexec,relatime - tmpfs tmpfs rw";
        BoundMount open = new BoundMount("bind", "/", "/a", List.of("rbind", "rprivate"));
        BoundMount strict = new BoundMount("bind", "/tmp", "/a", List.of("rbind", BoundMount.SLAVE_IF_POSSIBLE, "ro"));

        assertThat(Propagation.settled(open, table)).containsExactly("rbind", "rprivate");
        assertThat(Propagation.settled(strict, table)).containsExactly("rbind", "rprivate", "ro", "nosuid", "noexec");
    }
}
