package dev.wharf.log.codec;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.EventType;
import java.lang.reflect.Modifier;
import java.util.LinkedHashMap;
import java.util.Map;

/** Every event type, found by walking the sealed families, so that there is no list to forget. */
final class EventTypes {
    /** The name and version an event class is stored under. */
    record Stored(Class<? extends Event> type, String name, int version) {}

    private final Map<String, Stored> byName = new LinkedHashMap<>();
    private final Map<Class<?>, Stored> byClass = new LinkedHashMap<>();

    EventTypes() {
        walk(Event.class);
    }

    private void walk(Class<?> family) {
        for (Class<?> member : family.getPermittedSubclasses()) {
            if (member.isSealed()) {
                walk(member);
            } else {
                add(member.asSubclass(Event.class));
            }
        }
    }

    private void add(Class<? extends Event> type) {
        EventType name = type.getAnnotation(EventType.class);
        if (name == null || !type.isRecord() || Modifier.isPrivate(type.getModifiers())) {
            throw new IllegalStateException(type.getName() + " must be a record with @EventType to be stored");
        }
        Stored stored = new Stored(type, name.value(), name.version());
        Stored other = byName.put(stored.name(), stored);
        if (other != null) {
            throw new IllegalStateException("event type " + stored.name() + " stands on " + type.getName() + " and on "
                    + other.type().getName());
        }
        byClass.put(type, stored);
    }

    Map<String, Stored> byName() {
        return byName;
    }

    Stored of(Event event) {
        Stored stored = byClass.get(event.getClass());
        if (stored == null) {
            throw new IllegalArgumentException(event.getClass().getName() + " is not in the catalogue");
        }
        return stored;
    }
}
