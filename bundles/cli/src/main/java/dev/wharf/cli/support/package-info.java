/** What leaves the host for somebody who helps, without the host's secrets. Begin with {@link dev.wharf.cli.support.Mask}. */
@NullMarked
package dev.wharf.cli.support;

import org.jspecify.annotations.NullMarked;
