package dev.wharf.build.run;

import dev.wharf.model.ImageId;

/** What a build tells whoever asked for it. May be called from any thread; may block while the client is slow. */
public interface Report {
    /** A piece of the output, as the classic builder words it; of one stage after the other. */
    void stream(String text);

    /** News of a pull. */
    void status(String status, String id);

    /** The image that came of it. */
    void image(ImageId id);

    /** The same as the output and more, step by step and at once. */
    default void news(News news) {}
}
