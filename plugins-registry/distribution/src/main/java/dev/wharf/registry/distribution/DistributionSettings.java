package dev.wharf.registry.distribution;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.registry.distribution}. An underscore here is a dot there, {@code HOST} any host. */
@ObjectClassDefinition(
        name = "Registry backend distribution",
        description =
                "Pulls from and pushes to registries. Changed live; what is under way ends under the settings before.")
@interface DistributionSettings {
    @AttributeDefinition(
            description = "Registries that may be spoken to without a valid certificate or in plain HTTP: host,"
                    + " host:port or address/bits, separated by commas; this machine itself always is one")
    String insecure() default "";

    @AttributeDefinition(
            description = "Addresses to ask before the registry HOST, in order, such as https://mirror:5000")
    String mirrors_HOST() default "";

    @AttributeDefinition(
            description = "Other sites that may learn the credentials for the registry HOST to make a token")
    String realms_HOST() default "";

    @AttributeDefinition(
            description =
                    "A folder with a folder of certificates for each registry; certs.d beside the settings if empty")
    String certificates() default "";

    @AttributeDefinition(description = "Seconds that a connection may take to come", min = "1", max = "3600")
    int timeout_connect() default 15;

    @AttributeDefinition(description = "Seconds that a registry may be silent", min = "1", max = "86400")
    int timeout_idle() default 60;
}
