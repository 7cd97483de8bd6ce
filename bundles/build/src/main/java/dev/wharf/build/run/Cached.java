package dev.wharf.build.run;

import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import java.util.Optional;

/**
 * What a step came to.
 *
 * @param told its line of the history
 * @param at when it was done
 * @param layer what it changed, or empty
 * @param holder an image that keeps the layer here
 */
public record Cached(String told, String at, Optional<LayerSpec> layer, Optional<ImageId> holder) {}
