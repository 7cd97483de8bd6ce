package dev.wharf.core.plan;

import dev.wharf.model.ContainerId;
import dev.wharf.model.DriverName;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.LayerId;
import dev.wharf.model.Progress;
import dev.wharf.model.PullId;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.network.NetworkDriver;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import dev.wharf.spi.runtime.OciRuntime;
import dev.wharf.spi.storage.StorageDriver;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Everything a step is given to work with. */
public interface Drivers {
    Gate<StorageDriver> storage();

    Gate<NetworkDriver> network();

    Gate<OciRuntime> runtime();

    /** The registry backend that the routes choose for a repository, for the length of one call. */
    default <R> R registry(Repository repository, Gate.Use<RegistryBackend, R> use) throws DriverException {
        return registry(repository, Optional.empty(), use);
    }

    /** The same, but {@code preferred} where it is there. */
    <R> R registry(Repository repository, Optional<DriverName> preferred, Gate.Use<RegistryBackend, R> use)
            throws DriverException;

    Kernel kernel() throws DriverException;

    ContentStore content() throws DriverException;

    /** Who to be for a pull; anonymous where nobody said, as after a restart of the agent. */
    Credentials credentials(PullId pull);

    /** Whether anybody still wants a layer; a transfer that nobody wants breaks off. */
    boolean isWanted(LayerId layer);

    /** Whether the client of a push is still there; a push whose client went away breaks off. */
    boolean isWanted(PullId push);

    /** A part of a step's work. */
    interface Part {
        void run() throws DriverException;
    }

    /** Does parts of a step's work side by side; after the first that fails no other is begun, and those that were are ended. */
    void sideBySide(List<Part> parts) throws DriverException;

    /**
     * Runs a command inside a container, and waits for its end. One that does not end in time is killed.
     *
     * @return its exit code, or -1 where it did not end in time, and the beginning of what it wrote
     */
    Answer ask(ContainerId container, DriverName runtime, ExecId exec, ExecSpec spec, Duration patience)
            throws DriverException;

    /** What a command inside a container answered. */
    record Answer(int code, String output) {}

    /** Waits a moment for what the process counts on that is about to run, and that is no part of the plan. */
    default void attend(ContainerId container) {}

    /** Tells whoever watches the pull how far it is; never waits. */
    void progress(PullId pull, Progress progress);

    /** The time, for the events that steps make. */
    Instant now();
}
