package dev.wharf.core.loop;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.network.NetworkDriver;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hears of what other programs take from the networks of a driver. A short while after the last of a burst they are looked at:
 * whoever flushes rules has mostly more to do, and would flush again what came back too soon.
 */
final class NetworkWatch implements NetworkDriver.Listener, AutoCloseable {
    private static final Logger log = LoggerFactory.getLogger(NetworkWatch.class);

    /** How long nothing more has to be taken from networks before they are looked at. */
    private static final Duration LULL = Duration.ofMillis(100);

    private final Rounds rounds;
    private final CountDownLatch begin;
    private final AutoCloseable ear;
    private final Semaphore more = new Semaphore(0);
    private volatile boolean rules;
    private volatile boolean over;

    /** @param begin opens when networks may be looked at */
    NetworkWatch(NetworkDriver.Watching driver, Rounds rounds, CountDownLatch begin) throws DriverException {
        this.rounds = rounds;
        this.begin = begin;
        ear = driver.watch(this);
        Thread watcher = new Thread(this::attend, "wharf-network-watch");
        watcher.setDaemon(true);
        watcher.start();
    }

    @Override
    public void rulesLost() {
        rules = true;
        more.release();
    }

    @Override
    public void deviceLost() {
        more.release();
    }

    private void attend() {
        try {
            begin.await();
            while (!over) {
                more.acquire();
                while (more.tryAcquire(LULL.toMillis(), TimeUnit.MILLISECONDS)) {
                    more.drainPermits();
                }
                boolean sure = rules;
                rules = false;
                if (!over) {
                    log.debug("something was taken from networks by another program rules={}", sure);
                    rounds.compareNetworks(sure);
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (RuntimeException e) {
            log.error("the watch over networks broke", e);
        }
    }

    @Override
    public void close() {
        over = true;
        more.release();
        try {
            ear.close();
        } catch (Exception e) {
            log.debug("watch not closed", e);
        }
    }
}
