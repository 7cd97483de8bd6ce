/**
 * Manual pages and completions for shells, made from the commands themselves so that they never say anything else. Begin with
 * {@link dev.wharf.cli.paper.ManPages}.
 */
@NullMarked
package dev.wharf.cli.paper;

import org.jspecify.annotations.NullMarked;
