package dev.wharf.core.event;

import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import dev.wharf.spi.Failure;
import java.util.List;
import java.util.Optional;

/** Something that happened. An event is never refused: by the time it is applied, it is so. */
public sealed interface Event
        permits BuildEvent,
                ContainerEvent,
                DesiredEvent,
                ImageEvent,
                LayerEvent,
                StorageEvent,
                NetworkEvent,
                VolumeEvent,
                DriverEvent,
                HostEvent {
    SubjectId subject();

    /** The host as it is after this event; pure, total, and the only place where state changes. */
    Host apply(Host host);

    /** Why this event is bad news for whoever waits for it; empty for all but failures. */
    default Optional<Failure> trouble() {
        return Optional.empty();
    }

    /** Other subjects whose plans may now have something to do; {@code host} is as it was before. */
    default List<SubjectId> touches(Host host) {
        return List.of();
    }
}
