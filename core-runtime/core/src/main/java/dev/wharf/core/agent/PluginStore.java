package dev.wharf.core.agent;

/** Keeps the bundles that drivers came in, those replaced as well. */
public interface PluginStore {
    /**
     * Brings an implementation back that was replaced.
     *
     * @param lasting whether it replaces the file in the plugins folder, so that it is there after a restart, too
     * @return whether it is kept here; it arrives as any other does, a moment later
     */
    boolean bringBack(String implementation, boolean lasting);
}
