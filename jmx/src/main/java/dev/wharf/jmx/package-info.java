/**
 * The agent under JMX, for consoles and collectors that speak it. Begin with {@link dev.wharf.jmx.AgentMXBean}.
 */
@NullMarked
package dev.wharf.jmx;

import org.jspecify.annotations.NullMarked;
