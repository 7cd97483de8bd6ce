package dev.wharf.registry.distribution;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * Speaks to registries by the OCI distribution protocol, version 1 of the spec, which Docker calls the Registry HTTP API V2.
 * Answers for every repository. Holds no connection and no thread while nothing is pulled or pushed.
 */
public class DistributionBackend implements RegistryBackend, RegistryBackend.Registries, AutoCloseable {
    /** The name an operator writes. */
    public static final DriverName NAME = new DriverName("distribution");

    private final Path certificates;
    private final Wire wire;
    private volatile Settings settings;

    /**
     * A backend with what an operator said.
     *
     * @param certificates the directory {@code certs.d}, where configuration names no other
     * @param environment what the process was started with, for the names of proxies
     * @param configuration see the keys of {@link DistributionComponent}
     */
    public DistributionBackend(Path certificates, Map<String, String> environment, Map<String, Object> configuration) {
        this.certificates = certificates;
        this.wire = new Wire(new Proxies(environment));
        this.settings = Settings.of(configuration, certificates);
    }

    /** Takes other settings, for what is opened from now on. A wrong value changes nothing and is refused. */
    public final void configure(Map<String, Object> configuration) {
        settings = Settings.of(configuration, certificates);
        // How a registry is to be reached may be among what changed.
        wire.release();
    }

    @Override
    public DriverName name() {
        return NAME;
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("oci-distribution", 1));
    }

    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    @Override
    public boolean serves(Repository repository) {
        return true;
    }

    @Override
    public Remote open(Repository repository, Credentials credentials) throws DriverException {
        return new DistributionRemote(wire, settings, repository, credentials);
    }

    @Override
    public String login(String host, Credentials credentials) throws DriverException {
        return new Login(wire, settings, host).run(credentials);
    }

    @Override
    public Manners manners() {
        return settings.manners();
    }

    /** Whether no connection is held. */
    final boolean isIdle() {
        return wire.http.isIdle();
    }

    /** Lets go of every connection and secret. */
    @Override
    public void close() {
        wire.release();
    }
}
