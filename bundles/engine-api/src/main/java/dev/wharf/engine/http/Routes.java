package dev.wharf.engine.http;

/**
 * The routes of one subject. A part of the API is a class that implements this and stands in the list of
 * {@code EngineApi.routes}.
 */
public interface Routes {
    /** Adds every route of this part. */
    void addTo(Router router);
}
