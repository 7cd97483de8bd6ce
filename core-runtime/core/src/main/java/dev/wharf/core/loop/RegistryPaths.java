package dev.wharf.core.loop;

import dev.wharf.core.agent.Registries;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.spi.registry.RegistryBackend.Manners;
import dev.wharf.spi.registry.RegistryBackend.Remote;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** The way of questions to registries: through the same gate as pulls. */
final class RegistryPaths implements Registries {
    private final Workshop workshop;

    RegistryPaths(Workshop workshop) {
        this.workshop = workshop;
    }

    @Override
    public String login(String host, Credentials credentials) throws DriverException {
        for (RegistryBackend backend : workshop.registry.serving()) {
            Optional<RegistryBackend.Registries> registries = backend.capability(RegistryBackend.Registries.class);
            if (registries.isPresent()) {
                return workshop.registry.use(
                        backend.name(),
                        b -> b.capability(RegistryBackend.Registries.class)
                                .orElse(registries.get())
                                .login(host, credentials));
            }
        }
        throw DriverException.failure(
                Failure.Kind.UNSUPPORTED, "no registry backend here knows of logins; see wharf driver ls");
    }

    @Override
    public <R> R open(Repository repository, Credentials credentials, RemoteUse<R> use)
            throws DriverException, IOException {
        return workshop.registry(repository, backend -> {
                    Remote remote = backend.open(repository, credentials);
                    return OwnWork.of(() -> {
                        try (remote) {
                            return use.with(remote);
                        }
                    });
                })
                .get();
    }

    @Override
    public List<Route> routes() {
        return workshop.routes.all();
    }

    @Override
    public Manners manners() {
        List<String> insecure = new ArrayList<>();
        Map<String, List<String>> mirrors = new TreeMap<>();
        for (RegistryBackend backend : workshop.registry.serving()) {
            backend.capability(RegistryBackend.Registries.class).ifPresent(r -> {
                insecure.addAll(r.manners().insecure());
                mirrors.putAll(r.manners().mirrors());
            });
        }
        return new Manners(insecure, mirrors);
    }
}
