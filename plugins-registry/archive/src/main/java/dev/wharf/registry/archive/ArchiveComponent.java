package dev.wharf.registry.archive;

import dev.wharf.spi.Driver;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.InvalidPathException;
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

/** Wires the backend into the framework, and takes its folder from configuration, live. */
@Component(
        service = RegistryBackend.class,
        configurationPid = "dev.wharf.registry.archive",
        property = {
            "wharf.name=archive",
            "wharf.formats=image-archive 1",
            // After layouts, which are there at once, and before the registries that can be reached by network.
            "service.ranking:Integer=50"
        })
@Designate(ocd = ArchiveSettings.class)
public final class ArchiveComponent extends ArchiveBackend implements Driver.Configured {
    private static final Logger log = LoggerFactory.getLogger(ArchiveComponent.class);

    private final Path usual;
    private volatile List<String> refused = List.of();

    @Activate
    public ArchiveComponent(BundleContext framework, Map<String, Object> configuration) {
        this(usual(framework));
        changed(configuration);
    }

    private ArchiveComponent(Path usual) {
        super(usual);
        this.usual = usual;
    }

    /** Takes a changed configuration. */
    @Modified
    void changed(Map<String, Object> configuration) {
        String root = String.valueOf(configuration.getOrDefault("root", "")).strip();
        try {
            Path folder = root.isEmpty() ? usual : Path.of(root);
            if (!folder.isAbsolute()) {
                throw new InvalidPathException(root, "expected an absolute path");
            }
            serve(folder);
            refused = List.of();
        } catch (InvalidPathException e) {
            refused = List.of("root = " + root + ": " + e.getReason() + "; " + root() + " stays");
            log.warn("setting refused file=dev.wharf.registry.archive.cfg reason=\"{}\"", refused.get(0));
        }
    }

    @Override
    public List<String> refused() {
        return refused;
    }

    /** Leaves no thread behind. */
    @Deactivate
    void stop() {
        close();
    }

    private static Path usual(BundleContext framework) {
        String dataRoot = framework.getProperty("wharf.data.root");
        return Path.of(dataRoot == null ? "/var/lib/wharf" : dataRoot, "archives")
                .toAbsolutePath();
    }
}
