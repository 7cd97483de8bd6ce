package dev.wharf.runtime;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.runtime}. */
@ObjectClassDefinition(
        name = "OCI runtime",
        description = "Runs containers. A change takes effect with the driver made anew; what runs goes on.")
@interface RuntimeSettings {
    @AttributeDefinition(description = "The OCI runtime; the first that works of crun, runc and youki if empty")
    String path() default "";

    @AttributeDefinition(description = "The monitor of each container, by name or path")
    String monitor() default "conmon";
}
