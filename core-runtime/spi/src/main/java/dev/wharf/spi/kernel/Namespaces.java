package dev.wharf.spi.kernel;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.osgi.annotation.versioning.ProviderType;

/** Work inside another network namespace. */
@ProviderType
public interface Namespaces {
    /**
     * Runs {@code work} on a thread of its own that has joined the namespace (setns(2)) and ends with the work, and answers
     * with its result. Sockets made in there stay in there and may be used from any thread.
     */
    <T> T inNetwork(Path namespace, Callable<T> work) throws Exception;
}
