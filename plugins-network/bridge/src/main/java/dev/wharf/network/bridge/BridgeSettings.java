package dev.wharf.network.bridge;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.network.bridge}. */
@ObjectClassDefinition(
        name = "Network mode bridge",
        description = "Networks of one host. Changed live, for what is attached from then on.")
@interface BridgeSettings {
    @AttributeDefinition(
            description =
                    "Bytes in a packet of networks that say nothing of it themselves, as where the host's own way out"
                            + " is a tunnel; 0 for the kernel's own choice, which is 1500",
            min = "0",
            max = "65535")
    int mtu() default 0;
}
