package dev.wharf.build.run;

import dev.wharf.model.Digest;
import dev.wharf.spi.kernel.FileCalls;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Keeps contexts from one build to the next, so that a client need send only what changed. A build takes a context off and puts
 * it back when it is over: meanwhile it is the build's alone, and whoever wants the same receives all of it. What a crash leaves
 * goes with the folder of the build, and what was written before a loss of power is not trusted. Used by one build and one
 * thread.
 */
public final class Shelf {
    /** As many contexts are kept; those that were used last. */
    private static final int MOST = 20;

    /** None is kept that has more than this part of the room there is. */
    private static final int SHARE = 20;

    private final Path all;
    private final Path own;
    private final String boot;
    private final List<Place> whole = new ArrayList<>();

    /**
     * @param all where contexts are kept
     * @param own a folder of the build's own
     * @param boot the kernel's id for the time since the host was started
     */
    public Shelf(Path all, Path own, String boot) {
        this.all = all;
        this.own = own;
        this.boot = boot;
    }

    /** One context, taken off. */
    public final class Place {
        private final String name;
        private final String hash;
        private final Path folder;

        private Place(String name, String hash, Path folder) {
            this.name = name;
            this.hash = hash;
            this.folder = folder;
        }

        private Path taken() {
            return own.resolve("shelf").resolve(hash);
        }

        private Path boot() {
            return taken().resolve("boot");
        }

        private Path files() {
            return taken().resolve("files");
        }

        /** A list of what is in the folder, as whoever brought that wrote it; there is none where nothing was kept. */
        public Path before() {
            return taken().resolve("before");
        }

        /** Where to write that for the next time. */
        public Path after() {
            return taken().resolve("after");
        }

        private boolean take() throws IOException {
            Files.deleteIfExists(CacheMounts.note(all.resolve(hash)));
            Files.createDirectories(taken().getParent());
            try {
                Files.move(all.resolve(hash), taken(), StandardCopyOption.ATOMIC_MOVE);
            } catch (NoSuchFileException e) {
                Files.createDirectory(taken());
                return false;
            }
            return Files.exists(boot()) && Files.readString(boot()).equals(boot);
        }

        /** The folder and its list are whole. */
        public void keep(long sizeBytes) throws IOException {
            if (sizeBytes <= Files.getFileStore(own).getUsableSpace() / SHARE) {
                whole.add(this);
            }
        }

        private void putBack() throws IOException {
            Files.move(after(), before(), StandardCopyOption.REPLACE_EXISTING);
            Files.move(folder, files());
            Files.writeString(boot(), boot);
            Path kept = all.resolve(hash);
            Files.createDirectories(all);
            if (!Files.exists(kept)) {
                Files.move(taken(), kept, StandardCopyOption.ATOMIC_MOVE);
                Files.writeString(CacheMounts.note(kept), name);
            }
        }
    }

    /**
     * Takes off what was kept under a key and puts it into a folder that is not there yet.
     *
     * @param name what the context is called where it is shown
     */
    public Place take(String name, String key, Path folder) throws IOException {
        Place place = new Place(name, Digest.sha256(key).hex(), folder);
        if (place.take()) {
            Files.createDirectories(folder.getParent());
            Files.move(place.files(), folder);
        } else {
            Files.deleteIfExists(place.before());
        }
        return place;
    }

    /** Puts back what is whole, now that nobody uses it. */
    public void putBack(FileCalls files) throws IOException {
        for (Place place : whole) {
            place.putBack();
        }
        if (!whole.isEmpty()) {
            bound(files);
        }
    }

    private void bound(FileCalls files) throws IOException {
        List<CacheMounts.Kept> kept = new ArrayList<>(CacheMounts.list(all, folder -> 0));
        kept.sort(Comparator.comparing(CacheMounts.Kept::lastUse).reversed());
        for (CacheMounts.Kept one : kept.subList(Math.min(MOST, kept.size()), kept.size())) {
            CacheMounts.remove(one, files);
        }
    }
}
