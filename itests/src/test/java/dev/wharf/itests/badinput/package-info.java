/**
 * Everything that people and machines get wrong, and what they are told. Begin with {@link
 * dev.wharf.itests.badinput.BadInputIT}.
 */
@NullMarked
package dev.wharf.itests.badinput;

import org.jspecify.annotations.NullMarked;
