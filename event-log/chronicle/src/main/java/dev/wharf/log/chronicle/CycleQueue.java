package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.Envelope;
import java.io.IOException;
import java.nio.file.Path;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.SyncMode;
import net.openhft.chronicle.core.cleaner.CleanerServiceLocator;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.ExcerptTailer;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueue;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;
import net.openhft.chronicle.wire.DocumentContext;

/** An open Chronicle queue, with everything switched off that a log of our own does better or does not want. */
final class CycleQueue implements AutoCloseable {
    static {
        // Read once, when Chronicle's classes load. It would phone home, print a banner and watch the disk with a
        // thread
        // of its own, which can only warn of what we prevent.
        System.setProperty("chronicle.analytics.disable", "true");
        System.setProperty("chronicle.announcer.disable", "true");
        System.setProperty("chronicle.disk.monitor.disable", "true");
    }

    private final SingleChronicleQueue queue;
    private final ExcerptAppender appender;

    private CycleQueue(SingleChronicleQueue queue) {
        this.queue = queue;
        this.appender = queue.createAppender();
        // The journal is opened by one thread and appended to by another; that there is one at a time is seen to.
        appender.singleThreadedCheckDisabled(true);
    }

    static CycleQueue open(Path directory, Cycles clock, int blockBytes) throws IOException {
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        // Chronicle looks its own classes up by name through the thread's loader, which under OSGi is somebody else's.
        thread.setContextClassLoader(CycleQueue.class.getClassLoader());
        try {
            CleanerServiceLocator.cleanerService();
            SingleChronicleQueue queue = SingleChronicleQueueBuilder.binary(directory)
                    .rollCycle(Cycles.ROLL)
                    .timeProvider(clock)
                    .blockSize(blockBytes)
                    // Its own force reports errors to a log and to nobody else, so it is never asked to.
                    .syncMode(SyncMode.NONE)
                    .checkInterrupts(false)
                    .build();
            try {
                // Otherwise it would go through every cycle since the oldest file and mark the end of each.
                queue.tableStorePut("normalisedEOFsTo", clock.cycle());
                return new CycleQueue(queue);
            } catch (RuntimeException | Error e) {
                queue.close();
                throw e;
            }
        } catch (RuntimeException | LinkageError | InternalError e) {
            throw new IOException("Chronicle cannot open " + directory + ": " + e.getMessage(), e);
        } finally {
            thread.setContextClassLoader(before);
        }
    }

    /**
     * Has Chronicle write the header of the current cycle's file, and answers where its first excerpt may begin. Until then
     * the file is all zeros, and whoever opens it waits for a header.
     */
    long begin() {
        try (DocumentContext note = appender.writingDocument(true)) {
            Bytes<?> bytes = note.wire().bytes();
            bytes.writeInt(Envelope.VERSION);
            return bytes.writePosition();
        }
    }

    /** Appends one excerpt and answers where it ends in the file of the current cycle. */
    long append(byte[] record) {
        try (DocumentContext excerpt = appender.writingDocument()) {
            try {
                Bytes<?> bytes = excerpt.wire().bytes();
                bytes.write(record);
                return bytes.writePosition();
            } catch (RuntimeException | Error e) {
                excerpt.rollbackOnClose();
                throw e;
            }
        }
    }

    ExcerptTailer tailer() {
        ExcerptTailer tailer = queue.createTailer();
        tailer.singleThreadedCheckDisabled(true);
        return tailer;
    }

    /** Looks again which files there are. */
    void refresh() {
        queue.refreshDirectoryListing();
    }

    @Override
    public void close() {
        appender.close();
        queue.close();
    }
}
