package dev.wharf.build.run;

import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;

/**
 * What a client lends to RUN steps that ask for it by {@code --mount=type=secret} and {@code ssh}. It is held in memory, is
 * shown to a step's container from a file system in memory, and goes with the step: it is in no event, key, layer or log.
 */
public final class Offers {
    public static final Offers NONE = new Offers(Map.of(), Map.of());

    private final Map<String, byte[]> secrets;
    private final Map<String, Path> agents;

    /**
     * @param secrets by their ids
     * @param agents sockets of ssh agents on this host, by their ids
     */
    public Offers(Map<String, byte[]> secrets, Map<String, Path> agents) {
        this.secrets = Map.copyOf(secrets);
        this.agents = Map.copyOf(agents);
    }

    Optional<byte[]> secret(String id) {
        return Optional.ofNullable(secrets.get(id));
    }

    Optional<Path> agent(String id) {
        return Optional.ofNullable(agents.get(id));
    }

    @Override
    public String toString() {
        return "offers of secrets " + secrets.keySet() + " and agents " + agents.keySet();
    }
}
