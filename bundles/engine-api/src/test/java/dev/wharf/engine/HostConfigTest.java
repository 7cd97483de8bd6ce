package dev.wharf.engine;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.http.Door;
import dev.wharf.engine.http.Endpoint;
import dev.wharf.engine.http.Line;
import dev.wharf.engine.http.Server;
import dev.wharf.engine.http.Workers;
import dev.wharf.engine.journal.AgentFacts;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.NetworkId;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.Platform;
import dev.wharf.model.PublishedPort;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every field of {@code HostConfig}: kept, so that inspect shows it and a runtime is told; or refused, or left out with a
 * warning, where there is nothing here that could do it. None is passed over in silence.
 */
@Timeout(120)
class HostConfigTest {
    @TempDir
    Path directory;

    private final Workers workers = new Workers();
    private final StandingAgent agent = new StandingAgent();
    private Server server;
    private Path socket;
    private int made;

    @BeforeEach
    void open() throws IOException {
        socket = directory.resolve("wharf.sock");
        Door door = new Door();
        door.open(agent.agent());
        AgentFacts facts = new AgentFacts("test", Instant.EPOCH, directory, directory);
        server = Server.open(
                List.of(new Endpoint.Unix(socket)),
                EngineApi.router(EngineApi.routes(facts, new Trees(), java.time.Duration.ZERO)),
                door,
                workers);
        assertThat(create("{}").status()).isEqualTo(201);
    }

    @AfterEach
    void close() {
        server.close();
        workers.close();
    }

    /** Makes the containers {@code box0}, {@code box1}, ... */
    private Line.Reply create(String hostConfig) throws IOException {
        try (Line line = Line.to(socket)) {
            return line.request(
                            "POST",
                            "/containers/create?name=box" + made++,
                            "{\"Image\":\"busybox\",\"Tty\":true,\"HostConfig\":" + hostConfig + "}")
                    .reply();
        }
    }

    @Test
    void theRuntimeGoesByTheNamesThatInfoTells() throws IOException {
        JsonNode info;
        try (Line line = Line.to(socket)) {
            info = Json.parse(line.request("GET", "/info").reply(true).body());
        }

        assertThat(inspected().path("Runtime").asText())
                .isEqualTo(info.path("DefaultRuntime").asText())
                .isEqualTo("runc");
        assertThat(info.path("Runtimes").properties()).hasSize(2).allSatisfy(runtime -> {
            assertThat(create("{\"Runtime\":\"" + runtime.getKey() + "\"}").status())
                    .isEqualTo(201);
            assertThat(inspected().path("Runtime").asText()).isEqualTo(runtime.getKey());
        });
    }

    private JsonNode inspected() throws IOException {
        return container().path("HostConfig");
    }

