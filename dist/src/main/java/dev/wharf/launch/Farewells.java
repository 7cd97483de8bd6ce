package dev.wharf.launch;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.SynchronousBundleListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Says at debug which bundles take their time to leave: an agent that is replaced is missed for as long. */
final class Farewells implements SynchronousBundleListener {
    private static final long WORTH_TELLING_MILLIS = 20;

    private final Map<Long, Long> since = new ConcurrentHashMap<>();

    @Override
    public void bundleChanged(BundleEvent event) {
        long bundle = event.getBundle().getBundleId();
        if (event.getType() == BundleEvent.STOPPING) {
            since.put(bundle, System.nanoTime());
        } else if (event.getType() == BundleEvent.STOPPED) {
            Long begin = since.remove(bundle);
            long millis = begin == null ? 0 : (System.nanoTime() - begin) / 1_000_000;
            if (millis >= WORTH_TELLING_MILLIS) {
                Logger log = LoggerFactory.getLogger("dev.wharf.launch");
                log.debug("bundle stopped bundle={} in={}ms", event.getBundle().getSymbolicName(), millis);
            }
        }
    }
}
