/**
 * The agent as a service of systemd: says when it is ready, what it is at, and that its loop is alive (sd_notify(3)). Begin with
 * {@link dev.wharf.systemd.SystemdComponent}.
 */
@NullMarked
package dev.wharf.systemd;

import org.jspecify.annotations.NullMarked;
