package dev.wharf.build.run;

import dev.wharf.build.context.Interrupts;
import dev.wharf.build.plan.Draft;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Command;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.Event;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.model.ContainerId;
import dev.wharf.model.Descriptor;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layer.LayerTar;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.runtime.Attachment;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What a build does in the house: containers and images by commands, bytes by streams. Safe to use from any thread. */
final class Hands implements AutoCloseable {
    /** How often a step's container is looked at while it says nothing. */
    private static final long GLANCE_MILLIS = 2;

    private static final long LONG_GLANCE_MILLIS = 20;

    /** A smaller layer is unpacked sooner than a container that ran comes to rest. */
    static final long WORTH_WAITING = 4 << 20;

    private final Site site;
    private final Set<ContainerId> containers = ConcurrentHashMap.newKeySet();
    private final List<CompletableFuture<?>> farewells = java.util.Collections.synchronizedList(new ArrayList<>());
    private final Set<ContainerId> left = ConcurrentHashMap.newKeySet();
    private volatile boolean cancelled;
    private ContentStore.@Nullable Delivery delivery;

    Hands(Site site) {
        this.site = site;
    }

    void cancel() {
        cancelled = true;
        for (ContainerId id : containers) {
            agent().submit(new ContainerCommand.Remove(id, true, true), site.cause());
        }
    }

    void checkGoingOn() throws BuildException {
        if (cancelled || Thread.currentThread().isInterrupted()) {
            throw new BuildException("the build was cancelled");
        }
    }

    Agent agent() {
        return site.agent();
    }

    private Event submit(Command command) throws BuildException, InterruptedException {
        try {
            return agent().submit(command, site.cause()).toCompletableFuture().get();
        } catch (ExecutionException e) {
            throw told(e);
        }
    }

    private static BuildException told(ExecutionException thrown) {
        Throwable cause = Objects.requireNonNull(thrown.getCause());
        if (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof RefusedException refused) {
            return new BuildException(refused.refusal().message());
        }
        if (cause instanceof FailedException failed) {
            return new BuildException(failed.failure().message());
        }
        throw cause instanceof RuntimeException fault ? fault : new IllegalStateException(cause);
    }

    // ---- containers

    static ContainerId newContainer() {
        return new ContainerId(Entropy.fresh().hex("container"));
    }

    void create(Job job) throws BuildException, InterruptedException {
        checkGoingOn();
        containers.add(job.id());
        submit(new ContainerCommand.Create(
                job.id(), dev.wharf.core.state.Build.containerName(job.id()), site.container(job)));
    }

    /** Takes a container away without waiting for that: the build goes on meanwhile, and ends when all are gone. */
    void dismiss(ContainerId id) {
        farewells.add(agent().submit(new ContainerCommand.Remove(id, true, true), site.cause())
                .handle((event, thrown) -> {
                    containers.remove(id);
                    return id;
                })
                .toCompletableFuture());
    }

    /** Lets a container stay for whoever wants to look into it. */
    void leave(ContainerId id) {
        left.add(id);
        containers.remove(id);
    }

    /** Takes away, after all, what was let stay. */
    void dismissLeft() {
        left.forEach(this::dismiss);
    }

    /** Runs what was created and answers with its exit code. */
    int run(ContainerId id, Consumer<Talk.Piece> output) throws BuildException, DriverException, InterruptedException {
        Talk talk = new Talk();
        try (Attachment attachment = agent().streams().attach(id, Optional.empty(), talk)) {
            talk.over(attachment);
            submit(new ContainerCommand.Start(id, Entropy.fresh()));
            long begun = System.nanoTime();
            while (true) {
                boolean ended = hasEnded(id);
                if (ended && talk.isOver()) {
                    break;
                }
                long pause = System.nanoTime() - begun < 1_000_000_000L ? GLANCE_MILLIS : LONG_GLANCE_MILLIS;
                List<Talk.Piece> said = talk.next(pause);
                said.forEach(output);
                if (said.isEmpty() && !ended && isSilent(talk)) {
                    Thread.sleep(GLANCE_MILLIS);
                }
                checkGoingOn();
            }
        }
        return agent().host()
                .container(id)
                .flatMap(Container::exit)
                .orElseThrow(() -> new BuildException("the container of the step was removed while it ran"))
                .code();
    }

    /** A process that closed its streams goes on for a moment without a word. */
    private static boolean isSilent(Talk talk) {
        return talk.isOver();
    }

    private boolean hasEnded(ContainerId id) throws BuildException {
        Container c = agent().host()
                .container(id)
                .orElseThrow(() -> new BuildException("the container of the step was removed while it ran"));
        return !c.isRunning() && c.exit().isPresent();
    }

    // ---- layers and images

