package dev.wharf.engine.archive;

import dev.wharf.model.ContainerId;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/** Has what is done to one container wait for its turn, first come, first served. Keeps nothing of a container that rests. */
final class Turns {
    private final Map<ContainerId, Queue> queues = new HashMap<>();

    /** What is done in its turn. */
    interface Work {
        void run() throws IOException;
    }

    private static final class Queue {
        final ReentrantLock lock = new ReentrantLock(true);
        /** Who waits and who is at it. Guarded by the map. */
        int members;
    }

    void take(ContainerId container, Work work) throws IOException {
        Queue queue = enter(container);
        queue.lock.lock();
        try {
            work.run();
        } finally {
            queue.lock.unlock();
            leave(container, queue);
        }
    }

    private Queue enter(ContainerId container) {
        synchronized (queues) {
            Queue queue = queues.computeIfAbsent(container, id -> new Queue());
            queue.members++;
            return queue;
        }
    }

    private void leave(ContainerId container, Queue queue) {
        synchronized (queues) {
            queue.members--;
            if (queue.members == 0) {
                queues.remove(container);
            }
        }
    }
}
