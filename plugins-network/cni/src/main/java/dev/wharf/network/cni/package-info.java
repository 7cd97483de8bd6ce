/**
 * Networks made by plugins of the Container Network Interface, version 1.0 and before. Begin with
 * {@link dev.wharf.network.cni.CniDriver}; {@link dev.wharf.network.cni.ConfList} is what an operator writes,
 * {@link dev.wharf.network.cni.Plugins} how it is carried out.
 */
@NullMarked
package dev.wharf.network.cni;

import org.jspecify.annotations.NullMarked;
