package dev.wharf.testkit.storage;

import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.FileCalls;
import dev.wharf.spi.kernel.MountCalls;

/** What a storage driver is given to work with. */
public record Ports(FileCalls files, Tree tree, MountCalls mounts) {}
