/**
 * What every storage driver promises, as tests. Begin with {@link dev.wharf.testkit.storage.StorageDriverContract}, which
 * also puts the tars of {@link dev.wharf.testkit.storage.HostileTars} to each driver and lets the agent die at every call.
 */
@NullMarked
package dev.wharf.testkit.storage;

import org.jspecify.annotations.NullMarked;