    /**
     * What a container changed, as a layer on {@code parent}; empty where it changed nothing.
     *
     * @param worthAdopting from which size on the container's files become those of the layer
     */
    Optional<LayerSpec> layer(
            ContainerId id, Optional<LayerId> parent, Optional<Long> epoch, boolean ran, long worthAdopting)
            throws DriverException, IOException {
        ContentStore.Delivery content = delivery();
        Optional<Made> made = agent().streams().layer(id, raw -> {
            Optional<LayerTar> edited =
                    epoch.isPresent() || ran ? Optional.of(new LayerTar(raw, epoch, ran)) : Optional.empty();
            Optional<InputStream> tar = LayerTar.unlessEmpty(edited.isPresent() ? edited.get() : raw);
            if (tar.isEmpty()) {
                return Optional.empty();
            }
            try (ContentStore.Ingest ingest = content.receive()) {
                ingest.write(Interrupts.heeding(tar.get()));
                Descriptor blob = ingest.commit(MediaTypes.OCI_LAYER);
                return Optional.of(new Made(
                        new LayerSpec(LayerId.of(parent, blob.digest()), parent, blob, blob.digest()),
                        edited.map(LayerTar::isRedated).orElse(false),
                        edited.map(LayerTar::leftOut).orElse(List.of())));
            }
        });
        Optional<Made> worthy = made.filter(m -> !m.redated())
                .filter(m -> m.layer().descriptor().sizeBytes() >= worthAdopting);
        if (worthy.isPresent()) {
            agent().streams().adopt(id, worthy.get().layer(), worthy.get().surplus());
        }
        return made.map(Made::layer);
    }

    /** A layer, whether times in it were changed, and what else of the container's changes is not in it. */
    private record Made(LayerSpec layer, boolean redated, List<String> surplus) {}

    /** Makes an image of a draft, or finds the one that is the same, and gives it its names. */
    Image store(Draft draft, List<Reference> names) throws BuildException, DriverException, InterruptedException {
        byte[] document = ImageConfigs.write(draft.config());
        ImageId id = new ImageId(dev.wharf.model.Digest.sha256(document));
        Optional<Image> known = agent().host().image(id).filter(Image::wanted);
        if (known.isPresent()) {
            for (Reference name : names) {
                tag(id, name);
            }
            return known.get();
        }
        ContentStore.Delivery content = delivery();
        Descriptor config = content.put(MediaTypes.OCI_CONFIG, document);
        Descriptor manifest = content.put(
                MediaTypes.OCI_MANIFEST,
                new Manifest(
                                config,
                                draft.layers().stream()
                                        .map(LayerSpec::descriptor)
                                        .toList())
                        .write());
        submit(new ImageCommand.Store(
                new PullId(UUID.randomUUID().toString().replace("-", "")),
                names,
                Pull.Source.BUILD,
                new Pull.Resolved(id, manifest, manifest, config, draft.config(), draft.layers()),
                site.storage()));
        return agent().host()
                .image(id)
                .orElseThrow(() -> new BuildException("the image was removed as soon as it was made"));
    }

    static ImageId idOf(Draft draft) {
        return new ImageId(dev.wharf.model.Digest.sha256(ImageConfigs.write(draft.config())));
    }

    private void tag(ImageId id, Reference name) throws BuildException, InterruptedException {
        tag(agent(), site.cause(), id, name);
    }

    /** Gives an image a name, which it may have already. */
    static void tag(Agent agent, Cause cause, ImageId id, Reference name) throws BuildException, InterruptedException {
        try {
            agent.submit(new ImageCommand.Tag(id, name), cause)
                    .toCompletableFuture()
                    .get();
        } catch (ExecutionException e) {
            boolean same = e.getCause() instanceof RefusedException refused
                    && refused.refusal().kind() == Refusal.Kind.UNCHANGED;
            if (!same) {
                throw told(e);
            }
        }
    }

    /** Brings an image here, even where one of that name is. */
    Image pull(Reference reference, Optional<Platform> platform, Voices.Voice voice)
            throws BuildException, InterruptedException {
        PullId id = new PullId(UUID.randomUUID().toString().replace("-", ""));
        Optional<ImageId> had = site.image(reference.toString()).map(Image::id);
        agent().lend(id, site.credentials(reference));
        voice.status(
                "Pulling from " + reference.repository().path(), reference.tag().orElse(""));
        CompletableFuture<Event> pull = agent().submit(
                        new ImageCommand.PullImage(id, reference, platform, site.storage()), site.cause())
                .toCompletableFuture();
        try {
            pull.get();
        } catch (ExecutionException e) {
            throw told(e);
        } catch (InterruptedException e) {
            agent().submit(new ImageCommand.CancelPull(id), site.cause());
            throw e;
        }
        Image image = site.image(reference.toString())
                .orElseThrow(() -> new BuildException("the image was removed as soon as it was pulled"));
        String verdict =
                had.equals(Optional.of(image.id())) ? "Image is up to date for " : "Downloaded newer image for ";
        voice.status("Status: " + verdict + reference.familiar(), "");
        return image;
    }

    /** What the build brings into the content store stays there until its image owns it. */
    private synchronized ContentStore.Delivery delivery() throws DriverException {
        if (delivery == null) {
            delivery = agent().streams().content().deliver();
        }
        return delivery;
    }

    private synchronized void endDelivery() {
        if (delivery != null) {
            delivery.close();
        }
    }

    /** Waits until every container is gone. */
    @Override
    public void close() {
        endDelivery();
        for (ContainerId id : List.copyOf(containers)) {
            if (farewells.size() < 100_000) {
                dismiss(id);
            }
        }
        List<CompletableFuture<?>> last;
        synchronized (farewells) {
            last = List.copyOf(farewells);
        }
        last.forEach(CompletableFuture::join);
    }
}
