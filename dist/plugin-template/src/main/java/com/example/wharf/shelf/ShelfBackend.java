package com.example.wharf.shelf;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/**
 * Serves all repositories of one host name from OCI layouts in a folder: {@code shelf.example/team/app} is the folder {@code
 * ROOT/team/app}.
 */
@Component(
        service = RegistryBackend.class,
        configurationPid = "com.example.wharf.shelf",
        property = {
            "wharf.name=shelf",
            "wharf.formats=oci-layout 1",
            // Asked before the registries that can be reached by network, which would answer for everything.
            "service.ranking:Integer=100"
        })
@Designate(ocd = ShelfBackend.Settings.class)
public final class ShelfBackend implements RegistryBackend {
    /** The name an operator writes. */
    public static final DriverName NAME = new DriverName("shelf");

    /** Options, read from {@code com.example.wharf.shelf.cfg}. */
    @ObjectClassDefinition(name = "Registry backend shelf", description = "Images from OCI layouts in a folder.")
    public @interface Settings {
        @AttributeDefinition(description = "The host whose repositories are here")
        String host() default "shelf.example";

        @AttributeDefinition(description = "The folder; empty for shelf in the data root")
        String root() default "";
    }

    /** What the settings come to; replaced as a whole, so that a call sees one or the other. */
    private record Place(String host, Path root) {}

    private final Path usual;
    private volatile Place place;

    @Activate
    public ShelfBackend(BundleContext context, Settings settings) {
        this.usual = Path.of(context.getProperty("wharf.data.root"), "shelf");
        this.place = place(settings);
    }

    /** A backend without a framework around it, as a test wants it. */
    public ShelfBackend(String host, Path root) {
        this.usual = root;
        this.place = new Place(host, root);
    }

    /** Takes changed settings; calls that are on their way end under the old ones. */
    @Modified
    void changed(Settings settings) {
        place = place(settings);
    }

    private Place place(Settings settings) {
        return new Place(settings.host(), settings.root().isBlank() ? usual : Path.of(settings.root()));
    }

    @Override
    public DriverName name() {
        return NAME;
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("oci-layout", 1));
    }

    @Override
    public Readiness probe() {
        Path root = place.root();
        return Files.exists(root) && !Files.isDirectory(root)
                ? Readiness.no(root + " is not a directory")
                : Readiness.yes();
    }

    @Override
    public boolean serves(Repository repository) {
        return repository.host().equals(place.host());
    }

    @Override
    public Remote open(Repository repository, Credentials credentials) throws DriverException {
        // The path cannot lead out of the root: its grammar has no component that begins with a dot.
        return new ShelfRemote(repository, new OciLayout(place.root().resolve(repository.path())));
    }
}
