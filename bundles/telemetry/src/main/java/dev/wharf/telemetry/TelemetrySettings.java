package dev.wharf.telemetry;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.telemetry}; without any, nothing is traced. An underscore here is a dot there. */
@ObjectClassDefinition(
        name = "Telemetry",
        description = "Sends traces of commands to their effects to an OpenTelemetry collector. Changed live.")
@interface TelemetrySettings {
    @AttributeDefinition(description = "Where the collector takes traces by OTLP over HTTP")
    String endpoint() default "http://127.0.0.1:4318/v1/traces";

    @AttributeDefinition(description = "A file with a header a line, name: value, that the collector wants to see")
    String headers_file() default "";

    @AttributeDefinition(
            description =
                    "Authorities, PEM, one of which must have signed the collector's certificate; the JDK's if empty")
    String authorities() default "";

    @AttributeDefinition(description = "What this service is called there")
    String service_name() default "wharf";

    @AttributeDefinition(
            description =
                    "Which part of the traces that begin here is sent, 0 to 1; those that a client began are its to choose",
            min = "0",
            max = "1")
    double ratio() default 1.0;
}
