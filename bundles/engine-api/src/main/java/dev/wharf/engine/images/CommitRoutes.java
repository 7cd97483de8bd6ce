package dev.wharf.engine.images;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Pull;
import dev.wharf.engine.containers.ContainerLookup;
import dev.wharf.engine.containers.Leaving;
import dev.wharf.engine.containers.Notes;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.MountSpec;
import dev.wharf.model.Reference;
import dev.wharf.model.Signal;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layer.LayerTar;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code /commit}: an image of what a container made of its own. */
public final class CommitRoutes implements Routes {
    private static final Logger LOG = LoggerFactory.getLogger(CommitRoutes.class);

    @Override
    public void addTo(Router router) {
        router.post("/commit", CommitRoutes::commit);
    }

    private static Answer commit(Agent agent, Request request) {
        Body changed = request.json();
        Container c = ContainerLookup.get(
                agent.host(),
                request.query().value("container").orElseThrow(() -> Problem.invalid("no container is named")));
        Image base = agent.host()
                .image(c.spec().image())
                .orElseThrow(() -> Problem.conflict("the image of container " + c.name() + " is gone"));
        List<Reference> names = request.query()
                .value("repo")
                .map(repo -> List.of(ImageRoutes.newName(repo, request.query().text("tag"))))
                .orElse(List.of());
        names.forEach(name -> {
            if (name.digest().isPresent()) {
                throw Problem.invalid("refusing to create a tag with a digest reference");
            }
        });
        ImageConfig config = ImportChanges.apply(
                config(c.spec(), base.config(), changed), request.query().all("changes"));
        return Answer.later(
                request.transfer(Leaving.aware(agent, c, () -> commit(agent, request, c, base, config, names)))
                        .thenCompose(Function.identity()));
    }

    private static CompletionStage<Answer> commit(
            Agent agent, Request request, Container c, Image base, ImageConfig config, List<Reference> names)
            throws DriverException {
        boolean pause = request.query().flag("pause", true) && c.isRunning() && !c.isPaused();
        // A container is not held up for a driver that is away.
        agent.streams().awaitStorage(c.id());
        boolean paused = pause && unlessUnfit(agent, request, new ContainerCommand.Pause(c.id()));
        try {
            ImageId id = store(agent, request, c, base, config, names);
            return Notes.first(agent, request, new ContainerCommand.Note(c.id(), "commit", details(request, id, names)))
                    .apply(Answer.json(201, Json.object().put("Id", id.value())));
        } catch (IOException e) {
            if (Leaving.problem(agent, c).isEmpty()) {
                LOG.warn("a container cannot be committed container={}", c.id(), e);
            }
            throw new Problem(500, "the files of container " + c.name() + " cannot be read; see the engine's log");
        } finally {
            if (paused && Leaving.problem(agent, c).isEmpty()) {
                unlessUnfit(agent, request, new ContainerCommand.Resume(c.id()));
            }
        }
    }

    /**
     * Pauses or resumes the container, and says whether that was done. Where somebody else did it first, such as another commit,
     * or the container ended, its files can be read all the same.
     */
    private static boolean unlessUnfit(Agent agent, Request request, ContainerCommand command) {
        try {
            done(agent, request, command);
            return true;
        } catch (Problem e) {
            if (e.status() == 409 || e.status() == 404) {
                return false;
            }
            throw e;
        }
    }

    private static void done(Agent agent, Request request, ContainerCommand command) {
        try {
            agent.submit(command, request.cause()).toCompletableFuture().join();
        } catch (CompletionException e) {
            throw Problems.of(e);
        }
    }

    private static Map<String, String> details(Request request, ImageId id, List<Reference> names) {
        Map<String, String> details = new LinkedHashMap<>();
        details.put("comment", request.query().text("comment"));
        details.put("imageID", id.value());
        details.put(
                "imageRef", names.stream().map(Reference::familiar).findFirst().orElse(""));
        return details;
    }

