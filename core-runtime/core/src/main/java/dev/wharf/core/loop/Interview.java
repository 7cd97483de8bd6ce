package dev.wharf.core.loop;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Asks a driver something on a thread of its own, and no longer than it may take: a driver that hangs or throws keeps nobody
 * but that thread.
 */
final class Interview {
    private Interview() {}

    /** @param what names the question, such as {@code its probe} */
    static <R> R ask(String what, Duration deadline, Callable<R> question) throws DriverException {
        FutureTask<R> answer = new FutureTask<>(question);
        Thread thread = new Thread(answer, "wharf-interview");
        thread.setDaemon(true);
        thread.start();
        try {
            return answer.get(deadline.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            thread.interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, what + " did not answer within " + words(deadline));
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "interrupted while waiting for " + what);
        } catch (ExecutionException e) {
            if (e.getCause() instanceof DriverException told) {
                throw told;
            }
            throw DriverException.failure(Failure.Kind.FAILED, what + " broke: " + e.getCause(), e);
        }
    }

    static String words(Duration duration) {
        return duration.toMillis() % 1000 == 0 ? duration.toSeconds() + " s" : duration.toMillis() + " ms";
    }
}
