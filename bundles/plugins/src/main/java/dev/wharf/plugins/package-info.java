/**
 * The plugins folder: bundles that an operator drops in, takes out or replaces while the agent serves, and the ones that were
 * replaced, kept for a way back. Begin with {@link dev.wharf.plugins.PluginFolder}.
 */
@NullMarked
package dev.wharf.plugins;

import org.jspecify.annotations.NullMarked;
