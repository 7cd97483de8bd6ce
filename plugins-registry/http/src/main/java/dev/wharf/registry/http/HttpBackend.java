package dev.wharf.registry.http;

import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import dev.wharf.registry.distribution.Downloads;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Serves OCI layouts that lie as files on web servers and in S3-compatible stores: {@code index.json} and {@code
 * blobs/sha256/...} below an address, read with nothing but GET. It serves the hosts it was given a store for.
 */
public class HttpBackend implements RegistryBackend, AutoCloseable {
    /** The name an operator writes. */
    public static final DriverName NAME = new DriverName("http");

    private final Downloads downloads;
    private volatile Map<String, Store> stores = Map.of();

    /**
     * A backend that serves nothing yet.
     *
     * @param certificates the directory {@code certs.d}, where configuration names no other
     * @param environment what the process was started with, for the names of proxies
     */
    public HttpBackend(Path certificates, Map<String, String> environment) {
        downloads = new Downloads(certificates, environment, Map.of());
    }

    /** Takes other settings, for what is opened from now on. A wrong value changes nothing and is refused. */
    public final void configure(Map<String, Object> configuration) {
        Map<String, Store> other = Store.all(configuration);
        downloads.configure(configuration);
        stores = other;
    }

    @Override
    public DriverName name() {
        return NAME;
    }

    @Override
    public List<Format> formats() {
        return List.of(new Format("static-layout", 1));
    }

    @Override
    public Readiness probe() {
        return Readiness.yes();
    }

    @Override
    public boolean serves(Repository repository) {
        return stores.containsKey(repository.host());
    }

    @Override
    public Remote open(Repository repository, Credentials credentials) throws DriverException {
        Store store = Optional.ofNullable(stores.get(repository.host()))
                .orElseThrow(() -> DriverException.failure(
                        Failure.Kind.MISSING,
                        "registry backend http has no store for " + repository.familiar() + "; stores."
                                + repository.host() + " in dev.wharf.registry.http.cfg names one"));
        Optional<Keys> keys = store.keys().isEmpty()
                ? Optional.empty()
                : Optional.of(Keys.read(store.keys().get()));
        return new HttpRemote(downloads, repository, store, keys);
    }

    /** Lets go of every connection. */
    @Override
    public void close() {
        downloads.close();
    }
}
