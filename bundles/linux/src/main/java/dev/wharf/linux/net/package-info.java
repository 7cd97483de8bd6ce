/**
 * Network devices by rtnetlink, nf_tables by libnftables, and ports of the host. Begin with
 * {@link dev.wharf.linux.net.LinuxLinks} and {@link dev.wharf.linux.net.LinuxFirewall}.
 */
@NullMarked
package dev.wharf.linux.net;

import org.jspecify.annotations.NullMarked;
