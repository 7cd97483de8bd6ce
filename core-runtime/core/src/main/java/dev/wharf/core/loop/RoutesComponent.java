package dev.wharf.core.loop;

import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads the routes of registries from their settings, live. */
@Component(service = RoutesComponent.class, configurationPid = "dev.wharf.registries")
@Designate(ocd = RegistrySettings.class)
public final class RoutesComponent {
    private static final Logger log = LoggerFactory.getLogger(RoutesComponent.class);

    private final RegistryRoutes routes = new RegistryRoutes();

    @Activate
    public RoutesComponent(Map<String, Object> settings) {
        changed(settings);
    }

    @Modified
    void changed(Map<String, Object> settings) {
        routes.set(String.valueOf(settings.getOrDefault("routes", "")))
                .ifPresentOrElse(
                        why -> log.warn("setting refused file=dev.wharf.registries.cfg reason=\"{}\"", why),
                        () -> log.info("registry routes={}", routes.all().size()));
    }

    RegistryRoutes routes() {
        return routes;
    }
}
