package dev.wharf.network.vxlan;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.network.peers}. An underscore here is a dot there, {@code HOST} a host's number. */
@ObjectClassDefinition(
        name = "Hosts that share overlay networks",
        description = "The same on every host. Changed live: tunnels lead to who is written down.")
@interface PeersSettings {
    @AttributeDefinition(
            description = "The address of the host with that number, 0 or more and its own for life, and then its name")
    String host_HOST() default "";

    @AttributeDefinition(
            description =
                    "The public key of the host with that number, as its wireguard.pub has it; without one it is left"
                            + " out of encrypted networks")
    String key_HOST() default "";
}
