package dev.wharf.buildkit;

import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Offers;
import dev.wharf.build.run.Order;
import dev.wharf.build.run.Report;
import dev.wharf.build.run.Shelf;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.oci.layer.Dir;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** What the engine does for one client of BuildKit. Safe to use from any thread. */
public interface Workshop {
    /** Begins a build. What comes of it has no name yet, and stays for as long as any image without a name does. */
    Work begin(Wish wish, Report report);

    /** The config of an image that is here; empty where none is. */
    Optional<ImageConfig> config(String image, Optional<Platform> platform);

    /** Gives an image one more name. */
    void tag(ImageId image, Reference name) throws BuildException, InterruptedException;

    /** Opens the files of an image for the length of {@code use}. */
    void look(ImageId image, Use use) throws BuildException, IOException, InterruptedException;

    /** Does something with files. */
    interface Use {
        /** @param root is taken over */
        void of(Dir root) throws IOException;
    }

    /** What builds left to be found again. May block. */
    List<Remembered> remembered();

    /** Forgets what the rules allow to forget, and says what it was. May block. */
    List<Remembered> forget(Forgetting rules);

    /** Builds that are remembered, the last first. */
    List<Built> built();

    /** Lets what is remembered of a build go. */
    void dismiss(String build) throws BuildException;

    /**
     * A build that is remembered.
     *
     * @param took how long it was; empty while it is under way
     * @param failure why it failed, or empty
     */
    record Built(String id, Instant at, Optional<Duration> took, String file, String failure, List<Step> steps) {
        public Built {
            steps = List.copyOf(steps);
        }

        /** @param at when it was done */
        public record Step(String stage, String instruction, boolean cached, Instant at, Duration took) {}
    }

    /** A build that is under way. */
    interface Work {
        /** Fails with a {@link BuildException} that says why there is no image. */
        CompletionStage<ImageId> image();

        /** Gives the build up: {@link #image} fails soon. */
        void cancel();
    }

    /**
     * What is to be built.
     *
     * @param id what the build is remembered by
     * @param order all that the classic builder knows, too
     * @param limits of the containers of steps
     */
    record Wish(String id, Order order, Limits limits, Source source, Lender lender) {}

    /**
     * Limits of the containers of steps, as {@code docker build} words them.
     *
     * @param extraHosts {@code NAME:ADDRESS} each
     * @param shmSizeBytes 0 for the engine's own
     * @param ulimits {@code NAME=SOFT:HARD} each
     * @param cgroupParent empty for the engine's own
     */
    record Limits(List<String> extraHosts, long shmSizeBytes, List<String> ulimits, String cgroupParent) {
        public Limits {
            extraHosts = List.copyOf(extraHosts);
            ulimits = List.copyOf(ulimits);
        }
    }

    /** Where the context comes from. */
    sealed interface Source {
        /** An address of a git repository, a tar or a Dockerfile. */
        record Remote(String address) implements Source {}

        /** The client sends it. */
        record Sent(Bring bring) implements Source {}
    }

    /** Brings the client's context into a folder. Blocks. */
    interface Bring {
        void into(ContextFolder folder, Shelf shelf) throws BuildException, IOException, InterruptedException;
    }

    /** What a client lends to a build while it goes on. May block. */
    interface Lender {
        Offers offers();

        Credentials credentials(Reference image);
    }

    /**
     * What a build left to be found again.
     *
     * @param type {@code regular} or {@code exec.cachemount}
     * @param shared whether forgetting it frees nothing
     * @param createdAt in ISO 8601
     */
    record Remembered(
            String id,
            String type,
            String description,
            boolean inUse,
            boolean shared,
            long sizeBytes,
            String createdAt,
            Instant lastUsedAt,
            long uses) {}

    /**
     * What is to be forgotten.
     *
     * @param all also what an image with a name has, too
     * @param unusedFor only what was not used for so long
     * @param filters {@code KEY=VALUE} each, as {@code docker builder prune} has them
     * @param roomBytes as much stays all the same: what was used last
     */
    record Forgetting(boolean all, Optional<Duration> unusedFor, List<String> filters, long roomBytes) {
        public Forgetting {
            filters = List.copyOf(filters);
        }
    }
}
