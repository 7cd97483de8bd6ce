package dev.wharf.core.plan;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Digest;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.content.ContentStore;
import java.time.Instant;
import java.util.Optional;

/** The effects on the host as a whole. */
public sealed interface HostStep extends Step {
    @Override
    default SubjectId subject() {
        return HostEvent.SELF;
    }

    /** Moves a damaged blob out of the way. It is read again first, for a pull may have brought it anew meanwhile. */
    record SetAside(Damage damage) implements HostStep {
        static String rung(Digest blob) {
            return "blob:" + blob;
        }

        @Override
        public String rung() {
            return rung(damage.blob());
        }

        /** Its wish is durable before: a blob that is gone and that nobody misses would never come again. */
        @Override
        public boolean destroys() {
            return true;
        }

        @Override
        public Event run(Drivers drivers) throws DriverException {
            ContentStore content = drivers.content();
            Optional<String> wrong = content.setAside(damage.blob());
            boolean whole = wrong.isEmpty() && content.size(damage.blob()).isPresent();
            return whole
                    ? new HostEvent.BlobCleared(damage.blob(), "it is whole")
                    : new HostEvent.BlobSetAside(damage.blob(), damage.what(), damage.at());
        }

        @Override
        public Event failed(Failure failure, Instant now) {
            int tries = damage.stall().map(Stall::tries).orElse(0);
            return new HostEvent.BlobStalled(
                    damage.blob(), new Stall(rung(), failure, now.plus(BackOff.after(tries)), tries + 1));
        }
    }
}
