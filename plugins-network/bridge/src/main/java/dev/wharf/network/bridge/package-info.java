/**
 * Networks on bridges of their own, with translated addresses and published ports. Begin with
 * {@link dev.wharf.network.bridge.BridgeDriver}; {@link dev.wharf.network.bridge.Rules} shows what stands in nf_tables.
 */
@NullMarked
package dev.wharf.network.bridge;

import org.jspecify.annotations.NullMarked;
