package dev.wharf.network.cni;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.network.cni}. */
@ObjectClassDefinition(
        name = "Networks by CNI plugins",
        description = "Changed live; networks that there are keep the list that they were made from.")
@interface CniSettings {
    @AttributeDefinition(description = "The folder of network configuration lists")
    String lists() default CniComponent.LISTS;

    @AttributeDefinition(description = "The folders of plugins, in order, separated by colons")
    String plugins() default CniComponent.PROGRAMS;
}
