package dev.wharf.testkit.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.ContainerSpec.Command;
import dev.wharf.model.ContainerSpec.Logging;
import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.model.ContainerSpec.Namespaces;
import dev.wharf.model.ContainerSpec.Networking;
import dev.wharf.model.ContainerSpec.Security;
import dev.wharf.model.ContainerSpec.Stdio;
import dev.wharf.model.ContainerSpec.Stop;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.ImageId;
import dev.wharf.model.Resources;
import dev.wharf.model.RestartPolicy;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.runtime.RuntimeSpec;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Makes specifications for tests: a container as plain as can be, with whatever a test says otherwise. */
public final class RuntimeSpecs {
    private static final List<String> CAPABILITIES = List.of(
            "CAP_CHOWN",
            "CAP_DAC_OVERRIDE",
            "CAP_FSETID",
            "CAP_FOWNER",
            "CAP_MKNOD",
            "CAP_NET_RAW",
            "CAP_SETGID",
            "CAP_SETUID",
            "CAP_SETFCAP",
            "CAP_SETPCAP",
            "CAP_NET_BIND_SERVICE",
            "CAP_SYS_CHROOT",
            "CAP_KILL",
            "CAP_AUDIT_WRITE");
    private static final List<String> MASKED =
            List.of("/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware");
    private static final List<String> READ_ONLY =
            List.of("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger");

    private final ContainerId container;
    private final Path rootfs;
    private final List<String> arguments;
    private final List<RuntimeSpec.BoundMount> mounts = new ArrayList<>();
    private final List<RuntimeSpec.HostLine> hosts = new ArrayList<>();
    private List<String> env = List.of();
    private String user = "";
    private List<String> groups = List.of();
    private String workingDir = "/";
    private String hostname = "box";
    private String domainname = "";
    private boolean init;
    private Stdio stdio = new Stdio(false, false, false);
    private Resources resources = Resources.UNLIMITED;
    private boolean privileged;
    private boolean readOnlyRootfs;
    private boolean noNewPrivileges;
    private List<String> capabilities = CAPABILITIES;
    private String seccomp = "default";
    private Map<String, String> sysctls = Map.of();
    private Map<String, String> logOptions = Map.of();
    private String logDriver = "json-file";
    private Namespaces namespaces = Namespaces.PRIVATE;
    private Map<String, Path> joined = Map.of();
    private int generation = 1;
    private List<String> nameservers = List.of();
    private List<String> dnsSearch = List.of();
    private Map<String, String> annotations = Map.of();
    private List<String> dnsOptions = List.of();
    private Namespace sandbox = Namespace.HOST;
    private Path networkNamespace = Sandbox.HOST_PATH;

    private RuntimeSpecs(Path rootfs, List<String> arguments) {
        this.container = new ContainerId(randomHex());
        this.rootfs = rootfs;
        this.arguments = arguments;
    }

    /** A container with an id of its own that runs {@code arguments} in {@code rootfs}, on the host's network. */
    public static RuntimeSpecs of(Path rootfs, String... arguments) {
        return new RuntimeSpecs(rootfs, List.of(arguments));
    }

    /** One that has busybox's shell run a script. */
    public static RuntimeSpecs shell(Path rootfs, String script) {
        return of(rootfs, "/bin/sh", "-c", script);
    }

    /** Sixty-four hexadecimal digits that nobody else has. */
    public static String randomHex() {
        return IntStream.range(0, 64)
                .mapToObj(i -> Integer.toHexString(ThreadLocalRandom.current().nextInt(16)))
                .collect(Collectors.joining());
    }

    public static ExecId execId() {
        return new ExecId(randomHex());
    }

    /** A command without terminal and without input. */
    public static ExecSpec exec(String... arguments) {
        return new ExecSpec(List.of(arguments), List.of(), "", "", false, false, false, true, true, "");
    }

    /** A command with input, on a terminal if {@code tty}. */
    public static ExecSpec interactive(boolean tty, String... arguments) {
        return new ExecSpec(List.of(arguments), List.of(), "", "", false, tty, true, true, true, "");
    }

    public RuntimeSpecs env(String... variables) {
        env = List.of(variables);
        return this;
    }

    public RuntimeSpecs user(String name, String... additionalGroups) {
        user = name;
        groups = List.of(additionalGroups);
        return this;
    }

