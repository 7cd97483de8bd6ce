package dev.wharf.storage.shelves;

import dev.wharf.spi.kernel.Mount;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** Mount options of overlayfs (kernel documentation, filesystems/overlayfs). */
public final class OverlayOptions {
    private static final Path PARAMETERS = Path.of("/sys/module/overlay/parameters");
    /**
     * What a distribution's kernel may have switched on and snapshots cannot bear: an index ties an upper directory to one
     * list of lower ones, and a redirect or a file without its data makes a layer depend on what it once stood on.
     */
    private static final Map<String, String> UNWANTED =
            Map.of("index", "index=off", "metacopy", "metacopy=off", "redirect_dir", "redirect_dir=nofollow");

    private OverlayOptions() {}

    /** @param unsynced whether nothing that is written needs to reach the disk */
    public static Mount writable(List<Path> lowers, Path upper, Path work, boolean unsynced) {
        List<String> options = new ArrayList<>();
        options.add(lowerdir(lowers));
        options.add("upperdir=" + upper);
        options.add("workdir=" + work);
        // An old kernel refuses options that it does not know.
        for (String parameter : List.of("index", "metacopy", "redirect_dir")) {
            if (Files.exists(PARAMETERS.resolve(parameter))) {
                options.add(UNWANTED.get(parameter));
            }
        }
        if (unsynced) {
            options.add("volatile");
        }
        return new Mount("overlay", "overlay", options);
    }

    /** {@code layers} must be two at least. */
    public static Mount readOnly(List<Path> layers) {
        return new Mount("overlay", "overlay", List.of("ro", lowerdir(layers)));
    }

    private static String lowerdir(List<Path> paths) {
        return paths.stream().map(OverlayOptions::escaped).collect(Collectors.joining(":", "lowerdir=", ""));
    }

    private static String escaped(Path path) {
        return path.toString().replace("\\", "\\\\").replace(":", "\\:");
    }
}
