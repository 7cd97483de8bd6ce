/**
 * Tells a collector by OTLP how commands become effects. Nothing of it is loaded before it is set up. Begin with {@link
 * dev.wharf.telemetry.TelemetryComponent}.
 */
@NullMarked
package dev.wharf.telemetry;

import org.jspecify.annotations.NullMarked;
