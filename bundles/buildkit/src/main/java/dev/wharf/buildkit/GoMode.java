package dev.wharf.buildkit;

/** Kinds of files and permissions as Go has them in one number (io/fs.FileMode), which fsutil sends. */
final class GoMode {
    static final int DIRECTORY = 1 << 31;
    static final int LINK = 1 << 27;
    static final int DEVICE = 1 << 26;
    static final int PIPE = 1 << 25;
    static final int SOCKET = 1 << 24;
    private static final int SET_UID = 1 << 23;
    private static final int SET_GID = 1 << 22;
    private static final int STICKY = 1 << 20;

    private GoMode() {}

    /** The twelve permission bits of a mode of Go's. */
    static int permissions(int mode) {
        return (mode & 0777)
                | ((mode & SET_UID) != 0 ? 04000 : 0)
                | ((mode & SET_GID) != 0 ? 02000 : 0)
                | ((mode & STICKY) != 0 ? 01000 : 0);
    }

    /** The same the other way. */
    static int of(int permissions) {
        return (permissions & 0777)
                | ((permissions & 04000) != 0 ? SET_UID : 0)
                | ((permissions & 02000) != 0 ? SET_GID : 0)
                | ((permissions & 01000) != 0 ? STICKY : 0);
    }
}
