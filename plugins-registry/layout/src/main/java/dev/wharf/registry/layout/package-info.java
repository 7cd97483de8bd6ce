/**
 * Images from OCI layouts on disk: each folder under one root is a repository, served to pulls and open to pushes without any
 * network. Begin with {@link dev.wharf.registry.layout.LayoutBackend}.
 */
@NullMarked
package dev.wharf.registry.layout;

import org.jspecify.annotations.NullMarked;
