/**
 * The services of BuildKit (moby.buildkit.v1) before Wharf's own builder: what buildx, Compose and {@code docker build} ask
 * for by {@code POST /grpc}, with what they lend by {@code POST /session}. Dockerfiles are built; graphs of BuildKit's own
 * operations are not.
 */
@NullMarked
package dev.wharf.buildkit;

import org.jspecify.annotations.NullMarked;
