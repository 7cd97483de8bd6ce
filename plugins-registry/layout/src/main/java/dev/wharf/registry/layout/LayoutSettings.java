package dev.wharf.registry.layout;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.registry.layout}. */
@ObjectClassDefinition(
        name = "Registry backend layout",
        description =
                "Serves OCI layouts on disk. Changed live; calls that are on their way end under the settings before.")
@interface LayoutSettings {
    @AttributeDefinition(
            description = "A folder whose HOST/PATH folders are OCI layouts, served as images HOST/PATH; layouts in the"
                    + " data root if empty")
    String root() default "";

    @AttributeDefinition(description = "Hosts that are served from there alone, separated by commas")
    String hosts() default "";
}
