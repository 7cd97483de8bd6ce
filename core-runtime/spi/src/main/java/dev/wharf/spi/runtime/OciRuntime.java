package dev.wharf.spi.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.model.Resources;
import dev.wharf.model.Signal;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Runs containers from OCI bundles. A small monitor process per container holds its streams and writes its exit status to a
 * file, so a container outlives the daemon and no exit is lost while nobody listens.
 */
@ConsumerType
public interface OciRuntime extends Driver {
    /**
     * Makes the container's namespaces, cgroup and first process, which waits to be started. Streams that were attached
     * before are in place when the call returns. INVALID where the specification asks for something the image has not.
     */
    InitProcess create(RuntimeSpec spec) throws DriverException;

    /**
     * Lets the first process run. The message of a failure holds the runtime's own words, such as {@code executable file
     * not found}, because clients read exit codes 126 and 127 from them.
     */
    InitProcess start(ContainerId container) throws DriverException;

    /** Sends a signal to the first process; MISSING where it has ended. */
    void signal(ContainerId container, Signal signal) throws DriverException;

    /** Kills what is left of the container and removes cgroup, runtime state and monitor; logs stay. */
    void delete(ContainerId container) throws DriverException;

    /** Removes what outlives {@link #delete}: log, hosts, hostname and resolv.conf files. */
    void forget(ContainerId container) throws DriverException;

    /** Tells of each exit at least once, those first that happened while nobody listened. Returns at once. */
    AutoCloseable exits(ExitListener listener);

    /** Every container of ours that the runtime or a monitor knows now. */
    List<Found> survey() throws DriverException;

    /**
     * What a survey found: a container, its process if one lives or its end is about to be told, since when that runs if it
     * was started, and its exit if that was written.
     */
    record Found(
            ContainerId container, Optional<InitProcess> process, Optional<Instant> startedAt, Optional<Exit> exit) {
        /** Whether the process was let run. */
        public boolean started() {
            return startedAt.isPresent();
        }
    }

    /** Hears of exits. Calls come from one thread and must return soon. */
    interface ExitListener {
        void exited(ContainerId container, InitProcess process, Exit exit);

        void execExited(ContainerId container, ExecId exec, int code);

        /** The kernel ended a process of the container because memory ran out; the container may live on. */
        void outOfMemory(ContainerId container);
    }

    /** Pauses and resumes. */
    interface Freezing extends Capability {
        void freeze(ContainerId container) throws DriverException;

        void thaw(ContainerId container) throws DriverException;

        /** Whether a running container is frozen now. */
        boolean isFrozen(ContainerId container) throws DriverException;
    }

    /** Tells a running container where it is now. */
    interface Addressing extends Capability {
        /**
         * Changes hosts(5) and resolv.conf(5) from what {@code before} made them to what {@code after} would. What somebody
         * inside wrote there stays; repeating it changes nothing.
         */
        void readdress(RuntimeSpec.Whereabouts before, RuntimeSpec.Whereabouts after) throws DriverException;
    }

    /** Lays what is in every container's files before anything runs in it, for those who look at one that never ran. */
    interface Grounding extends Capability {
        /** Makes what is missing below {@code rootfs}, where nothing runs; what is there stays, and so does what cannot be. */
        void ground(Path rootfs) throws DriverException;
    }

    /** Changes limits of a running container. */
    interface Limiting extends Capability {
        void limit(ContainerId container, Resources resources) throws DriverException;
    }

    /** Runs further commands inside a running container. */
    interface Executing extends Capability {
        /** Starts the command and answers with its pid; streams attached before are in place. Not repeatable. */
        int exec(ContainerId container, ExecId exec, ExecSpec spec) throws DriverException;

        /** Kills the command of an exec, but not what it started; one that has ended is fine. */
        void kill(ContainerId container, ExecId exec) throws DriverException;
    }

    /** Reads counters. */
    interface Measuring extends Capability {
        Measure measure(ContainerId container) throws DriverException;

        /** A few of them, quickly. */
        default Counters counters(ContainerId container) throws DriverException {
            return measure(container).counters();
        }

        /** The pids of every process of the container, as the host sees them. */
        List<Integer> processes(ContainerId container) throws DriverException;
    }

    /** Holds streams of containers and execs. */
    interface Streaming extends Capability {
        /**
         * Joins the streams of a container, or of one exec in it. Before the process exists the call waits in line, without
         * a thread, and is in place before the process runs; {@code sink} hears every byte from then on.
         */
        Attachment attach(ContainerId container, Optional<ExecId> exec, StreamSink sink) throws DriverException;

        /** Sets the terminal's size; MISSING before the process runs. */
        void resize(ContainerId container, Optional<ExecId> exec, int rows, int columns) throws DriverException;

        /** What the container wrote, oldest first. */
        LogCursor logs(ContainerId container, LogQuery query) throws DriverException;

        /** The log's file, for people and for its size. */
        Path logFile(ContainerId container);
    }
}
