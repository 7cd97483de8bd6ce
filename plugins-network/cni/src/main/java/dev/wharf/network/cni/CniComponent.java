package dev.wharf.network.cni;

import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.HostPorts;
import dev.wharf.spi.network.NetworkDriver;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;

/** The driver as a service of the framework; settings come from Config Admin and change while it runs. */
@Component(
        service = NetworkDriver.class,
        configurationPid = "dev.wharf.network.cni",
        property = {"wharf.name=" + CniDriver.NAME, "wharf.formats=" + CniDriver.FORMAT_NAME + " 1"})
@Designate(ocd = CniSettings.class)
public final class CniComponent extends CniDriver {
    static final String LISTS = "/etc/cni/net.d";
    static final String PROGRAMS = "/opt/cni/bin:/usr/lib/cni";

    private final AtomicReference<Settings> current;

    @Activate
    public CniComponent(
            BundleContext framework,
            @Reference ChildLinks children,
            @Reference HostPorts ports,
            Map<String, Object> configuration) {
        this(framework, children, ports, new AtomicReference<>(settings(configuration)));
    }

    private CniComponent(
            BundleContext framework, ChildLinks children, HostPorts ports, AtomicReference<Settings> current) {
        super(
                children,
                ports,
                Path.of(framework.getProperty("wharf.exec.root"), "cni"),
                "wharf-"
                        + Integer.toHexString(
                                framework.getProperty("wharf.exec.root").hashCode()),
                current::get);
        this.current = current;
    }

    @Modified
    void change(Map<String, Object> configuration) {
        current.set(settings(configuration));
    }

    private static Settings settings(Map<String, Object> configuration) {
        return new Settings(
                Path.of(text(configuration, "lists", LISTS)),
                Arrays.stream(text(configuration, "plugins", PROGRAMS).split(":"))
                        .map(Path::of)
                        .toList(),
                List.of());
    }

    private static String text(Map<String, Object> configuration, String key, String usual) {
        Object value = configuration.get(key);
        return value == null || value.toString().isBlank()
                ? usual
                : value.toString().strip();
    }
}
