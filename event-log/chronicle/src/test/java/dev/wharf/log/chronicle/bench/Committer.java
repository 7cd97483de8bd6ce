package dev.wharf.log.chronicle.bench;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Batch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Commits as the house does: one appends at a time, and a thread of its own forces whatever was appended meanwhile and then
 * answers all who wait for it.
 */
final class Committer implements AutoCloseable {
    private final EventJournal journal;
    private final boolean always;
    private final Thread thread = new Thread(this::run, "committer");
    private List<CountDownLatch> waiting = new ArrayList<>();
    private boolean closed;

    Committer(EventJournal journal, boolean always) {
        this.journal = journal;
        this.always = always;
        thread.start();
    }

    void commit(Batch batch) throws IOException, InterruptedException {
        CountDownLatch acknowledged = new CountDownLatch(1);
        synchronized (journal) {
            journal.append(batch);
            synchronized (this) {
                waiting.add(acknowledged);
                notifyAll();
            }
        }
        acknowledged.await();
    }

    private void run() {
        try {
            while (true) {
                List<CountDownLatch> ready;
                synchronized (this) {
                    while (waiting.isEmpty() && !closed) {
                        wait();
                    }
                    if (waiting.isEmpty()) {
                        return;
                    }
                    ready = waiting;
                    waiting = new ArrayList<>();
                }
                if (always) {
                    journal.sync();
                }
                ready.forEach(CountDownLatch::countDown);
            }
        } catch (IOException | InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public void close() throws InterruptedException {
        synchronized (this) {
            closed = true;
            notifyAll();
        }
        thread.join();
    }
}