    public RuntimeSpecs workingDir(String directory) {
        workingDir = directory;
        return this;
    }

    public RuntimeSpecs hostname(String name, String domain) {
        hostname = name;
        domainname = domain;
        return this;
    }

    public RuntimeSpecs init() {
        init = true;
        return this;
    }

    /** A terminal whose input stays open. */
    public RuntimeSpecs terminal() {
        stdio = new Stdio(true, true, false);
        return this;
    }

    /** An input that ends when its client says so ({@code docker run -i}). */
    public RuntimeSpecs input() {
        stdio = new Stdio(false, true, true);
        return this;
    }

    /** An input that stays open whatever its clients do. */
    public RuntimeSpecs openInput() {
        stdio = new Stdio(false, true, false);
        return this;
    }

    public RuntimeSpecs resources(Resources limits) {
        resources = limits;
        return this;
    }

    public RuntimeSpecs privileged() {
        privileged = true;
        return this;
    }

    public RuntimeSpecs readOnly() {
        readOnlyRootfs = true;
        return this;
    }

    public RuntimeSpecs noNewPrivileges() {
        noNewPrivileges = true;
        return this;
    }

    public RuntimeSpecs capabilities(List<String> names) {
        capabilities = names;
        return this;
    }

    public RuntimeSpecs seccomp(String profile) {
        seccomp = profile;
        return this;
    }

    public RuntimeSpecs sysctls(Map<String, String> values) {
        sysctls = values;
        return this;
    }

    public RuntimeSpecs log(String driver, Map<String, String> options) {
        logDriver = driver;
        logOptions = options;
        return this;
    }

    public RuntimeSpecs namespaces(Namespaces wanted, Map<String, Path> paths) {
        namespaces = wanted;
        joined = paths;
        return this;
    }

    public RuntimeSpecs generation(int number) {
        generation = number;
        return this;
    }

    public RuntimeSpecs mount(String type, String source, String target, String... options) {
        mounts.add(new RuntimeSpec.BoundMount(type, source, target, List.of(options)));
        return this;
    }

    public RuntimeSpecs host(String address, String... names) {
        hosts.add(new RuntimeSpec.HostLine(address, List.of(names)));
        return this;
    }

    public RuntimeSpecs nameservers(String... addresses) {
        nameservers = List.of(addresses);
        return this;
    }

    public RuntimeSpecs annotations(Map<String, String> values) {
        annotations = values;
        return this;
    }

    public RuntimeSpecs dns(List<String> search, List<String> options) {
        dnsSearch = search;
        dnsOptions = options;
        return this;
    }

    /** Says whose network it is on, without giving it another. */
    public RuntimeSpecs sandbox(Namespace whose) {
        sandbox = whose;
        return this;
    }

    /** Gives it a network of its own. */
    public RuntimeSpecs sandbox(Path networkNamespaceFile) {
        sandbox = Namespace.PRIVATE;
        networkNamespace = networkNamespaceFile;
        return this;
    }

    public RuntimeSpec build() {
        ContainerSpec spec = new ContainerSpec(
                ImageId.parse("sha256:" + "0".repeat(64)),
                "busybox",
                new Command(List.of(), arguments, env, user, groups, workingDir, init, List.of()),
                stdio,
                hostname,
                domainname,
                Map.of(),
                annotations,
                resources,
                new Security(
                        privileged,
                        capabilities,
                        List.of(),
                        List.of(),
                        noNewPrivileges,
                        seccomp,
                        "",
                        privileged ? List.of() : MASKED,
                        privileged ? List.of() : READ_ONLY,
                        readOnlyRootfs,
                        sysctls,
                        List.of()),
                namespaces,
                List.of(),
                new Networking(
                        sandbox,
                        List.of(),
                        List.of(),
                        List.of(),
                        false,
                        List.of(),
                        dnsSearch,
                        dnsOptions,
                        List.of(),
                        List.of(),
                        ""),
                RestartPolicy.NO,
                false,
                Stop.DEFAULT,
                Optional.empty(),
                new Logging(logDriver, logOptions),
                new DriverName("overlay"),
                Map.of(),
                new DriverName("default"),
                Map.of());
        return new RuntimeSpec(
                container,
                "box",
                Instant.EPOCH,
                generation,
                spec,
                rootfs,
                mounts,
                networkNamespace,
                joined,
                hosts,
                nameservers,
                container);
    }
}
