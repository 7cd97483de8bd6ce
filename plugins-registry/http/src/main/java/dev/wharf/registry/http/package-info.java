/**
 * Images from stores of plain files: OCI layouts on a web server or in an S3-compatible object store, read and never written.
 * Begin with {@link dev.wharf.registry.http.HttpBackend}.
 */
@NullMarked
package dev.wharf.registry.http;

import org.jspecify.annotations.NullMarked;
