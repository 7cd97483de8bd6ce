package dev.wharf.registry.layout;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Serves the OCI layouts under one root: the repository {@code host/path} is the folder {@code <root>/<host>/<path>}. A
 * folder that appears there is served from the next question on. A repository that has no folder yet is only ours when its
 * whole host is, so that a few local images of a host do not hide what its registry has.
 */
public class LayoutBackend implements RegistryBackend {
    /** The name an operator writes. */
    public static final DriverName NAME = new DriverName("layout");

    /**
     * Where layouts are.
     *
     * @param hosts hosts all of whose repositories are here, made when they are first pushed to
     */
    public record Settings(Path root, Set<String> hosts) {
        public Settings {
            hosts = Set.copyOf(hosts);
        }
    }

    private final Supplier<Settings> settings;

    /** A backend that asks for its settings at each call, so that a change counts at once. */
    public LayoutBackend(Supplier<Settings> settings) {
        this.settings = settings;
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
        Path root = settings.get().root();
        return Files.exists(root) && !Files.isDirectory(root)
                ? Readiness.no(root + " is not a directory")
                : Readiness.yes();
    }

    @Override
    public boolean serves(Repository repository) {
        return settings.get().hosts().contains(repository.host())
                || layout(repository).exists();
    }

    @Override
    public Remote open(Repository repository, Credentials credentials) throws DriverException {
        return new LayoutRemote(repository, layout(repository));
    }

    private OciLayout layout(Repository repository) {
        // Neither part can lead out of the root: their grammar has no component that begins with a dot.
        return new OciLayout(settings.get().root().resolve(repository.host()).resolve(repository.path()));
    }
}
