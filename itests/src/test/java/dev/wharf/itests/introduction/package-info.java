/**
 * The first hour with containers, as a well-known introduction teaches it, typed as it stands there. Begin with {@link
 * dev.wharf.itests.introduction.IntroductionIT}.
 */
@NullMarked
package dev.wharf.itests.introduction;

import org.jspecify.annotations.NullMarked;
