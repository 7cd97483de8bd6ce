/** JSON in and out, in the manners that Go clients expect. Begin with {@link dev.wharf.engine.json.Json}. */
@NullMarked
package dev.wharf.engine.json;

import org.jspecify.annotations.NullMarked;
