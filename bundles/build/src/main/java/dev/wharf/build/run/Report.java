package dev.wharf.build.run;

import dev.wharf.model.ImageId;

/** What a build tells whoever asked for it. May be called from any thread; may block while the client is slow. */
public interface Report {
    /** A piece of the output. */
    void stream(String text);

    /** News of a pull. */
    void status(String status, String id);

    /** The image that came of it. */
    void image(ImageId id);
}
