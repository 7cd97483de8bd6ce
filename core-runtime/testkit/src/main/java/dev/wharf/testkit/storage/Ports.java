package dev.wharf.testkit.storage;

import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.MountCalls;
import java.util.HashMap;
import java.util.Map;

/** What a storage driver is given to work with: what all of them are, and by its interface what only this one is. */
public record Ports(FileCalls files, Tree tree, MountCalls mounts, Map<Class<?>, Object> others) {
    public Ports {
        others = Map.copyOf(others);
    }

    public Ports(FileCalls files, Tree tree, MountCalls mounts) {
        this(files, tree, mounts, Map.of());
    }

    /** The same with one port more. */
    public <T> Ports and(Class<T> type, T port) {
        Map<Class<?>, Object> more = new HashMap<>(others);
        more.put(type, port);
        return new Ports(files, tree, mounts, more);
    }

    /** A port that was given with {@link #and}. */
    public <T> T other(Class<T> type) {
        Object port = others.get(type);
        if (port == null) {
            throw new IllegalArgumentException("no port " + type.getName() + " was given");
        }
        return type.cast(port);
    }
}
