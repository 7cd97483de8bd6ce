/** The messages of BuildKit's services, made by protoc from {@code src/main/protobuf}. */
@NullMarked
package dev.wharf.buildkit.wire;

import org.jspecify.annotations.NullMarked;
