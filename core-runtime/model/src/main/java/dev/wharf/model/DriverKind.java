package dev.wharf.model;

/** What a driver is for. */
public enum DriverKind {
    STORAGE,
    NETWORK,
    REGISTRY,
    RUNTIME;

    /** The lower-case word an operator writes. */
    public String word() {
        return name().toLowerCase(java.util.Locale.ROOT);
    }
}