    private JsonNode container() throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request("GET", "/containers/box" + (made - 1) + "/json")
                    .reply(true);
            assertThat(reply.status()).as(reply.text()).isEqualTo(200);
            return Json.parse(reply.body());
        }
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "NetworkMode;\"none\"",
                "Binds;[\"/tmp:/a:ro\",\"data:/b\"]",
                "Binds;[\"/tmp/:/a/deep/\",\"data:/b\"]",
                "Mounts;[{\"Type\":\"bind\",\"Source\":\"/tmp\",\"Target\":\"/a\",\"ReadOnly\":true,"
                        + "\"BindOptions\":{\"Propagation\":\"rslave\",\"NonRecursive\":true,\"CreateMountpoint\":true,"
                        + "\"ReadOnlyNonRecursive\":true}}]",
                "Mounts;[{\"Type\":\"bind\",\"Source\":\"/tmp\",\"Target\":\"/a\",\"ReadOnly\":true,"
                        + "\"BindOptions\":{\"ReadOnlyForceRecursive\":true}}]",
                "Mounts;[{\"Type\":\"volume\",\"Source\":\"data\",\"Target\":\"/a\",\"VolumeOptions\":{\"NoCopy\":true,"
                        + "\"Subpath\":\"x/y\",\"Labels\":{\"a\":\"b\"},\"DriverConfig\":{\"Options\":"
                        + "{\"type\":\"tmpfs\",\"device\":\"tmpfs\"}}}}]",
                "Mounts;[{\"Type\":\"tmpfs\",\"Target\":\"/a\",\"TmpfsOptions\":{\"SizeBytes\":4096,\"Mode\":448}}]",
                "Mounts;[{\"Type\":\"image\",\"Source\":\"busybox\",\"Target\":\"/a\",\"ImageOptions\":"
                        + "{\"Subpath\":\"bin\"}}]",
                "Mounts;[{\"Type\":\"volume\",\"Source\":\"data\",\"Target\":\"/a/deep/\",\"VolumeOptions\":"
                        + "{\"DriverConfig\":{\"Name\":\"local\"}}},"
                        + "{\"Type\":\"tmpfs\",\"Target\":\"/b\"}]",
                "Mounts;[{\"Type\":\"volume\",\"Source\":\"data\",\"Target\":\"/a\",\"VolumeOptions\":{\"DriverConfig\":{}}},"
                        + "{\"Type\":\"bind\",\"Source\":\"/tmp\",\"Target\":\"/b\",\"Consistency\":\"cached\","
                        + "\"BindOptions\":{}},"
                        + "{\"Type\":\"tmpfs\",\"Target\":\"/c\",\"TmpfsOptions\":{\"Options\":[[\"noexec\"]]}}]",
                "Tmpfs;{\"/t\":\"size=1m,noexec\"}",
                "Tmpfs;{\"/t/\":\"rw,size=1m\",\"/u\":\"ro,noexec\"}",
                "Runtime;\"runc\"",
                "PortBindings;{\"80/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"8080\"}]}",
                "RestartPolicy;{\"Name\":\"on-failure\",\"MaximumRetryCount\":3}",
                "AutoRemove;true",
                "LogConfig;{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"10m\"}}",
                "Memory;67108864",
                "NanoCpus;500000000",
                "CapAdd;[\"CAP_NET_ADMIN\"]",
                "CapDrop;[\"CAP_CHOWN\"]",
                "Privileged;true",
                "ShmSize;1048576",
                "ExtraHosts;[\"a:10.0.0.1\"]",
                "Dns;[\"10.0.0.53\"]",
                "DnsSearch;[\"example.org\"]",
                "DnsOptions;[\"ndots:2\"]",
                "ReadonlyRootfs;true",
                "Ulimits;[{\"Name\":\"nofile\",\"Hard\":200,\"Soft\":100}]",
                "Init;true",
                "Init;false",
                "ContainerIDFile;\"/tmp/box.cid\"",
                "VolumeDriver;\"local\"",
                "VolumeDriver;\"flocker\"",
                "UsernsMode;\"host\"",
                "PidsLimit;50",
                "PublishAllPorts;true",
                "SecurityOpt;[\"no-new-privileges\"]",
                "IpcMode;\"shareable\"",
                "PidMode;\"host\"",
                "Sysctls;{\"net.ipv4.ip_forward\":\"1\"}",
                "Devices;[{\"PathOnHost\":\"/dev/null\",\"PathInContainer\":\"/dev/x\",\"CgroupPermissions\":\"r\"}]",
                "CpuShares;512",
                "MemoryReservation;33554432",
                "GroupAdd;[\"99\"]",
                "CpuQuota;50000",
                "CpuPeriod;50000",
                "CpusetCpus;\"0\"",
                "UTSMode;\"host\"",
                "CgroupnsMode;\"host\"",
                "OomScoreAdj;500",
                "CgroupParent;\"/mine\"",
                "DeviceCgroupRules;[\"c 1:3 rwm\"]",
                "BlkioWeight;500",
                "BlkioWeightDevice;[{\"Path\":\"/dev/null\",\"Weight\":100}]",
                "BlkioDeviceReadBps;[{\"Path\":\"/dev/null\",\"Rate\":1024}]",
                "BlkioDeviceWriteBps;[{\"Path\":\"/dev/null\",\"Rate\":1024}]",
                "BlkioDeviceReadIOps;[{\"Path\":\"/dev/null\",\"Rate\":10}]",
                "BlkioDeviceWriteIOps;[{\"Path\":\"/dev/null\",\"Rate\":10}]",
                "MaskedPaths;[]",
                "ReadonlyPaths;[\"/proc/bus\"]",
                "Annotations;{\"a\":\"b\"}",
                "ConsoleSize;[24,80]",
                "MemorySwappiness;10",
                "OomKillDisable;true",
                "Isolation;\"\"",
                "Isolation;\"default\""
            })
    void isKeptUnlessThisKernelCannot(String field, String value) throws IOException {
        Line.Reply reply = create("{\"" + field + "\":" + value + "}");

        assertThat(reply.status()).as(reply.text()).isEqualTo(201);
        boolean leftOut = Json.parse(reply.body()).path("Warnings").toString().contains("discarded");
        JsonNode wanted = Json.parse(value.getBytes(java.nio.charset.StandardCharsets.UTF_8));
        assertThat(inspected().path(field).equals(wanted))
                .as("%s is shown", inspected().path(field))
                .isEqualTo(!leftOut);
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "DeviceRequests;[{\"Driver\":\"\",\"Count\":-1,\"Capabilities\":[[\"gpu\"]]}];400;"
                        + "could not select device driver \"\" with capabilities: [[gpu]]",
                "Binds;[\"v1:/a\"],\"VolumeDriver\":\"flocker\";404;plugin \"flocker\" not found",
                "UsernsMode;\"remapped\";400;invalid userns mode",
                "Runtime;\"nosuch\";400;unknown or invalid runtime name: nosuch",
                "StorageOpt;{\"size\":\"much\"};400;invalid size: 'much'; write it as 10G or 512m",
                "StorageOpt;{\"color\":\"red\"};400;Unknown option color",
                "CpuRealtimePeriod;1000;400;real-time scheduler",
                "CpuRealtimeRuntime;1000;400;real-time scheduler",
                "Cgroup;\"container:x\";400;invalid cgroup mode",
                "Isolation;\"hyperv\";400;invalid isolation (hyperv): linux only supports 'default'",
                "PidMode;\"odd\";400;invalid PID mode: odd",
                "PidMode;\"container:\";400;invalid PID mode: container:",
                "UTSMode;\"odd\";400;invalid UTS mode: odd",
                "CgroupnsMode;\"odd\";400;invalid cgroup namespace mode: odd",
                "Annotations;{\"\":\"x\"};400;the empty string is not permitted as an annotation key",
                "CpuShares;-1;400;invalid CPU shares (-1): value must be a positive integer",
                "MemoryReservation;1;400;Minimum memory reservation allowed is 6MB",
                "CapAdd;[\"odd\"];400;invalid CapAdd: unknown capability: \"CAP_ODD\"",
                "SecurityOpt;[\"odd\"];400;invalid --security-opt 1: \"odd\"",
                "SecurityOpt;[\"no-new-privileges=potato\"];400;invalid --security-opt 2",
                "ExtraHosts;[\"a:b:c\"];400;invalid IP address in add-host: \"b:c\"",
                "PortBindings;[];400;PortBindings is no object",
                "Dns;[\"192.0.2.1\",\"x\"];400;bad nameserver address x",
                "NetworkMode;\"container\";400;invalid container format container:<name|id>",
                "Mounts;[{\"Type\":\"volume\",\"Target\":\"/a\",\"VolumeOptions\":{\"Subpath\":\"x\"}}];400;"
                        + "must not set Subpath when using anonymous volumes",
                "CpusetCpus;\"100000\";400;Invalid value 100000 for cpuset cpus",
                "CpusetCpus;\"0-8000\";400;Requested CPUs are not available - requested 0-8000, available:",
                "CpusetMems;\"x\";400;Invalid value x for cpuset mems: invalid format: x",
                "IOMaximumIOps;1;400;invalid option: QoS maximum IOPs configuration is not supported on linux",
                "RestartPolicy;{\"Name\":\"always\",\"MaximumRetryCount\":-1};400;and cannot be negative",
                "PortBindings;{\"80/tcp\":{\"HostPort\":\"1\"}};400;PortBindings.80/tcp is no list",
                "VolumesFrom;[\"nosuch\"];400;No such container: nosuch",
                "VolumesFrom;[\"\"];400;volumes-from specification cannot be an empty string",
                "IpcMode;\"odd\";400;invalid IPC mode: odd",
                "LogConfig;{\"Type\":\"splunk\"};400;plugin \"splunk\" not found",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"x\":\"1\"}};400;"
                        + "unknown log opt 'x' for fluentd log driver",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-address\":\"udp://h\"}};400;"
                        + "invalid fluentd-address (udp://h): unsupported scheme: 'udp'",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-address\":\"tcp://h/p\"}};400;"
                        + "invalid fluentd-address (tcp://h/p): should not contain a path element",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-address\":\"unix://\"}};400;"
                        + "invalid fluentd-address (unix://): path is empty",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-address\":\"h:99999\"}};400;"
                        + "invalid port: strconv.ParseUint: parsing \"99999\": value out of range",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-address\":\"h:x\"}};400;"
                        + "invalid fluentd-address (h:x): parse \"tcp://h:x\": invalid port \":x\" after host",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-buffer-limit\":\"zz\"}};400;"
                        + "invalid size: 'zz'",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-retry-wait\":\"5\"}};400;"
                        + "time: missing unit in duration \"5\"",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-max-retries\":\"-1\"}};400;"
                        + "strconv.ParseUint: parsing \"-1\": invalid syntax",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-max-retries\":\"4294967295\"}};400;"
                        + "invalid fluentd-max-retries: value out of range",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-async\":\"maybe\"}};400;"
                        + "strconv.ParseBool: parsing \"maybe\": invalid syntax",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-async-reconnect-interval\":\"1m30s\"}};400;"
                        + "value (\"1m30s\") must be between 100ms and 10s",
                "LogConfig;{\"Type\":\"fluentd\",\"Config\":{\"fluentd-write-timeout\":\"-1s\"}};400;"
                        + "invalid value for fluentd-write-timeout: value must be a duration that is non-negative",
                "LogConfig;{\"Type\":\"gelf\"};400;" + "gelf-address is a required parameter",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"http://h:1\"}};400;"
                        + "gelf: endpoint needs to be TCP or UDP",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"udp://h\"}};400;"
                        + "gelf: please provide gelf-address as proto://host:port",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"udp://h:x\"}};400;"
                        + "parse \"udp://h:x\": invalid port \":x\" after host",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"udp://h:1\",\"gelf-compression-level\":\"10\"}};400;"
                        + "unknown value \"10\" for log opt \"gelf-compression-level\" for gelf log driver",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"udp://h:1\",\"gelf-tcp-max-reconnect\":\"1\"}};400;"
                        + "\"gelf-tcp-max-reconnect\" is only valid for TCP",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"udp://h:1\",\"y\":\"1\"}};400;"
                        + "unknown log opt \"y\" for gelf log driver",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"tcp://h:1\",\"gelf-compression-type\":\"none\"}};400;"
                        + "compression is only supported on UDP",
                "LogConfig;{\"Type\":\"gelf\",\"Config\":{\"gelf-address\":\"tcp://h:1\",\"gelf-tcp-reconnect-delay\":\"-1\"}};400;"
                        + "\"gelf-tcp-reconnect-delay\" must be a positive integer",
                "LogConfig;{\"Type\":\"local\",\"Config\":{\"x\":\"1\"}};400;unknown log opt 'x' for log driver local",
                "LogConfig;{\"Type\":\"syslog\",\"Config\":{\"max-size\":\"1\"}};400;"
                        + "unknown log opt 'max-size' for syslog log driver",
                "LogConfig;{\"Type\":\"syslog\",\"Config\":{\"syslog-address\":\"ftp://x\"}};400;unsupported scheme: 'ftp'",
                "LogConfig;{\"Type\":\"syslog\",\"Config\":{\"syslog-address\":\"unix:///none/such\"}};400;"
                        + "stat /none/such: no such file or directory",
                "LogConfig;{\"Type\":\"syslog\",\"Config\":{\"syslog-address\":\"tcp://x:y\"}};400;"
                        + "parse \"tcp://x:y\": invalid port \":y\" after host",
                "LogConfig;{\"Type\":\"json-file\",\"Config\":{\"max-file\":\"0\"}};400;max-file cannot be less than 1",
                "LogConfig;{\"Type\":\"json-file\",\"Config\":{\"mode\":\"odd\"}};400;logging mode not supported: odd",
                "Binds;[\"/tmp:/a\",\"/tmp:/a/\"];400;Duplicate mount point: /a",
                "Binds;[\"data:/a:rshared\"];400;invalid volume specification: 'data:/a:rshared': invalid mount config for"
                        + " type \"volume\": field BindOptions must not be specified",
                "Binds;[\"./rel:/a\"];400;create ./rel: \"./rel\" includes invalid characters for a local volume name",
                "Mounts;[{\"Type\":\"tmpfs\",\"Target\":\"/a\",\"TmpfsOptions\":{\"Options\":[[\"odd\"]]}}];400;"
                        + "invalid mount config for type \"tmpfs\": invalid option: odd",
                "Binds;[\"/tmp:/a:ro,rw\"];400;invalid mode: ro,rw",
                "Mounts;[{\"Type\":\"bind\",\"Source\":\"/no/such\",\"Target\":\"/a\"}];400;"
                        + "bind source path does not exist: /no/such",
                "Mounts;[{\"Type\":\"volume\",\"Target\":\"/a\",\"TmpfsOptions\":{\"Mode\":1}}];400;"
                        + "TmpfsOptions must not be specified on mount type \"volume\"",
                "Mounts;[{\"Type\":\"volume\",\"Source\":\"v1\",\"Target\":\"/a\",\"VolumeOptions\":"
                        + "{\"Subpath\":\"../x\"}}];400;subpath must be a relative path within the volume",
                "Mounts;[{\"Type\":\"volume\",\"Source\":\"v1\",\"Target\":\"/a\",\"VolumeOptions\":"
                        + "{\"DriverConfig\":{\"Options\":{\"odd\":\"1\"}}}}];400;invalid option: \"odd\"",
                "Mounts;[{\"Type\":\"image\",\"Source\":\"nosuch\",\"Target\":\"/a\"}];404;No such image",
                "Mounts;[{\"Type\":\"npipe\",\"Target\":\"/a\"}];400;mount type unknown",
                "Mounts;[{\"Type\":\"tmpfs\",\"Target\":\"/\"}];400;: invalid specification: destination",
                "Mounts;[{\"Type\":\"volume\",\"Target\":\"/a\",\"ReadOnly\":true}];400;must not set ReadOnly mode",
                "Tmpfs;{\"/t\":\"odd\"};400;Invalid tmpfs option",
                "NetworkMode;\"container:none\";400;joining network namespace of container: No such container: none",
                "NetworkMode;\"container:\";400;invalid container format container:<name|id>",
                "NetworkMode;\"container:none\",\"Dns\":[\"192.0.2.1\"];400;dns and the network mode",
                "NetworkMode;\"container:none\",\"Links\":[\"a:b\"];400;container type network can't be used with links",
                "NetworkMode;\"container:none\",\"PublishAllPorts\":true;400;port publishing and the container type"
            })
    void isRefused(String field, String value, int status, String message) throws IOException {
        Line.Reply reply = create("{\"" + field + "\":" + value + "}");

        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        assertThat(Json.parse(reply.body()).path("message").asText()).contains(message);
    }

    @Test
    void whatNobodySaidIsNullAndAnEmptyListIsOne() throws IOException {
        String lists = "Binds VolumesFrom CapAdd CapDrop Dns DnsOptions DnsSearch ExtraHosts GroupAdd SecurityOpt"
                + " BlkioWeightDevice BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps"
                + " Devices DeviceCgroupRules DeviceRequests Ulimits PortBindings";
        create("{}");
        JsonNode unsaid = inspected();
        create(Stream.of(lists.split(" "))
                .map(list -> "\"" + list + "\":" + (list.equals("PortBindings") ? "{}" : "[]"))
                .collect(Collectors.joining(",", "{", "}")));
        JsonNode empty = inspected();

        assertThat(lists.split(" ")).allSatisfy(list -> {
            assertThat(unsaid.path(list).isNull()).isTrue();
            assertThat(empty.path(list)).isEqualTo(list.equals("PortBindings") ? Json.object() : Json.array());
        });
    }

    @Test
    void anAddressOfTheHardwareIsTheContainersBeforeItRuns() throws IOException {
        createAs(
                "1.51",
                "\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"MacAddress\":\"02:00:00:00:00:09\"}}}");

        assertThat(container().at("/NetworkSettings/MacAddress").asText()).isEqualTo("02:00:00:00:00:09");
        assertThat(container().at("/NetworkSettings/Networks/bridge/MacAddress").asText())
                .isEqualTo("02:00:00:00:00:09");
    }

    @Test
    void variablesAndPortsAreShownAsTheyWereSaid() throws IOException {
        createAs(
                "1.51",
                "\"Env\":[\"A=1\",\"B\",\"A=2\"],\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8080\"}]}}");
        assertThat(container().at("/Config/Env").toString()).startsWith("[\"A=1\",\"B\",\"A=2\"");
        assertThat(container().at("/Config/ExposedPorts").isMissingNode()).isTrue();
        assertThat(container().at("/HostConfig/PortBindings").has("80/tcp")).isTrue();

        createAs("1.51", "\"ExposedPorts\":{\"9\":{}},\"HostConfig\":{\"PortBindings\":{\"80/tcp\":[{}]}}");
        assertThat(container().at("/Config/ExposedPorts").toString()).isEqualTo("{\"9\":{}}");
    }

    private Line.Reply createAs(String version, String fields) throws IOException {
        try (Line line = Line.to(socket)) {
            return line.request(
                            "POST",
                            "/v" + version + "/containers/create?name=box" + made++,
                            "{\"Image\":\"busybox\"," + fields + "}")
                    .reply();
        }
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "1.39;1.40;\"HostConfig\":{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/tmp\",\"Target\":\"/a\",\"BindOptions\":"
                        + "{\"NonRecursive\":true}}]};/HostConfig/Mounts/0/BindOptions/NonRecursive",
                "1.41;1.42;\"HostConfig\":{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/tmp\",\"Target\":\"/a\",\"BindOptions\":"
                        + "{\"CreateMountpoint\":true}}]};/HostConfig/Mounts/0/BindOptions/CreateMountpoint",
                "1.41;1.42;\"hostconfig\":{\"consolesize\":[20,40]};/HostConfig/ConsoleSize/0",
                "1.42;1.43;\"HostConfig\":{\"Annotations\":{\"a\":\"b\"}};/HostConfig/Annotations/a",
                "1.43;1.44;\"Healthcheck\":{\"Test\":[\"CMD\",\"true\"],\"StartInterval\":2000000000};"
                        + "/Config/Healthcheck/StartInterval",
                "1.43;1.44;\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"MacAddress\":\"02:00:00:00:00:09\"}}};"
                        + "/Config/MacAddress",
                "1.47;1.48;\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"GwPriority\":7}}};"
                        + "/NetworkSettings/Networks/bridge/GwPriority"
            })
    void whatCameLaterIsNotHeardFromOlderClients(String before, String since, String fields, String shown)
            throws IOException {
        assertThat(createAs(before, fields).status()).isEqualTo(201);
        assertThat(container().at(shown).asText("")).isIn("", "0");

        assertThat(createAs(since, fields).status()).isEqualTo(201);
        assertThat(container().at(shown).asText("")).isNotIn("", "0");
    }

    private JsonNode ask(String method, String path, String body) throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request(method, path, body).reply(true);
            assertThat(reply.status()).as(reply.text()).isIn(200, 201);
            return reply.body().length == 0 ? Json.object() : Json.parse(reply.body());
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"Subnet\":\"10.77.0.0/24\"};[{\"Subnet\":\"10.77.0.0/24\"}]",
                "{\"Subnet\":\"10.77.0.0/24\",\"Gateway\":\"10.77.0.1\"};"
                        + "[{\"Subnet\":\"10.77.0.0/24\",\"Gateway\":\"10.77.0.1\"}]"
            })
    void ofASubnetThatSomebodyAskedForNoGatewayIsToldThatNobodyDid(String asked, String told) throws IOException {
        ask("POST", "/networks/create", "{\"Name\":\"led\",\"IPAM\":{\"Config\":[" + asked + "]}}");

        assertThat(ask("GET", "/networks/led", "").at("/IPAM/Config")).hasToString(told);
    }

    @Test
    void theTimeOfAVolumeIsToldInWholeSeconds() throws IOException {
        JsonNode made = ask("POST", "/volumes/create", "{\"Name\":\"dated\"}");

        assertThat(made.path("CreatedAt").asText()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ");
    }

    @Test
    void aNetworkOfAForeignWireNeedsNoAddresses() throws IOException {
        JsonNode made =
                ask("POST", "/networks/create", "{\"Name\":\"bare\",\"Driver\":\"macvlan\",\"EnableIPv4\":false}");
        JsonNode shown = ask("GET", "/networks/bare", "");

        assertThat(made.path("Id").asText()).isEqualTo(shown.path("Id").asText());
        assertThat(shown.path("EnableIPv4").asBoolean()).isFalse();
        assertThat(shown.path("EnableIPv6").asBoolean()).isFalse();
        assertThat(shown.at("/IPAM/Config").isNull()).isTrue();
    }

    @Test
    void whatCameLaterOfNetworksIsNotHeardFromOlderClientsEither() throws IOException {
        String body = "{\"Name\":\"%s\",\"EnableIPv4\":false,\"EnableIPv6\":true}";
        ask("POST", "/v1.47/networks/create", body.formatted("old"));
        ask("POST", "/v1.48/networks/create", body.formatted("new"));

        assertThat(ask("GET", "/networks/old", "").path("EnableIPv4").asBoolean())
                .isTrue();
        assertThat(ask("GET", "/networks/new", "").path("EnableIPv4").asBoolean())
                .isFalse();

        create("{}");
        String box =
                "{\"Container\":\"box%d\",\"EndpointConfig\":{\"GwPriority\":7,\"MacAddress\":\"02:00:00:00:00:09\"}}"
                        .formatted(made - 1);
        ask("POST", "/v1.43/networks/old/connect", box);
        ask("POST", "/v1.48/networks/new/connect", box);

        JsonNode networks = container().at("/NetworkSettings/Networks");
        assertThat(networks.path("old").path("GwPriority").asInt()).isZero();
        assertThat(networks.path("new").path("GwPriority").asInt()).isEqualTo(7);
        assertThat(
                        agent
                                .agent()
                                .host()
                                .containerNamed("box" + (made - 1))
                                .orElseThrow()
                                .spec()
                                .networking()
                                .networks()
                                .stream()
                                .map(NetworkWish::mac))
                .containsExactly("", "", "02:00:00:00:00:09");
    }

    @ParameterizedTest(name = "{0} beside {1}")
    @CsvSource({
        "none,         lan,  400, (none) mode",
        "host,         lan,  400, cannot be connected to any other network",
        "bridge,       host, 400, cannot connect container to host network",
        "lan,          none, 201, Id",
        "none,         none, 201, Id",
        "host,         host, 201, Id",
        "container:box0, lan, 201, Id"
    })
    void whoIsOnTheHostsNetworkOrOnNoneIsOnNoOther(String mode, String beside, int status, String said)
            throws IOException {
        agent.happens(new NetworkEvent.Created(simple("lan", "bridge"), Instant.EPOCH));
        agent.happens(new NetworkEvent.Created(simple("none", "none"), Instant.EPOCH));
        agent.happens(new NetworkEvent.Created(simple("host", "host"), Instant.EPOCH));

        Line.Reply reply = createAs(
                "1.51",
                "\"HostConfig\":{\"NetworkMode\":\"" + mode + "\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\""
                        + beside + "\":{}}}");
        assertThat(reply.status()).as(reply.text()).isEqualTo(status);
        assertThat(reply.text()).contains(said);
        if (beside.equals("none") && mode.equals("lan")) {
            Line.Reply both = createAs("1.51", "\"NetworkingConfig\":{\"EndpointsConfig\":{\"none\":{},\"lan\":{}}}");
            assertThat(both.text()).contains("(none) mode");
        }
    }

    private static NetworkSpec simple(String name, String driver) {
        return new NetworkSpec(
                new NetworkId(Digest.sha256(name).hex()),
                name,
                new DriverName(driver),
                "",
                List.of(),
                false,
                false,
                false,
                !name.equals("lan"),
                Map.of(),
                Map.of(),
                Map.of());
    }

    @Test
    void settingsOfTheFirstDeviceMoveToItsEndpointOrHaveToBeSaidThere() throws IOException {
        String fields = "\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"DriverOpts\":{"
                + "\"com.docker.network.endpoint.sysctls\":\"net.ipv4.conf.IFNAME.arp_notify=1\"}}}},"
                + "\"HostConfig\":{\"NetworkMode\":\"bridge\",\"Sysctls\":{\"net.ipv4.conf.%s.log_martians\":\"1\","
                + "\"net.ipv4.ip_forward\":\"1\"}}";

        Line.Reply made = createAs("1.47", fields.formatted("eth0"));
        assertThat(made.text())
                .contains("Migrated sysctl \\\"net.ipv4.conf.eth0.log_martians\\\" to DriverOpts{"
                        + "\\\"com.docker.network.endpoint.sysctls\\\":\\\"net.ipv4.conf.IFNAME.log_martians=1\\\"}.");
        assertThat(inspected().path("Sysctls").toString()).isEqualTo("{\"net.ipv4.ip_forward\":\"1\"}");
        assertThat(container()
                        .at("/NetworkSettings/Networks/bridge/DriverOpts")
                        .path("com.docker.network.endpoint.sysctls")
                        .asText())
                .isEqualTo("net.ipv4.conf.IFNAME.log_martians=1,net.ipv4.conf.IFNAME.arp_notify=1");

        assertThat(createAs("1.47", fields.formatted("eth1")).text())
                .contains("unable to determine network endpoint for sysctl net.ipv4.conf.eth1.log_martians");
        Line.Reply refused = createAs("1.48", fields.formatted("eth0"));
        assertThat(refused.status()).isEqualTo(400);
        assertThat(refused.text())
                .contains("must be supplied using driver option 'com.docker.network.endpoint.sysctls'");
    }

    @ParameterizedTest(name = "{0} {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "1.43;{\"Type\":\"bind\",\"Source\":\"/tmp\",\"ReadOnly\":true,\"BindOptions\":{\"ReadOnlyForceRecursive\":true}};"
                        + "BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer",
                "1.44;{\"Type\":\"volume\",\"Source\":\"v\",\"VolumeOptions\":{\"Subpath\":\"a\"}};"
                        + "VolumeOptions.Subpath needs API v1.45 or newer",
                "1.47;{\"Type\":\"image\",\"Source\":\"busybox\"};Mount type \\\"Image\\\" needs API v1.48 or newer"
            })
    void mountsThatOlderEnginesCouldNotMakeAreRefused(String version, String mount, String why) throws IOException {
        String aimed = mount.substring(0, mount.length() - 1) + ",\"Target\":\"/a\"}";
        Line.Reply reply = createAs(version, "\"HostConfig\":{\"Mounts\":[" + aimed + "]}");

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.text()).contains(why);
    }

    @Test
    void optionsOfOtherMountsWereOncePassedOver() throws IOException {
        String fields =
                "\"HostConfig\":{\"Mounts\":[{\"Type\":\"volume\",\"Target\":\"/a\",\"TmpfsOptions\":{\"Mode\":1}},"
                        + "{\"Type\":\"tmpfs\",\"Target\":\"/b\",\"VolumeOptions\":{\"NoCopy\":true}}]}";

        assertThat(createAs("1.41", fields).status()).isEqualTo(201);
        assertThat(createAs("1.42", fields).status()).isEqualTo(400);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "\"Hostname\":\"a\",\"HostConfig\":{\"UTSMode\":\"host\"};hostname and the UTS mode",
                "\"HostConfig\":{\"NetworkMode\":\"container:box0\",\"Dns\":[\"9.9.9.9\"]};dns and the network mode",
                "\"HostConfig\":{\"NetworkMode\":\"container:box0\",\"ExtraHosts\":[\"a:1.1.1.1\"]};custom host-to-IP mapping",
                "\"ExposedPorts\":{\"5/tcp\":{}},\"HostConfig\":{\"NetworkMode\":\"container:box0\"};port exposing",
                "\"HostConfig\":{\"NanoCpus\":10000000,\"CpuQuota\":2000};Nano CPUs and CPU Quota cannot both be set",
                "\"HostConfig\":{\"NetworkMode\":\"none\"},\"NetworkingConfig\":{\"EndpointsConfig\":{\"none\":"
                        + "{\"IPAMConfig\":{\"IPv4Address\":\"10.0.0.9\"}}}};supported on user defined networks only",
                "\"MacAddress\":\"bad\";invalid config for network bridge: invalid MAC address bad",
                "\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"IPAMConfig\":{\"LinkLocalIPs\":[\"bad\"]}}}};"
                        + "invalid link-local IP address: bad",
                "\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"IPAMConfig\":{\"LinkLocalIPs\":[\"10.0.0.1\"]}}}};"
                        + "invalid link-local IP address: 10.0.0.1",
                "\"NetworkingConfig\":{\"EndpointsConfig\":{\"bridge\":{\"IPAMConfig\":{\"IPv4Address\":\"bad\"}}}};"
                        + "invalid config for network bridge: invalid endpoint settings:"
            })
    void whatContradictsIsRefused(String fields, String message) throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request("POST", "/containers/create", "{\"Image\":\"busybox\"," + fields + "}")
                    .reply();
            assertThat(reply.status()).as(reply.text()).isEqualTo(400);
            assertThat(Json.parse(reply.body()).path("message").asText()).contains(message);
        }
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource({"\"Privileged\":true", "\"PidMode\":\"host\"", "\"IpcMode\":\"host\""})
    void whatSharesMuchWithTheHostHasNoLabel(String field) throws IOException {
        assertThat(create("{" + field + "}").status()).isEqualTo(201);
        assertThat(inspected().path("SecurityOpt").toString()).isEqualTo("[\"label=disable\"]");

        create("{" + field + ",\"SecurityOpt\":[\"label=level:s0\"]}");
        assertThat(inspected().path("SecurityOpt").toString()).isEqualTo("[\"label=level:s0\"]");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "WorkingDir;\"/\"",
                "WorkingDir;\"\"",
                "Volumes;{\"/a\":{},\"/b/\":{},\"../c/d\":{}}",
                "ExposedPorts;{\"80\":{},\"1300-1302/udp\":{}}"
            })
    void ofTheContainersOwnFieldsToo(String field, String value) throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request(
                            "POST",
                            "/containers/create?name=box" + made++,
                            "{\"Image\":\"busybox\",\"" + field + "\":" + value
                                    + ",\"HostConfig\":{\"Binds\":[\"/tmp:/a\"]}}")
                    .reply();
            assertThat(reply.status()).as(reply.text()).isEqualTo(201);
        }
        assertThat(container().path("Config").path(field).toString()).isEqualTo(value);
    }

    @org.junit.jupiter.api.Test
    void ofNamesThatDifferInCaseAloneTheLastCounts() throws IOException {
        create("{\"NanoCpus\":1000000000,\"NanoCPUs\":500000000}");
        assertThat(inspected().path("NanoCpus").asLong()).isEqualTo(500_000_000);
    }

    @org.junit.jupiter.api.Test
    void whatNobodySaidIsNotShown() throws IOException {
        create("{\"Init\":null}");
        assertThat(inspected().has("Init")).isFalse();
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            quoteCharacter = '`',
            value = {
                "Shell;[\"/bin/ash\",\"-c\"]",
                "StopSignal;\"15\"",
                "StopTimeout;10",
                "NetworkDisabled;true",
                "Healthcheck;{\"Interval\":5000000000}",
                "Volumes;{\"/a\":{}}",
                "MacAddress;\"02:00:00:00:00:01\""
            })
    void theRestOfTheConfigIsKeptToo(String field, String value) throws IOException {
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request(
                            "POST",
                            "/containers/create?name=kept",
                            "{\"Image\":\"busybox\",\"" + field + "\":" + value + "}")
                    .reply(true);
            assertThat(reply.status()).as(reply.text()).isEqualTo(201);
            JsonNode kept = Json.parse(
                    line.request("GET", "/containers/kept/json").reply(true).body());
            assertThat(kept.path("Config").path(field).toString()).isEqualTo(value);
            assertThat(kept.path("HostConfig").path("NetworkMode").asText())
                    .isEqualTo(field.equals("NetworkDisabled") ? "none" : "bridge");
        }
    }

    @org.junit.jupiter.api.Test
    void aHostnameIsShownBesideTheHostsOwn() throws IOException {
        create("{\"UTSMode\":\"host\"}");
        JsonNode shown = container();
        assertThat(shown.path("Config").path("Hostname").asText())
                .isEqualTo(shown.path("Id").asText().substring(0, 12));
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource(
            delimiter = ';',
            value = {
                "{};bridge",
                "{\"one\":{}};one",
                "{\"bridge\":{},\"one\":{}};bridge,one",
                "{\"one\":{},\"default\":{}};bridge,one",
                "{\"one\":{},\"two\":{\"Aliases\":[\"a\"]}};one,two"
            })
    void networksThatAreNamedAreAllThereAre(String endpoints, String networks) throws IOException {
        try (Line line = Line.to(socket)) {
            for (String name : List.of("one", "two")) {
                line.request("POST", "/networks/create", "{\"Name\":\"" + name + "\"}")
                        .reply(true);
            }
            Line.Reply reply = line.request(
                            "POST",
                            "/containers/create?name=placed",
                            "{\"Image\":\"busybox\",\"HostConfig\":{\"NetworkMode\":\"bridge\"},"
                                    + "\"NetworkingConfig\":{\"EndpointsConfig\":" + endpoints + "}}")
                    .reply(true);
            assertThat(reply.status()).as(reply.text()).isEqualTo(201);
        }
        assertThat(agent.host().containerNamed("placed").orElseThrow().spec().networking().networks().stream()
                        .map(w -> agent.host()
                                .network(w.network())
                                .orElseThrow()
                                .spec()
                                .name()))
                .containsExactly(networks.split(","));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{};[\"tool\"];[\"sh\"];",
                "{\"Entrypoint\":null,\"Cmd\":[\"a\"]};[\"tool\"];[\"a\"];",
                "{\"Entrypoint\":[]};[];[\"sh\"];",
                "{\"Entrypoint\":[],\"Cmd\":[\"a\"]};[];[\"a\"];",
                "{\"Entrypoint\":[\"\"],\"Cmd\":[\"a\"]};null;[\"a\"];",
                "{\"Entrypoint\":[\"b\"]};[\"b\"];null;",
                "{\"Healthcheck\":{}};[\"tool\"];[\"sh\"];{}"
            })
    void whatIsSaidToBeEmptyTakesTheImagesAwayAndIsShown(
            String said, String entrypoint, String cmd, @org.jspecify.annotations.Nullable String healthcheck)
            throws IOException {
        agent.happens(new ImageEvent.Recorded(StandingAgent.image("tool", Platform.host(), "tool")));
        try (Line line = Line.to(socket)) {
            String body = "{\"Image\":\"tool\"" + (said.equals("{}") ? "}" : "," + said.substring(1));
            Line.Reply reply = line.request("POST", "/containers/create?name=box" + made++, body)
                    .reply();
            assertThat(reply.status()).as(reply.text()).isEqualTo(201);
        }

        JsonNode config = container().path("Config");

        assertThat(config.path("Entrypoint").toString()).isEqualTo(entrypoint);
        assertThat(config.path("Cmd").toString()).isEqualTo(cmd);
        assertThat(config.path("Healthcheck").toString()).isEqualTo(healthcheck == null ? "" : healthcheck);
    }

    @ParameterizedTest
    @CsvSource({"1.44, [\"it\"], '[\"it\",\"ID\",\"box\"]'", "1.45, [\"it\"], [\"it\"]"})
    void namesOnANetworkAreGivenWithTheFirstStart(String version, String before, String after) throws IOException {
        try (Line line = Line.to(socket)) {
            line.request("POST", "/networks/create", "{\"Name\":\"one\"}").reply(true);
            Line.Reply made = line.request(
                            "POST",
                            "/containers/create?name=named",
                            "{\"Image\":\"busybox\",\"Hostname\":\"box\",\"HostConfig\":{\"NetworkMode\":\"one\"},"
                                    + "\"NetworkingConfig\":{\"EndpointsConfig\":{\"one\":{\"Aliases\":[\"it\"]}}}}")
                    .reply(true);
            String id = Json.parse(made.body()).path("Id").asText();

            JsonNode fresh = endpoint(line, version, id);
            agent.happens(new ContainerEvent.StartRequested(new ContainerId(id), List.of()));
            JsonNode started = endpoint(line, version, id);
            String onlyIt = "%7B%22id%22%3A%5B%22" + id + "%22%5D%7D";
            JsonNode listed = Json.parse(
                            line.request("GET", "/v" + version + "/containers/json?all=1&filters=" + onlyIt)
                                    .reply(true)
                                    .body())
                    .at("/0/NetworkSettings/Networks/one");

            String shortId = id.substring(0, 12);
            assertThat(fresh.path("Aliases").toString()).isEqualTo(before);
            assertThat(fresh.path("DNSNames").isNull()).isTrue();
            assertThat(fresh.path("NetworkID").asText()).isEmpty();
            assertThat(started.path("Aliases").toString()).isEqualTo(after.replace("ID", shortId));
            assertThat(started.path("DNSNames").toString()).isEqualTo("[\"named\",\"it\",\"" + shortId + "\",\"box\"]");
            assertThat(started.path("NetworkID").asText()).isNotEmpty();
            assertThat(listed.path("Aliases").isNull()).isTrue();
            assertThat(listed.path("DNSNames").isNull()).isTrue();
        }
    }

    private static JsonNode endpoint(Line line, String version, String id) throws IOException {
        return Json.parse(line.request("GET", "/v" + version + "/containers/" + id + "/json")
                        .reply(true)
                        .body())
                .at("/NetworkSettings/Networks/one");
    }

    @ParameterizedTest(name = "{0}: {1}")
    @CsvSource({"busybox:a,busybox:z", "busybox:z,busybox:a", "ID,busybox:a"})
    void namesThatNothingWasMadeByArePrunedThoughTheImageStays(String used, String pruned) throws IOException {
        try (Line line = Line.to(socket)) {
            String id = Json.parse(line.request("GET", "/images/busybox/json")
                            .reply(true)
                            .body())
                    .path("Id")
                    .asText();
            for (String tag : List.of("a", "z")) {
                line.request("POST", "/images/busybox/tag?repo=busybox&tag=" + tag)
                        .reply(true);
            }
            line.request("DELETE", "/images/busybox:latest").reply(true);
            line.request("POST", "/containers/create", "{\"Image\":\"" + used.replace("ID", id) + "\"}")
                    .reply(true);

            JsonNode answer =
                    Json.parse(line.request("POST", "/images/prune?filters=%7B%22dangling%22%3A%5B%22false%22%5D%7D")
                            .reply(true)
                            .body());

            assertThat(answer.path("ImagesDeleted"))
                    .extracting(told -> told.path("Untagged").asText())
                    .containsExactly(pruned);
            assertThat(answer.path("SpaceReclaimed").asLong()).isZero();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "'', s390x, true",
        "'', 386, false",
        "platform=linux/s390x&, s390x, false",
    })
    void anImageForOtherProcessorsIsToldOfUnlessThoseAreAskedFor(String query, String architecture, boolean told)
            throws IOException {
        agent.happens(new ImageEvent.Recorded(StandingAgent.image("foreign", new Platform("linux", architecture, ""))));
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request(
                            "POST", "/containers/create?" + query + "name=box" + made++, "{\"Image\":\"foreign\"}")
                    .reply();

            assertThat(reply.status()).as(reply.text()).isEqualTo(201);
            boolean warned = Json.parse(reply.body())
                    .path("Warnings")
                    .toString()
                    .contains("(linux/" + architecture + ") does not match the detected host platform");
            assertThat(warned).isEqualTo(told);
        }
    }

    @org.junit.jupiter.api.Test
    void portsThatTheHostHasAnywayAreToldOf() throws IOException {
        Line.Reply reply = create("{\"NetworkMode\":\"host\",\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"80\"}]}}");

        assertThat(Json.parse(reply.body()).path("Warnings").toString()).contains("Published ports are discarded");
    }

    @org.junit.jupiter.api.Test
    void containersAreFoundByThePortsOfTheHostThatTheyPublish() throws IOException {
        create("{\"PortBindings\":{\"80/tcp\":[{\"HostPort\":\"8099\"}]}}");
        assertThat(listed("publish", "8099")).as("it has none yet").isEqualTo("[]");

        agent.happens(new ContainerEvent.StartRequested(
                agent.host().containerNamed("box" + (made - 1)).orElseThrow().id(),
                List.of(new EndpointSpec(
                        "e",
                        agent.host().networkNamed("bridge").orElseThrow().id(),
                        "veth",
                        "eth0",
                        "",
                        "",
                        "",
                        "",
                        "",
                        List.of(),
                        List.of(new PublishedPort(80, "tcp", "0.0.0.0", 8099)),
                        Map.of()))));

        assertThat(listed("publish", "8099")).contains("box" + (made - 1));
        assertThat(listed("publish", "8098-8100/tcp")).contains("box" + (made - 1));
        assertThat(listed("publish", "8099/udp")).isEqualTo("[]");
        assertThat(listed("publish", "80")).as("the port inside").isEqualTo("[]");
    }

    private String listed(String filter, String value) throws IOException {
        try (Line line = Line.to(socket)) {
            return line.request(
                            "GET",
                            "/containers/json?all=1&filters="
                                    + java.net.URLEncoder.encode(
                                            "{\"" + filter + "\":[\"" + value + "\"]}",
                                            java.nio.charset.StandardCharsets.UTF_8))
                    .reply()
                    .text()
                    .strip();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{\"NanoCpus\":500000000};{\"CpuQuota\":5000};CPU Quota cannot be updated as NanoCPUs has already been set",
                "{\"NanoCpus\":500000000};{\"CpuPeriod\":5000};CPU Period cannot be updated as NanoCPUs has already been set",
                "{\"CpuQuota\":5000};{\"NanoCpus\":500000000};Nano CPUs cannot be updated as CPU Quota has already been set",
                "{\"CpuPeriod\":5000};{\"NanoCpus\":500000000};Nano CPUs cannot be updated as CPU Period has already been set"
            })
    void anUpdateKeepsToOneWayOfLimitingProcessors(String before, String asked, String why) throws IOException {
        create(before);
        try (Line line = Line.to(socket)) {
            Line.Reply reply = line.request("POST", "/containers/box" + (made - 1) + "/update", asked)
                    .reply();
            assertThat(reply.status()).as(reply.text()).isEqualTo(409);
            assertThat(reply.text()).contains(why);
        }
    }

    @Test
    void asMuchSwapAsMemoryIsAPartOfTheLimitAndNotOnlyShown() throws IOException {
        create("{\"Memory\":67108864}");

        assertThat(inspected().path("MemorySwap").asLong()).isEqualTo(134217728);
        assertThat(agent.host()
                        .containerNamed("box" + (made - 1))
                        .orElseThrow()
                        .spec()
                        .resources()
                        .memorySwapBytes())
                .isEqualTo(134217728);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "{};409",
                "{\"Memory\":16777216,\"MemorySwap\":-1};409",
                "{\"Memory\":33554432};409",
                "{\"Memory\":67108864};200"
            })
    void aLimitOfMemoryNeedsOneOfSwapThatIsNotBelowIt(String before, int status) throws IOException {
        create(before);

        try (Line line = Line.to(socket)) {
            assertThat(line.request("POST", "/containers/box" + (made - 1) + "/update", "{\"Memory\":100663296}")
                            .reply()
                            .status())
                    .isEqualTo(status);
        }
    }

    @Test
    void anotherLimitIsChangedWhereSwapHasNone() throws IOException {
        create("{\"Memory\":67108864,\"MemorySwap\":-1}");

        try (Line line = Line.to(socket)) {
            assertThat(line.request("POST", "/containers/box" + (made - 1) + "/update", "{\"CpuShares\":512}")
                            .reply()
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void variablesOfNobodyAreNullUnlessAnEmptyListWasSaid() throws IOException {
        create("{}");
        assertThat(container().at("/Config/Env").isNull()).isTrue();
        createAs("1.51", "\"Env\":[]");
        assertThat(container().at("/Config/Env")).hasToString("[]");
    }

    @Test
    void aPortWithoutABindingIsNotPublished() throws IOException {
        create("{\"PortBindings\":{\"80/tcp\":[],\"81/tcp\":null,\"82/tcp\":[{}]}}");

        assertThat(inspected().path("PortBindings")).hasToString("{\"82/tcp\":[{\"HostIp\":\"\",\"HostPort\":\"\"}]}");
    }

    @ParameterizedTest
    @CsvSource({"CpuCount", "CpuPercent"})
    void isLeftOutWithAWarning(String field) throws IOException {
        Line.Reply reply = create("{\"" + field + "\":1}");

        assertThat(reply.status()).isEqualTo(201);
        assertThat(Json.parse(reply.body()).path("Warnings").toString()).contains(field + " discarded");
    }

    @org.junit.jupiter.api.Test
    void volumesOfOthersAreSharedAndShown() throws IOException {
        create("{\"Binds\":[\"data:/d\",\"/tmp:/t:ro\"]}");
        String owner = "box" + (made - 1);

        assertThat(create("{\"VolumesFrom\":[\"" + owner + ":ro\"]}").status()).isEqualTo(201);

        assertThat(inspected().path("VolumesFrom").path(0).asText()).isEqualTo(owner + ":ro");
        assertThat(inspected().path("Binds").isNull()).isTrue();
    }

    @org.junit.jupiter.api.Test
    void whoLendsNothingOrIsOverruledIsShownAsWell() throws IOException {
        create("{\"Binds\":[\"data:/d\"]}");
        create("{}");
        String lenders = "[\"box" + (made - 2) + "\",\"box" + (made - 1) + ":rw\"]";

        assertThat(create("{\"VolumesFrom\":" + lenders + ",\"Binds\":[\"own:/d\"]}")
                        .status())
                .isEqualTo(201);

        assertThat(inspected().path("VolumesFrom")).hasToString(lenders);
    }
}
