package dev.wharf.model;

import java.util.Map;

/**
 * What a volume is.
 *
 * @param driver {@code local} is the only one built in
 * @param options {@code type}, {@code device}, {@code o} of the local driver
 * @param anonymous whether a container made it for itself
 */
public record VolumeSpec(
        VolumeName name,
        DriverName driver,
        Map<String, String> options,
        Map<String, String> labels,
        boolean anonymous) {
    public static final DriverName LOCAL = new DriverName("local");

    public VolumeSpec {
        options = Checks.copy(options);
        labels = Checks.copy(labels);
    }

    /** Whether something is mounted at its directory while it is used. */
    public boolean hasDevice() {
        return options.containsKey("type") || options.containsKey("device");
    }
}
