package dev.wharf.network.vxlan;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.network.vxlan}. */
@ObjectClassDefinition(
        name = "Network mode overlay",
        description = "Networks over several hosts, by VXLAN. Changed live, for networks that are made from then on.")
@interface OverlaySettings {
    @AttributeDefinition(
            description = "The UDP port of tunnels, the same on every host; of a network of its own by the option"
                    + " dev.wharf.overlay.port",
            min = "1024",
            max = "49151")
    int port() default 4789;

    @AttributeDefinition(
            description = "The UDP port of WireGuard, by which hosts carry encrypted networks, the same on every host;"
                    + " changed at once",
            min = "1",
            max = "65535")
    int wireguard_port() default 51830;
}
