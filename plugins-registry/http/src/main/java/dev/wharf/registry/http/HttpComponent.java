package dev.wharf.registry.http;

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

/** Wires the backend into the framework, and takes its stores from configuration, live. */
@Component(
        service = RegistryBackend.class,
        configurationPid = "dev.wharf.registry.http",
        property = {
            "wharf.name=http",
            "wharf.formats=static-layout 1",
            // Before the registries, which would answer for every host.
            "service.ranking:Integer=10"
        })
@Designate(ocd = HttpSettings.class)
public final class HttpComponent extends HttpBackend implements Driver.Configured {
    private static final Logger log = LoggerFactory.getLogger(HttpComponent.class);

    private volatile List<String> refused = List.of();

    @Activate
    public HttpComponent(BundleContext framework, Map<String, Object> configuration) {
        super(certificates(framework), System.getenv());
        changed(configuration);
    }

    /** Takes a changed configuration. */
    @Modified
    void changed(Map<String, Object> configuration) {
        try {
            configure(configuration);
            refused = List.of();
        } catch (IllegalArgumentException e) {
            refused = List.of(e.getMessage() + "; all settings before stay");
            log.warn("setting refused file=dev.wharf.registry.http.cfg reason=\"{}\"", e.getMessage());
        }
    }

    @Override
    public List<String> refused() {
        return refused;
    }

    /** Leaves nothing running behind. */
    @Deactivate
    void stop() {
        close();
    }

    private static Path certificates(BundleContext framework) {
        String configDir = framework.getProperty("wharf.config.dir");
        return Path.of(configDir == null ? "/etc/wharf" : configDir, "certs.d");
    }
}
