package dev.wharf.jmx;

/** One image, as {@code dev.wharf:type=Image,id="sha256:..."}. */
public interface ImageMXBean {
    String getId();

    /** Its names. */
    String[] getReferences();

    long getSizeBytes();

    int getLayers();

    /** RFC 3339. */
    String getStoredAt();

    /** Containers that were made from it. */
    int getContainers();
}
