package dev.wharf.spi;

import dev.wharf.model.DriverName;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * What every driver promises. A driver keeps no truth in memory: what it makes lives in the kernel or on disk, under keys
 * its caller chose, so another driver that reads the same formats can carry on where this one stopped. Every call may be
 * repeated: asking for what exists returns it, and removing what is gone succeeds. Calls come from many threads at once.
 */
@ConsumerType
public interface Driver {
    /** The name an operator writes, such as {@code overlay}. */
    DriverName name();

    /** The on-disk or kernel formats this driver understands; it writes the first. */
    List<Format> formats();

    /** Looks at the host: can this driver work here, and if not, what is missing? */
    Readiness probe();

    /** An optional ability, asked for by its interface. Drivers grow by capabilities. */
    default <C extends Capability> Optional<C> capability(Class<C> kind) {
        return kind.isInstance(this) ? Optional.of(kind.cast(this)) : Optional.empty();
    }

    /** An ability that not every driver has. */
    interface Capability {}

    /** Checks its settings further than their description can: an address, a list, a file of keys. */
    interface Configured extends Capability {
        /** Settings that do not count, each with the reason and what counts instead; empty where all of them do. */
        List<String> refused();
    }

    /** A name and a version of what lies on disk or in the kernel, such as {@code overlay-tree 1}. */
    record Format(String name, int version) {
        @Override
        public String toString() {
            return name + " " + version;
        }
    }

    /** Whether a driver can work on this host, and why not or how. */
    record Readiness(boolean ready, String why) {
        public static Readiness yes() {
            return new Readiness(true, "");
        }

        public static Readiness no(String why) {
            return new Readiness(false, why);
        }
    }
}
