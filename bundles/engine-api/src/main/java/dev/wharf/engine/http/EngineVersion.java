package dev.wharf.engine.http;

/**
 * What Wharf calls itself. Clients read the engine's version as one of Docker's line, and some refuse what is not, so the one
 * whose API Wharf serves is told where they look, and Wharf's own beside it.
 */
public final class EngineVersion {
    /** The engine whose newest API version is the one served here. */
    public static final String COMPATIBLE = "28.3.3";

    /** Clients read a time here; every build of one commit is the same, so it is the one of its archives. */
    public static final String BUILT = "2026-01-01T00:00:00.000000000+00:00";

    private EngineVersion() {}

    /** Wharf's own version, from its bundle's manifest. */
    public static String wharf() {
        String version = EngineVersion.class.getPackage().getImplementationVersion();
        return version == null ? "0.1.0" : version;
    }
}
