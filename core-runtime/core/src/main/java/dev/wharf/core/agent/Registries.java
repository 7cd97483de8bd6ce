package dev.wharf.core.agent;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend.Manners;
import dev.wharf.spi.registry.RegistryBackend.Remote;
import java.io.IOException;
import java.util.List;

/**
 * Questions to registries. They change nothing here, so they are no commands; calls block for as long as the registry does, so
 * fronts make them from a worker thread.
 */
public interface Registries {
    /** Asks whether a registry takes credentials; see {@code RegistryBackend.Registries}. */
    String login(String host, Credentials credentials) throws DriverException;

    /** Opens a repository for the length of {@code use}. */
    <R> R open(Repository repository, Credentials credentials, RemoteUse<R> use) throws DriverException, IOException;

    /** Which backends serve which repositories, as the operator says, in order. */
    List<Route> routes();

    /** A pattern of repositories, and the backends that serve them: the first that has the repository, else the last. */
    record Route(String pattern, List<DriverName> backends) {
        public Route {
            backends = List.copyOf(backends);
        }
    }

    /** What the operator said of registries, of all backends together. */
    Manners manners();

    /** Something to ask of a repository. */
    interface RemoteUse<R> {
        R with(Remote remote) throws DriverException, IOException;
    }
}
