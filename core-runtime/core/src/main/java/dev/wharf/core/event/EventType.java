package dev.wharf.core.event;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** The name and version under which an event is stored, so that its class may be renamed freely. Names are never reused. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
public @interface EventType {
    /** Family and past tense, such as {@code container.started}. */
    String value();

    /** Raised by any change but a new optional field. */
    int version() default 1;
}
