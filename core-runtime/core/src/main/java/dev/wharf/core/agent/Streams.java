package dev.wharf.core.agent;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.FileChange;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.runtime.Attachment;
import dev.wharf.spi.runtime.Counters;
import dev.wharf.spi.runtime.LogCursor;
import dev.wharf.spi.runtime.LogQuery;
import dev.wharf.spi.runtime.Measure;
import dev.wharf.spi.runtime.StreamSink;
import dev.wharf.spi.storage.Usage;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * Bytes and counters, which are data and not facts and therefore flow past the journal. Calls may block for as long as the
 * driver does, so fronts make them from a worker thread; {@link #attach} and {@link #logs} return at once.
 */
public interface Streams {
    /** Joins a container's streams, or those of an exec in it; see {@code OciRuntime.Streaming}. */
    Attachment attach(ContainerId container, Optional<ExecId> exec, StreamSink sink) throws DriverException;

    void resize(ContainerId container, Optional<ExecId> exec, int rows, int columns) throws DriverException;

    LogCursor logs(ContainerId container, LogQuery query) throws DriverException;

    Path logFile(ContainerId container) throws DriverException;

    Measure measure(ContainerId container) throws DriverException;

    /** The few numbers that charts draw, as they were within the last moment: consoles ask for one after the other. */
    Counters counters(ContainerId container) throws DriverException;

    /** Pids of every process of a container, as the host sees them. */
    List<Integer> processes(ContainerId container) throws DriverException;

    /**
     * The space a container's own changes take. UNAVAILABLE at once where its storage driver is away: who asks asks of many, and
     * can do without.
     */
    Usage usage(ContainerId container) throws DriverException;

    Usage usage(LayerId layer) throws DriverException;

    /** Returns when a container's storage driver serves; UNAVAILABLE where none comes. */
    void awaitStorage(ContainerId container) throws DriverException;

    /** The directory of a volume that is ready. */
    Path volume(VolumeName volume) throws DriverException;

    /** The content store, for loads and saves. */
    ContentStore content() throws DriverException;

    /** Safe calls on container file systems, for archives. */
    FileCalls files() throws DriverException;

    /**
     * The container's root file system at a directory, mounted for the length of {@code use} where it is not mounted now.
     */
    <R> R rootfs(ContainerId container, RootfsUse<R> use) throws DriverException, java.io.IOException;

    /** The same, with what the runtime lays in the files of every container before anything runs in it. */
    <R> R grounded(ContainerId container, RootfsUse<R> use) throws DriverException, java.io.IOException;

    /** The paths that a container changed. */
    List<FileChange> changes(ContainerId container) throws DriverException;

    /** A container's changes as an uncompressed OCI layer tar, open for the length of {@code use}. */
    <R> R layer(ContainerId container, LayerUse<R> use) throws DriverException, java.io.IOException;

    /**
     * Makes what a container changed the snapshot of a layer, instead of unpacking the layer's blob later; the container has no
     * files then, and is good for nothing but removal. Whether that was done: where it was not, for whatever reason, nothing
     * changed and the layer is unpacked as any other.
     *
     * @param layer of the very tar that {@link #layer} gave, but for what is at {@code surplus}
     * @param surplus names in that tar, each directory after what is in it
     */
    boolean adopt(ContainerId container, LayerSpec layer, List<String> surplus)
            throws DriverException, java.io.IOException;

    /** What a layer changes as its storage driver keeps it, as an uncompressed OCI layer tar, open for the length of {@code use}. */
    <R> R layer(LayerId layer, LayerUse<R> use) throws DriverException, java.io.IOException;

    /** Something to do with a layer tar. */
    interface LayerUse<R> {
        R with(InputStream tar) throws DriverException, java.io.IOException;
    }

    /** Something to do with a root file system. */
    interface RootfsUse<R> {
        R at(Path rootfs) throws DriverException, java.io.IOException;
    }
}
