package dev.wharf.model;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a container is, whole and resolved: nothing in it depends on a default that may change later or on its image's
 * config, which was read when the container was created.
 *
 * @param imageReference the image as its creator wrote it, for people; {@code image} is what counts
 * @param hostname empty where the sandbox is not the container's own
 * @param storage the storage driver that keeps its root file system
 * @param runtime the OCI runtime that runs it, {@code default} for whichever this host chose
 * @param labels the image's labels and its own
 * @param remarks what its creator said that changes nothing here, for people and programs that ask, in the words of whoever
 *     took it down
 */
public record ContainerSpec(
        ImageId image,
        String imageReference,
        Command command,
        Stdio stdio,
        String hostname,
        String domainname,
        Map<String, String> labels,
        Map<String, String> annotations,
        Resources resources,
        Security security,
        Namespaces namespaces,
        List<MountSpec> mounts,
        Networking networking,
        RestartPolicy restartPolicy,
        boolean autoRemove,
        Stop stop,
        Optional<Healthcheck> healthcheck,
        Logging logging,
        DriverName storage,
        Map<String, String> storageOptions,
        DriverName runtime,
        Map<String, String> remarks) {
    public ContainerSpec {
        Checks.oneLine(hostname, "hostname");
        Checks.oneLine(domainname, "domainname");
        labels = Checks.copy(labels);
        annotations = Checks.copy(annotations);
        mounts = Checks.copy(mounts);
        storageOptions = Checks.copy(storageOptions);
        remarks = Checks.copy(remarks);
    }

    /** The same container with other limits. */
    public ContainerSpec withResources(Resources changed) {
        return with(command, changed, networking, restartPolicy, storage);
    }

    /** The same container with other wishes for the network. */
    public ContainerSpec withNetworking(Networking changed) {
        return with(command, resources, changed, restartPolicy, storage);
    }

    /** The same container with another environment. */
    public ContainerSpec withEnv(List<String> changed) {
        return with(command.withEnv(changed), resources, networking, restartPolicy, storage);
    }

    /** The same container with another storage driver. */
    public ContainerSpec withStorage(DriverName changed) {
        return with(command, resources, networking, restartPolicy, changed);
    }

    /** The same container with another restart policy. */
    public ContainerSpec withRestartPolicy(RestartPolicy changed) {
        return with(command, resources, networking, changed, storage);
    }

    private ContainerSpec with(
            Command ran, Resources limits, Networking wishes, RestartPolicy policy, DriverName keeper) {
        return new ContainerSpec(
                image,
                imageReference,
                ran,
                stdio,
                hostname,
                domainname,
                labels,
                annotations,
                limits,
                security,
                namespaces,
                mounts,
                wishes,
                policy,
                autoRemove,
                stop,
                healthcheck,
                logging,
                keeper,
                storageOptions,
                runtime,
                remarks);
    }

    /**
     * What to run: entry point and arguments, kept apart because people see them apart.
     *
     * @param entrypoint the effective entry point, maybe empty
     * @param cmd the effective arguments, maybe empty
     * @param env {@code NAME=value}, image first, the creator's own after; the last of a name wins
     * @param user {@code name|uid[:group|gid]}, empty for root
     * @param workingDir absolute, empty for {@code /} where nobody said
     * @param init whether a small init process reaps beside it
     * @param shell what runs one line of text, such as a health check's; empty for the image's
     */
    public record Command(
            List<String> entrypoint,
            List<String> cmd,
            List<String> env,
            String user,
            List<String> additionalGroups,
            String workingDir,
            boolean init,
            List<String> shell) {
        public Command {
            entrypoint = Checks.copy(entrypoint);
            cmd = Checks.copy(cmd);
            env = Checks.copy(env);
            additionalGroups = Checks.copy(additionalGroups);
            shell = Checks.copy(shell);
            Checks.oneLine(user, "user");
        }

        Command withEnv(List<String> changed) {
            return new Command(entrypoint, cmd, changed, user, additionalGroups, workingDir, init, shell);
        }

        /** The whole argument vector. */
        public List<String> arguments() {
            return java.util.stream.Stream.concat(entrypoint.stream(), cmd.stream())
                    .toList();
        }
    }

    /**
     * How the standard streams are held. {@code stdinOnce} closes stdin when the first attached client goes.
     *
     * @param rows and {@code columns} of the terminal at first, 0 where nobody said
     * @param attachStdin and its sisters: what its creator was going to attach to, for people
     */
    public record Stdio(
            boolean tty,
            boolean openStdin,
            boolean stdinOnce,
            int rows,
            int columns,
            boolean attachStdin,
            boolean attachStdout,
            boolean attachStderr) {
        public Stdio(boolean tty, boolean openStdin, boolean stdinOnce) {
            this(tty, openStdin, stdinOnce, 0, 0, false, false, false);
        }
    }

    /**
     * How to stop it politely.
     *
     * @param timeout how long to wait before the kill; negative waits for ever
     */
    public record Stop(Signal signal, Duration timeout) {
        public static final Stop DEFAULT = new Stop(Signal.TERM, Duration.ofSeconds(10));
    }

    /** Where output goes: {@code json-file}, {@code local}, {@code none}, ... and that driver's options. */
    public record Logging(String driver, Map<String, String> options) {
        public Logging {
            options = Checks.copy(options);
        }
    }

    /**
     * What it may do.
     *
     * @param capabilities names such as {@code CAP_CHOWN}: the whole bounding set, resolved
     * @param capAdd and {@code capDrop} as the creator wrote them, for people
     * @param seccomp {@code default}, {@code unconfined} or a profile's JSON text
     * @param apparmor an AppArmor profile's name, or empty
     * @param maskedPaths paths hidden from it, resolved
     * @param readOnlyPaths paths it may only read, resolved
     * @param options the creator's {@code --security-opt} words, for people
     */
    public record Security(
            boolean privileged,
            List<String> capabilities,
            List<String> capAdd,
            List<String> capDrop,
            boolean noNewPrivileges,
            String seccomp,
            String apparmor,
            List<String> maskedPaths,
            List<String> readOnlyPaths,
            boolean readOnlyRootfs,
            Map<String, String> sysctls,
            List<String> options) {
        public Security {
            capabilities = Checks.copy(capabilities);
            capAdd = Checks.copy(capAdd);
            capDrop = Checks.copy(capDrop);
            maskedPaths = Checks.copy(maskedPaths);
            readOnlyPaths = Checks.copy(readOnlyPaths);
            sysctls = Checks.copy(sysctls);
            options = Checks.copy(options);
        }
    }

    /** Which namespaces are its own and which it shares. The network namespace is in {@link Networking}. */
    public record Namespaces(Namespace pid, Namespace ipc, Namespace uts, Namespace cgroup, Namespace user) {
        public static final Namespaces PRIVATE = new Namespaces(
                Namespace.PRIVATE, Namespace.PRIVATE, Namespace.PRIVATE, Namespace.PRIVATE, Namespace.HOST);
    }

    /**
     * One namespace.
     *
     * @param container whose namespace it is, for {@link Kind#CONTAINER}
     */
    public record Namespace(Kind kind, Optional<ContainerId> container) {
        public static final Namespace PRIVATE = new Namespace(Kind.PRIVATE, Optional.empty());
        public static final Namespace HOST = new Namespace(Kind.HOST, Optional.empty());

        public static Namespace of(ContainerId container) {
            return new Namespace(Kind.CONTAINER, Optional.of(container));
        }

        /** Whose it is; {@code SHAREABLE} is an IPC namespace that others may join, {@code NONE} one without /dev/shm. */
        public enum Kind {
            PRIVATE,
            HOST,
            CONTAINER,
            SHAREABLE,
            NONE
        }
    }

    /**
     * How it is reached and what it sees of the network.
     *
     * @param sandbox PRIVATE for one of its own, HOST, CONTAINER for another's, NONE for one of its own with only lo
     * @param networks the networks it wants to be on, in order of preference for the default route
     * @param exposed ports in the form {@code 80/tcp}
     * @param published host ports wanted
     * @param publishAll whether every exposed port gets a host port
     * @param extraHosts lines for /etc/hosts, {@code name:address}
     * @param links {@code container:alias}, on the default network by the container's id
     */
    public record Networking(
            Namespace sandbox,
            List<NetworkWish> networks,
            List<String> exposed,
            List<PortWish> published,
            boolean publishAll,
            List<String> dns,
            List<String> dnsSearch,
            List<String> dnsOptions,
            List<String> extraHosts,
            List<String> links,
            String macAddress) {
        public Networking {
            networks = Checks.copy(networks);
            exposed = Checks.copy(exposed);
            published = Checks.copy(published);
            dns = Checks.copy(dns);
            dnsSearch = Checks.copy(dnsSearch);
            dnsOptions = Checks.copy(dnsOptions);
            extraHosts = Checks.copy(extraHosts);
            links = Checks.copy(links);
        }

        /** The same with other links. */
        public Networking withLinks(List<String> changed) {
            return with(sandbox, networks, changed);
        }

        /** The same in another sandbox. */
        public Networking withSandbox(Namespace changed) {
            return with(changed, networks, links);
        }

        /** The same with other networks wanted. */
        public Networking withNetworks(List<NetworkWish> changed) {
            return with(sandbox, changed, links);
        }

        private Networking with(Namespace held, List<NetworkWish> wished, List<String> linked) {
            return new Networking(
                    held,
                    wished,
                    exposed,
                    published,
                    publishAll,
                    dns,
                    dnsSearch,
                    dnsOptions,
                    extraHosts,
                    linked,
                    macAddress);
        }
    }
}
