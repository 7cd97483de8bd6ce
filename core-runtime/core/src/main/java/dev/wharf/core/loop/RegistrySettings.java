package dev.wharf.core.loop;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** The settings of PID {@code dev.wharf.registries}. */
@ObjectClassDefinition(
        name = "Registries",
        description =
                "Which registry backend serves which repository. Changed live; a pull that is under way ends with the"
                        + " backend it began with.")
@interface RegistrySettings {
    @AttributeDefinition(
            description =
                    "Routes in order, separated by commas: a pattern of repositories, in which * stands for anything"
                            + " within a part and ** for anything, and the backends it leads to, as in"
                            + " registry.example/team/* archive distribution. The first route that fits counts, and of its"
                            + " backends the first that has the repository, or else the last. Where no route fits, every"
                            + " backend is asked by its rank")
    String routes() default "";
}
