package dev.wharf.storage.overlay;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.storage.overlay}. */
@ObjectClassDefinition(
        name = "Storage driver overlay",
        description = "Snapshots as layers of overlayfs. Changed live, for what is mounted from then on.")
@interface OverlaySettings {
    @AttributeDefinition(
            name = "volatile",
            description =
                    "Whether containers write without ever waiting for the disk. After a crash of the host, such a"
                            + " container cannot be started any more")
    boolean volatile$() default false;
}
