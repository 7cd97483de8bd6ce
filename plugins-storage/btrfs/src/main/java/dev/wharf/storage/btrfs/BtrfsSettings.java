package dev.wharf.storage.btrfs;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.storage.btrfs}. */
@ObjectClassDefinition(
        name = "Storage driver btrfs",
        description =
                "Snapshots as subvolumes of btrfs. A change takes effect with the driver made anew, which has to find"
                        + " there what is there now.")
@interface BtrfsSettings {
    @AttributeDefinition(
            description = "A directory on btrfs for the snapshots; storage/btrfs in the data root if empty")
    String root() default "";
}
