package dev.wharf.model;

import java.util.Map;

/** A volume that services use. It stays when nobody wants it any more, for what is in it. */
public record DesiredVolume(VolumeName name, Map<String, String> options) {
    public DesiredVolume {
        options = Checks.copy(options);
    }
}
