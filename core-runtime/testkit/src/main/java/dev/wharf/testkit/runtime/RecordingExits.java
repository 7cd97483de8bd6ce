package dev.wharf.testkit.runtime;

import dev.wharf.model.ContainerId;
import dev.wharf.model.ExecId;
import dev.wharf.model.Exit;
import dev.wharf.model.InitProcess;
import dev.wharf.spi.runtime.OciRuntime.ExitListener;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** Remembers exits, and lets a test wait for them. */
public final class RecordingExits implements ExitListener {
    private static final long PATIENCE_SECONDS = 20;

    private final Map<ContainerId, Exit> exits = new HashMap<>();
    private final Map<ContainerId, InitProcess> processes = new HashMap<>();
    private final Map<ExecId, Integer> execs = new HashMap<>();
    private final List<ContainerId> outOfMemory = new ArrayList<>();
    private final List<String> threads = new ArrayList<>();

    @Override
    public synchronized void exited(ContainerId container, InitProcess process, Exit exit) {
        exits.put(container, exit);
        processes.put(container, process);
        threads.add(Thread.currentThread().getName());
        notifyAll();
    }

    @Override
    public synchronized void execExited(ContainerId container, ExecId exec, int code) {
        execs.put(exec, code);
        threads.add(Thread.currentThread().getName());
        notifyAll();
    }

    @Override
    public synchronized void outOfMemory(ContainerId container) {
        outOfMemory.add(container);
        notifyAll();
    }

    /** The exit of a container; fails where it does not come. */
    public synchronized Exit await(ContainerId container) throws InterruptedException {
        return await(exits, container);
    }

    /** The exit code of an exec; fails where it does not come. */
    public synchronized int await(ExecId exec) throws InterruptedException {
        return await(execs, exec);
    }

    private <K, V> V await(Map<K, V> map, K key) throws InterruptedException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
        V value = map.get(key);
        while (value == null) {
            long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
            if (left <= 0) {
                throw new AssertionError("no exit of " + key + " within " + PATIENCE_SECONDS + " s");
            }
            wait(left);
            value = map.get(key);
        }
        return value;
    }

    public synchronized InitProcess process(ContainerId container) {
        return Objects.requireNonNull(processes.get(container), () -> "no process of " + container + " was told");
    }

    public synchronized boolean has(ContainerId container) {
        return exits.containsKey(container);
    }

    public synchronized boolean ranOutOfMemory(ContainerId container) {
        return outOfMemory.contains(container);
    }

    /** The names of the threads that told. */
    public synchronized List<String> threads() {
        return List.copyOf(threads);
    }
}
