package dev.wharf.testkit.kernel;

/** What the kernel under the tests can be expected to do. */
public final class KernelVersion {
    private KernelVersion() {}

    /** Whether it is of this version or a later one. */
    public static boolean isAtLeast(int major, int minor) {
        String[] version = System.getProperty("os.version").split("[.-]");
        int found = Integer.parseInt(version[0]);
        return found > major || (found == major && Integer.parseInt(version[1]) >= minor);
    }
}
