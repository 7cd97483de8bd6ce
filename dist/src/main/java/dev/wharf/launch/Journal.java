package dev.wharf.launch;

import dev.wharf.launch.log.Logs;
import java.util.Map;
import java.util.function.Predicate;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.util.tracker.ServiceTracker;

/**
 * Where the log of a service goes: once there is a bundle that speaks with journald, by it, and before and after that through
 * standard error. It offers a predicate of maps with {@code wharf.takes=log}, for the launcher knows no type of its.
 */
final class Journal {
    private Journal() {}

    /** Leads the log there while such a bundle lives, where standard error is journald's. */
    static void follow(BundleContext context) {
        if (!Logs.isUnderJournald()) return;
        tracker(context).open();
    }

    @SuppressWarnings({"rawtypes", "unchecked"})
    private static ServiceTracker<Predicate, Predicate> tracker(BundleContext context) {
        return new ServiceTracker<>(context, filter(), null) {
            @Override
            public Predicate addingService(ServiceReference<Predicate> reference) {
                Predicate<Map<String, String>> takes = super.addingService(reference);
                if (takes != null) Logs.setJournal(takes);
                return takes;
            }

            @Override
            public void removedService(ServiceReference<Predicate> reference, Predicate takes) {
                Logs.setJournal(entry -> false);
                super.removedService(reference, takes);
            }
        };
    }

    private static Filter filter() {
        try {
            return FrameworkUtil.createFilter("(&(objectClass=java.util.function.Predicate)(wharf.takes=log))");
        } catch (InvalidSyntaxException e) {
            throw new IllegalStateException(e);
        }
    }
}
