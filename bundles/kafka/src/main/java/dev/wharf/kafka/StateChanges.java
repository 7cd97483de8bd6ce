package dev.wharf.kafka;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.DesiredEvent;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * What became of each subject between two hosts, whatever events made it so: the event that records it whole, or nothing where
 * it is gone. Hosts share what did not change, so looking costs little.
 */
final class StateChanges {
    /** What states are written as. */
    static final Set<String> TYPES = Set.of(
            "host.recorded",
            "driver.recorded",
            "network.recorded",
            "volume.recorded",
            "layer.recorded",
            "image.recorded",
            "image.pull-recorded",
            "container.recorded",
            "desired.recorded",
            "service.recorded");

    private final Map<SubjectId, Optional<Event>> changes = new LinkedHashMap<>();

    private StateChanges() {}

    static Map<SubjectId, Optional<Event>> between(Host before, Host after) {
        StateChanges found = new StateChanges();
        if (!before.identity().equals(after.identity())) {
            found.changes.put(HostEvent.SELF, Optional.of(new HostEvent.Recorded(after.identity())));
        }
        found.compare(before.drivers(), after.drivers(), DriverEvent.Recorded::new);
        found.compare(before.networks(), after.networks(), NetworkEvent.Recorded::new);
        found.compare(before.volumes(), after.volumes(), VolumeEvent.Recorded::new);
        found.compare(before.layers(), after.layers(), LayerEvent.Recorded::new);
        found.compare(before.images(), after.images(), ImageEvent.Recorded::new);
        found.compare(before.pulls(), after.pulls(), ImageEvent.PullRecorded::new);
        found.compare(before.containers(), after.containers(), ContainerEvent.Recorded::new);
        found.compare(before.documents(), after.documents(), DesiredEvent.Recorded::new);
        found.compare(before.services(), after.services(), DesiredEvent.ServiceRecorded::new);
        return found.changes;
    }

    @SuppressWarnings(
            "ReferenceEquality") // what did not change is the same object, and equality would look all through it
    private <K extends SubjectId, V> void compare(Map<K, V> before, Map<K, V> after, Function<V, Event> recorded) {
        if (before == after) {
            return;
        }
        after.forEach((id, now) -> {
            if (before.get(id) != now) {
                changes.put(id, Optional.of(recorded.apply(now)));
            }
        });
        before.keySet().forEach(id -> {
            if (!after.containsKey(id)) {
                changes.put(id, Optional.empty());
            }
        });
    }
}
