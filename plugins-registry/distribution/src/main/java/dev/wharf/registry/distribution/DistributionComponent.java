package dev.wharf.registry.distribution;

import dev.wharf.spi.Driver;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Wires the backend into the framework. Configuration, PID {@code dev.wharf.registry.distribution}, read live; lists are
 * separated by commas:
 *
 * <ul>
 *   <li>{@code insecure}: registries that may be spoken to without a valid certificate or in plain HTTP, {@code host},
 *       {@code host:port} or {@code address/bits}
 *   <li>{@code mirrors.HOST}: addresses to ask before the registry {@code HOST}, such as {@code https://mirror:5000}
 *   <li>{@code realms.HOST}: other sites that may learn the credentials for the registry {@code HOST} to make a token
 *   <li>{@code certificates}: a directory with a directory for each registry, by default {@code certs.d} in the directory of
 *       the configuration
 *   <li>{@code timeout.connect}, {@code timeout.idle}: seconds, by default 15 and 60
 * </ul>
 */
@Component(
        service = RegistryBackend.class,
        configurationPid = "dev.wharf.registry.distribution",
        property = {"wharf.name=distribution", "wharf.formats=oci-distribution 1", "service.ranking:Integer=0"})
@Designate(ocd = DistributionSettings.class)
public final class DistributionComponent extends DistributionBackend implements Driver.Configured {
    private static final Logger log = LoggerFactory.getLogger(DistributionComponent.class);

    private volatile List<String> refused = List.of();

    @Activate
    public DistributionComponent(BundleContext framework, Map<String, Object> configuration) {
        super(certificates(framework), System.getenv(), Map.of());
        changed(configuration);
    }

    /** Takes a changed configuration; what is under way ends under the old one. */
    @Modified
    public void changed(Map<String, Object> configuration) {
        try {
            configure(configuration);
            refused = List.of();
        } catch (IllegalArgumentException e) {
            refused = List.of(e.getMessage() + "; all settings before stay");
            log.warn("registry settings ignored, the former ones stay reason=\"{}\"", e.getMessage());
        }
    }

    @Override
    public List<String> refused() {
        return refused;
    }

    /** Leaves nothing running behind. */
    @Deactivate
    public void stop() {
        close();
    }

    private static Path certificates(BundleContext framework) {
        String configDir = framework.getProperty("wharf.config.dir");
        return Path.of(configDir == null ? "/etc/wharf" : configDir, "certs.d");
    }
}
