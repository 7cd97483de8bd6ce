/**
 * What a content store promises, as tests. Begin with {@link dev.wharf.testkit.content.ContentStoreContract}.
 */
@NullMarked
package dev.wharf.testkit.content;

import org.jspecify.annotations.NullMarked;
