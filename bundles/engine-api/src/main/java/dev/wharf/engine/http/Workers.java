package dev.wharf.engine.http;

import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * The threads on which a request may block: a few for short tasks, with a bounded line before them, and some for transfers,
 * which may each last as long as a client likes.
 */
public final class Workers implements Executor, AutoCloseable {
    private static final int THREADS = Math.max(4, Runtime.getRuntime().availableProcessors() * 2);
    private static final int LINE = 4096;
    private static final int TRANSFERS = 64;

    private final ThreadPoolExecutor tasks = new ThreadPoolExecutor(
            THREADS, THREADS, 30, TimeUnit.SECONDS, new LinkedBlockingQueue<>(LINE), named("wharf-work-"));
    private final ThreadPoolExecutor transfers =
            new ThreadPoolExecutor(0, TRANSFERS, 10, TimeUnit.SECONDS, new SynchronousQueue<>(), named("wharf-move-"));

    public Workers() {
        tasks.allowCoreThreadTimeOut(true);
    }

    private static ThreadFactory named(String prefix) {
        AtomicInteger count = new AtomicInteger();
        return task -> {
            Thread thread = new Thread(task, prefix + count.incrementAndGet());
            thread.setDaemon(true);
            return thread;
        };
    }

    /** Runs a short task; throws {@link Problem} where the line is full. */
    @Override
    public void execute(Runnable task) {
        hand(tasks, task);
    }

    <T> CompletionStage<T> run(Callable<T> task) {
        return stage(tasks, task);
    }

    <T> CompletionStage<T> transfer(Callable<T> task) {
        return stage(transfers, task);
    }

    private static <T> CompletionStage<T> stage(ThreadPoolExecutor pool, Callable<T> task) {
        CompletableFuture<T> result = new CompletableFuture<>();
        hand(pool, () -> {
            try {
                result.complete(task.call());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    private static void hand(ThreadPoolExecutor pool, Runnable task) {
        try {
            pool.execute(task);
        } catch (RejectedExecutionException e) {
            throw Problem.unavailable("too much is waiting; try again in a moment");
        }
    }

    @Override
    public void close() {
        tasks.shutdownNow();
        transfers.shutdownNow();
    }
}
