/**
 * The host's MXBeans over HTTP (JSON), for Hawtio and everybody who speaks Jolokia. Begin with {@link
 * dev.wharf.jolokia.JolokiaComponent}.
 */
@NullMarked
package dev.wharf.jolokia;

import org.jspecify.annotations.NullMarked;
