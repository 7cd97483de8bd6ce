package dev.wharf.oci.layer;

/** The names by which a layer tar says that something is gone (OCI image spec, layer, "Whiteouts"). */
final class Whiteouts {
    static final String PREFIX = ".wh.";
    /** In a directory: nothing of what lower layers have in it is left. */
    static final String OPAQUE = ".wh..wh..opq";
    /** Other such names were AUFS's own books and mean nothing here. */
    static final String BOOKS = ".wh..wh.";

    private Whiteouts() {}
}
