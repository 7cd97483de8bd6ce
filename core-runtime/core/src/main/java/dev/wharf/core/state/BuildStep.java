package dev.wharf.core.state;

import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One step of a build, and what it came to. The step that was done last under a key is what a later build with the same key
 * takes instead of doing it again.
 *
 * @param build the build that did it
 * @param number its place in that build, from 1
 * @param stage the stage's name or number
 * @param instruction as the Dockerfile says it
 * @param key what everything comes to that the step depends on
 * @param cached whether it was taken and not done
 * @param told its line of the image's history
 * @param created the time that the history tells
 * @param layer what it changed, or empty
 * @param holder an image that has its layer
 * @param inputs what the key was made of, by name, so that a difference can be named
 */
public record BuildStep(
        String build,
        int number,
        String stage,
        String instruction,
        Digest key,
        boolean cached,
        Duration took,
        long sizeBytes,
        Instant at,
        String told,
        String created,
        Optional<LayerSpec> layer,
        Optional<ImageId> holder,
        Map<String, String> inputs) {
    public BuildStep {
        inputs = inputs == null ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(inputs));
    }
}