    private static ImageId store(
            Agent agent, Request request, Container c, Image base, ImageConfig settings, List<Reference> names)
            throws DriverException, IOException {
        try (ContentStore.Delivery content = agent.streams().content().deliver()) {
            Optional<Descriptor> layer = agent.streams().layer(c.id(), raw -> {
                Optional<InputStream> tar = LayerTar.unlessEmpty(new LayerTar(raw, Optional.empty(), true));
                if (tar.isEmpty()) {
                    return Optional.empty();
                }
                try (ContentStore.Ingest ingest = content.receive()) {
                    ingest.write(tar.get());
                    return Optional.of(ingest.commit(MediaTypes.OCI_LAYER));
                }
            });
            List<LayerSpec> layers = new ArrayList<>(agent.host().asKept(base).layers());
            layer.ifPresent(made -> {
                Optional<LayerId> parent = layers.isEmpty()
                        ? Optional.empty()
                        : Optional.of(layers.get(layers.size() - 1).id());
                layers.add(new LayerSpec(LayerId.of(parent, made.digest()), parent, made, made.digest()));
            });
            ImageConfig config = withLayer(settings, c.spec(), request, layer.map(Descriptor::digest));
            Descriptor configBlob = content.put(MediaTypes.OCI_CONFIG, ImageConfigs.write(config));
            Descriptor manifest = content.put(
                    MediaTypes.OCI_MANIFEST,
                    new Manifest(
                                    configBlob,
                                    layers.stream().map(LayerSpec::descriptor).toList())
                            .write());
            ImageId id = new ImageId(configBlob.digest());
            ArchiveRoutes.store(
                    agent,
                    request,
                    names,
                    Pull.Source.COMMIT,
                    new Pull.Resolved(id, manifest, manifest, configBlob, config, layers));
            return id;
        }
    }

    // ---- the config

    /** The image's config, with what the container was created with, and above all what the request says. */
    private static ImageConfig config(ContainerSpec spec, ImageConfig base, Body asked) {
        List<String> volumes = new ArrayList<>(base.volumes());
        spec.mounts().stream()
                .filter(MountSpec::isVolumeOfConfig)
                .map(MountSpec::target)
                .filter(target -> !volumes.contains(target))
                .forEach(volumes::add);
        volumes.addAll(asked.keys("Volumes"));
        List<String> ports = new ArrayList<>(spec.networking().exposed());
        ports.addAll(asked.keys("ExposedPorts"));
        Map<String, String> labels = new LinkedHashMap<>(spec.labels());
        labels.putAll(asked.map("Labels"));
        List<String> env = new ArrayList<>(spec.command().env());
        for (String one : asked.texts("Env")) {
            String name = one.substring(0, Math.max(0, one.indexOf('=')));
            env.removeIf(e -> e.startsWith(name + "="));
            env.add(one);
        }
        return new ImageConfig(
                base.platform(),
                base.created(),
                base.author(),
                asked.optionalText("User")
                        .filter(u -> !u.isEmpty())
                        .orElse(spec.command().user()),
                env,
                asked.words("Entrypoint").isEmpty() ? spec.command().entrypoint() : asked.words("Entrypoint"),
                asked.words("Cmd").isEmpty() ? spec.command().cmd() : asked.words("Cmd"),
                asked.optionalText("WorkingDir")
                        .filter(d -> !d.isEmpty())
                        .orElse(spec.command().workingDir()),
                volumes.stream().distinct().toList(),
                ports.stream().distinct().toList(),
                labels,
                asked.optionalText("StopSignal").filter(s -> !s.isEmpty()).orElseGet(() -> stopSignal(spec, base)),
                spec.healthcheck().or(base::healthcheck),
                spec.command().shell().isEmpty() ? base.shell() : spec.command().shell(),
                List.of(),
                base.diffIds(),
                base.history());
    }

    /** The container's own, in the image's words where it is the image's, and none where it is what everybody has. */
    private static String stopSignal(ContainerSpec spec, ImageConfig base) {
        Signal own = spec.stop().signal();
        Signal usual =
                base.stopSignal().isEmpty() ? ContainerSpec.Stop.DEFAULT.signal() : Signal.parse(base.stopSignal());
        return own.equals(usual) ? base.stopSignal() : own.toString();
    }

    private static ImageConfig withLayer(ImageConfig c, ContainerSpec spec, Request request, Optional<Digest> diffId) {
        String now = Instant.now().toString();
        String author = request.query().text("author");
        List<Digest> diffIds = new ArrayList<>(c.diffIds());
        diffId.ifPresent(diffIds::add);
        List<ImageConfig.History> history = new ArrayList<>(c.history());
        history.add(new ImageConfig.History(
                now,
                String.join(" ", spec.command().cmd()),
                author,
                request.query().text("comment"),
                diffId.isEmpty()));
        return c.made(now, author).withLayers(diffIds, history);
    }
}
