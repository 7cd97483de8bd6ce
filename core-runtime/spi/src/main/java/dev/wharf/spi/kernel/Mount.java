package dev.wharf.spi.kernel;

import java.util.List;

/**
 * A described mount (mount(2)). The driver describes, the kernel port mounts.
 *
 * <p>A lower directory of an overlay may also be a file that holds an erofs file system: it is mounted for this overlay alone
 * and goes with it. An {@code erofs} whose source is a file needs no device of the caller's either.
 *
 * @param type the file system, such as {@code overlay}, or {@code bind}
 * @param source the device, directory or word the type wants
 * @param options in the words of mount(8), such as {@code ro} and {@code lowerdir=...}
 */
public record Mount(String type, String source, List<String> options) {
    public Mount {
        options = List.copyOf(options);
    }
}
