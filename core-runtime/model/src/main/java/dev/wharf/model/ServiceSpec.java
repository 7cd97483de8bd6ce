package dev.wharf.model;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a service is: containers that are alike, as many as wanted on one host.
 *
 * @param env lines {@code NAME=value}
 * @param memoryBytes and {@code nanoCpus} of each container, 0 for no limit
 * @param networks names of networks, on which the containers are found by the service's name
 */
public record ServiceSpec(
        ServiceName name,
        String image,
        List<String> entrypoint,
        List<String> command,
        List<String> env,
        String user,
        Map<String, String> labels,
        int replicas,
        List<PortWish> ports,
        List<String> networks,
        List<Volume> volumes,
        Optional<Healthcheck> health,
        RestartPolicy restart,
        long memoryBytes,
        long nanoCpus,
        Update update) {
    public ServiceSpec {
        Checks.oneLine(image, "image");
        entrypoint = Checks.copy(entrypoint);
        command = Checks.copy(command);
        env = Checks.copy(env);
        labels = Checks.copy(labels);
        ports = Checks.copy(ports);
        networks = Checks.copy(networks);
        volumes = Checks.copy(volumes);
        if (replicas < 0) {
            throw new IllegalArgumentException("replicas must be 0 or more, not " + replicas);
        }
    }

    /**
     * Something mounted into each container.
     *
     * @param source a volume's name, or a path of the host that begins with a slash
     */
    public record Volume(String source, String target, boolean readOnly) {}

    /**
     * How one version takes the place of another.
     *
     * @param parallelism how many replicas are between the versions at once
     * @param startFirst whether the new one is well before the old one goes
     * @param gate how long a new replica may take to become healthy
     * @param settle how long it must have run before it counts as well
     * @param maxFailures how many replicas may fail that before the rollout is stopped
     * @param rollBack whether a rollout that is stopped goes back to the last version that was well
     */
    public record Update(
            int parallelism, boolean startFirst, Duration gate, Duration settle, int maxFailures, boolean rollBack) {
        public static final Update DEFAULT =
                new Update(1, false, Duration.ofSeconds(60), Duration.ofSeconds(2), 0, true);

        public Update {
            if (parallelism < 1) {
                throw new IllegalArgumentException("parallelism must be 1 or more, not " + parallelism);
            }
            if (maxFailures < 0) {
                throw new IllegalArgumentException("maxFailures must be 0 or more, not " + maxFailures);
            }
            if (gate.isNegative() || gate.isZero() || settle.isNegative()) {
                throw new IllegalArgumentException("gate must be more than nothing, and settle not negative");
            }
        }
    }

    /** Whether its containers are like those of {@code other}: all is alike but how many there are and how they change. */
    public boolean isLike(ServiceSpec other) {
        return alike().equals(other.alike());
    }

    private ServiceSpec alike() {
        return new ServiceSpec(
                name,
                image,
                entrypoint,
                command,
                env,
                user,
                labels,
                0,
                ports,
                networks,
                volumes,
                health,
                restart,
                memoryBytes,
                nanoCpus,
                Update.DEFAULT);
    }

    /** Names this version: the same for specifications that are alike, today and after a restart. */
    public String version() {
        ServiceSpec a = alike();
        String text = String.join(
                "\n",
                List.of(
                        a.image,
                        a.entrypoint.toString(),
                        a.command.toString(),
                        a.env.toString(),
                        a.user,
                        new TreeMap<>(a.labels).toString(),
                        a.ports.toString(),
                        a.networks.toString(),
                        a.volumes.toString(),
                        a.health.toString(),
                        a.restart.toString(),
                        a.memoryBytes + " " + a.nanoCpus));
        return Digest.sha256(text).hex().substring(0, 12);
    }
}
