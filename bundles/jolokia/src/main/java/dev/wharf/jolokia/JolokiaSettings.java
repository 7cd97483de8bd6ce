package dev.wharf.jolokia;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.jolokia}; without any, nothing listens. */
@ObjectClassDefinition(
        name = "Jolokia",
        description = "Serves the MXBeans over HTTP to those who have a password or a certificate. Changed live.")
@interface JolokiaSettings {
    @AttributeDefinition(description = "The address to listen on")
    String address() default "127.0.0.1";

    @AttributeDefinition(description = "The port to listen on; 0 for any that is free")
    int port() default 8778;

    @AttributeDefinition(
            description = "Files with a user's password each, the user being the file's name; may read everything")
    String readers() default "";

    @AttributeDefinition(
            description = "The same for those who may call operations, too; separated by commas, as readers are")
    String operators() default "";

    @AttributeDefinition(description = "The server's certificate and those it was signed by, PEM; plain HTTP if empty")
    String certificate() default "";

    @AttributeDefinition(description = "The key of that certificate, PEM, not encrypted")
    String key() default "";

    @AttributeDefinition(
            description =
                    "Authorities, PEM, one of which must have signed the certificate that every client then has to have")
    String authorities() default "";

    @AttributeDefinition(
            description =
                    "Common names of clients' certificates that may call operations, separated by commas; others may read")
    String certified_operators() default "";

    @AttributeDefinition(
            description = "Origins of pages that browsers may let in, separated by commas, as https://console.example")
    String origins() default "";
}
