package dev.wharf.spi.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * Everything a runtime needs to make a container: the specification, and where the rest of the house put things.
 *
 * @param name the container's name, for its hosts file and environment
 * @param createdAt when the container was created, for its log
 * @param rootfs the mounted root file system
 * @param mounts binds, volumes and tmpfs, sources resolved to host paths
 * @param networkNamespace the sandbox's file, {@link dev.wharf.spi.kernel.Sandbox#HOST_PATH} for the host's
 * @param joined for each of {@code pid}, {@code ipc}, {@code uts} that is another container's: that namespace's file
 * @param hosts lines of /etc/hosts in order: address, then names
 * @param sharedFiles the container whose hosts, hostname and resolv.conf it shares because it shares its sandbox, or its
 *     own id
 */
public record RuntimeSpec(
        ContainerId container,
        String name,
        Instant createdAt,
        int generation,
        ContainerSpec spec,
        Path rootfs,
        List<BoundMount> mounts,
        Path networkNamespace,
        Map<String, Path> joined,
        List<HostLine> hosts,
        List<String> nameservers,
        ContainerId sharedFiles) {
    public RuntimeSpec {
        mounts = List.copyOf(mounts);
        joined = Map.copyOf(joined);
        hosts = List.copyOf(hosts);
        nameservers = List.copyOf(nameservers);
    }

    /** What its files say of where it is. */
    public Whereabouts whereabouts() {
        return new Whereabouts(sharedFiles, spec.networking(), hosts, nameservers);
    }

    /**
     * What a container's hosts and resolv.conf are made from.
     *
     * @param files the container whose files they are
     */
    public record Whereabouts(
            ContainerId files, ContainerSpec.Networking networking, List<HostLine> hosts, List<String> nameservers) {
        public Whereabouts {
            hosts = List.copyOf(hosts);
            nameservers = List.copyOf(nameservers);
        }
    }

    /** The same with other mounts. */
    public RuntimeSpec withMounts(List<BoundMount> changed) {
        return new RuntimeSpec(
                container,
                name,
                createdAt,
                generation,
                spec,
                rootfs,
                changed,
                networkNamespace,
                joined,
                hosts,
                nameservers,
                sharedFiles);
    }

    /** One mount inside: {@code type} is bind or tmpfs; options in the words of mount(8), and the two below. */
    public record BoundMount(String type, String source, String target, List<String> options) {
        /** What is mounted below is read-only, too; UNSUPPORTED where the kernel or the runtime cannot do that. */
        public static final String READ_ONLY_BELOW = "rro";

        /** The same, but nothing where they cannot. */
        public static final String READ_ONLY_BELOW_IF_POSSIBLE = "rro?";

        /** Mounts come in from the host where it lies on a mount that hands them on, and do not where it does not. */
        public static final String SLAVE_IF_POSSIBLE = "rslave?";

        public BoundMount {
            options = List.copyOf(options);
        }
    }

    /** One line of /etc/hosts. */
    public record HostLine(String address, List<String> names) {
        public HostLine {
            names = List.copyOf(names);
        }
    }
}
