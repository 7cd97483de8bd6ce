package dev.wharf.runtime;

import dev.wharf.spi.kernel.Descriptors;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.Processes;
import dev.wharf.spi.kernel.SystemCallFilters;
import dev.wharf.spi.runtime.OciRuntime;
import java.nio.file.Path;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;

/** The driver as a service of the framework; settings come from Config Admin. */
@Component(
        service = OciRuntime.class,
        configurationPid = "dev.wharf.runtime",
        property = {"wharf.name=" + OciDriver.NAME, "wharf.formats=" + OciDriver.FORMAT + " 1"})
@Designate(ocd = RuntimeSettings.class)
public final class RuntimeComponent extends OciDriver {
    @Activate
    public RuntimeComponent(
            @Reference Processes processes,
            @Reference Descriptors descriptors,
            @Reference FileCalls files,
            @Reference SystemCallFilters compiler,
            BundleContext context,
            Map<String, Object> properties) {
        super(
                processes,
                descriptors,
                files,
                compiler,
                directory(context, "wharf.exec.root"),
                directory(context, "wharf.data.root"),
                properties);
    }

    private static Path directory(BundleContext context, String property) {
        String value = context.getProperty(property);
        if (value == null) {
            throw new IllegalStateException("framework property " + property + " is not set");
        }
        return Path.of(value);
    }

    @Deactivate
    void stop() {
        close();
    }
}
