package dev.wharf.core.event;

import dev.wharf.core.state.Host;
import dev.wharf.model.SubjectId;
import java.util.List;

/** Something that happened. An event is never refused: by the time it is applied, it is so. */
public sealed interface Event
        permits ContainerEvent, ImageEvent, LayerEvent, NetworkEvent, VolumeEvent, DriverEvent, HostEvent {
    SubjectId subject();

    /** The host as it is after this event; pure, total, and the only place where state changes. */
    Host apply(Host host);

    /** Other subjects whose plans may now have something to do; {@code host} is as it was before. */
    default List<SubjectId> touches(Host host) {
        return List.of();
    }
}
