package dev.wharf.registry.archive;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.registry.archive}. */
@ObjectClassDefinition(
        name = "Registry backend archive",
        description =
                "Serves archives of images, Docker's and OCI's, plain or packed by gzip, zstd, bzip2 or xz, to those"
                        + " who pull. Changed live; pulls that are on their way end under the settings before.")
@interface ArchiveSettings {
    @AttributeDefinition(
            description =
                    "A folder of archives, in folders of their own if one likes; archives in the data root if empty."
                            + " An image without a name is called after its file")
    String root() default "";
}
