package dev.wharf.build.plan;

import dev.wharf.model.Reference;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What there is besides the context, by the names that FROM and {@code --from} have for it. It goes before stages and images of
 * the same name.
 *
 * @param images names or ids of images
 * @param folders each lies beside the context's, see {@link dev.wharf.build.context.ContextFolder#beside}
 */
public record Contexts(Map<String, String> images, Set<String> folders) {
    /** The context alone. */
    public static final Contexts ONE = new Contexts(Map.of(), Set.of());

    public Contexts {
        images = Map.copyOf(images);
        folders = Set.copyOf(folders);
    }

    /** The image that a name means; empty where no context has that name. */
    public Optional<String> image(String name) {
        return Optional.ofNullable(images.get(plain(name)));
    }

    /** Whether a name means a folder. */
    public boolean isFolder(String name) {
        return folders.contains(plain(name));
    }

    boolean has(String name) {
        return isFolder(name) || image(name).isPresent();
    }

    /** The shortest of the names that mean the same image, which clients send. */
    public static String plain(String name) {
        try {
            String familiar = Reference.parse(name).familiar();
            return familiar.endsWith(":latest")
                    ? familiar.substring(0, familiar.length() - ":latest".length())
                    : familiar;
        } catch (IllegalArgumentException e) {
            return name;
        }
    }
}
