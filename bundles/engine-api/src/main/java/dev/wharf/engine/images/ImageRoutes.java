package dev.wharf.engine.images;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.ImageCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.engine.build.BuildCache;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.Body;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Problems;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.http.Sweep;
import dev.wharf.engine.json.Filters;
import dev.wharf.engine.json.Json;
import dev.wharf.engine.json.Remembered;
import dev.wharf.model.Digest;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.PullId;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.spi.content.ContentStore;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend.Remote;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** {@code /images}: lists, details, pulls, pushes, names and removal. Archives are {@link ArchiveRoutes}. */
public final class ImageRoutes implements Routes {
    private static final Set<String> LIST_FILTERS =
            Set.of("dangling", "label", "label!", "before", "since", "reference", "until");
    private static final Set<String> PRUNE_FILTERS = Set.of("dangling", "label", "label!", "until");

    private final Remembered lists = new Remembered();

    @Override
    public void addTo(Router router) {
        router.get("/images/json", this::list)
                .get("/images/{name}/json", ImageRoutes::inspect)
                .get("/images/{name}/history", ImageRoutes::history)
                .post("/images/prune", ImageRoutes::prune)
                .post("/images/{name}/tag", ImageRoutes::tag)
                .post("/images/{name}/push", ImageRoutes::push)
                .delete("/images/{name}", ImageRoutes::remove);
    }

    // ---- reading

    private Answer list(Agent agent, Request request) {
        Host host = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), LIST_FILTERS);
        boolean shares = request.query().flag("shared-size", false);
        if (request.query().flag("manifests", false) && request.version().atLeast(47)) {
            return Answer.later(request.work(() -> Answer.json(withManifests(
                    lines(host, request, filters, shares), host, agent.streams().content()))));
        }
        if (!filters.values().isEmpty()) {
            return Answer.json(lines(host, request, filters, shares));
        }
        List<Object> told = List.of(
                host.images(),
                host.steps(),
                shares ? host.layers() : this,
                counts(request.version()) ? host.containers() : this);
        return Answer.json(
                200,
                lists.json(
                        request.version()
                                + (shares ? " shares" : "")
                                + (request.query().flag("all", false) ? " all" : ""),
                        told,
                        () -> lines(host, request, filters, shares)));
    }

    private static ArrayNode withManifests(ArrayNode lines, Host host, ContentStore content) {
        for (JsonNode line : lines) {
            host.image(new ImageId(Digest.parse(line.path("Id").textValue())))
                    .ifPresent(image -> ((ObjectNode) line).set("Manifests", Manifests.of(image, host, content)));
        }
        return lines;
    }

    /** Whether clients of this version are told how many containers an image has. */
    private static boolean counts(ApiVersion version) {
        return version.atLeast(51);
    }

    private static ArrayNode lines(Host host, Request request, Filters filters, boolean shares) {
        ApiVersion version = request.version();
        // Images between two steps of a build are shown to who asks for all; Docker does so, too.
        Set<ImageId> steps = request.query().flag("all", false) ? Set.of() : BuildCache.intermediates(host);
        // Of several bounds all must hold.
        Optional<Instant> before = bounds(host, filters, "before").min(Comparator.naturalOrder());
        Optional<Instant> since = bounds(host, filters, "since").max(Comparator.naturalOrder());
        Optional<Instant> until = filters.all("until").stream()
                .map(dev.wharf.engine.json.Times::parse)
                .min(Comparator.naturalOrder());
        filters.all("reference").forEach(Glob::compile);
        List<Image> images = host.images().values().stream()
                .filter(i -> i.wanted() && !steps.contains(i.id()) && !host.isVariant(i))
                .filter(i -> filters.labels(i.config().labels()))
                .filter(i -> filters.flag("dangling")
                        .map(wanted -> wanted == ImageShapes.tags(i).isEmpty())
                        .orElse(true))
                .filter(i -> filters.any("reference", pattern -> matches(i, pattern)))
                .filter(i -> before.map(t -> created(i).isBefore(t)).orElse(true))
                .filter(i -> since.map(t -> created(i).isAfter(t)).orElse(true))
                .filter(i -> until.map(t -> created(i).isBefore(t)).orElse(true))
                .sorted(Comparator.comparing(ImageRoutes::created).reversed())
                .toList();
        Map<ImageId, Long> shared = shares ? ImageShapes.shared(host) : Map.of();
        ArrayNode answer = Json.array();
        for (Image image : images) {
            ObjectNode summary = ImageShapes.summary(
                    host,
                    image,
                    version,
                    counts(version) ? host.usersOf(image.id()).size() : -1,
                    shared.getOrDefault(image.id(), -1L));
            // Of several names only those that were asked for are shown.
            if (filters.has("reference")) {
                summary.set("RepoTags", Json.array(asked(ImageShapes.tags(image), filters)));
                summary.set("RepoDigests", Json.array(asked(ImageShapes.digests(image), filters)));
            }
            answer.add(summary);
        }
        return answer;
    }

    private static List<String> asked(List<String> names, Filters filters) {
        return names.stream()
                .filter(name ->
                        filters.any("reference", pattern -> matches(Reference.parse(name), Glob.compile(pattern))))
                .toList();
    }

    private static Stream<Instant> bounds(Host host, Filters filters, String key) {
        return filters.all(key).stream()
                .map(name -> created(ImageLookup.get(host, name).image()));
    }

    private static Instant created(Image image) {
        return ImageShapes.instant(image.config().created());
    }

    /** Docker's pattern is that of path.Match over the familiar name, with and without its tag. */
    private static boolean matches(Image image, String pattern) {
        Pattern compiled = Glob.compile(pattern);
        return image.references().stream().map(Reference::parse).anyMatch(r -> matches(r, compiled));
    }

    private static boolean matches(Reference reference, Pattern pattern) {
        return pattern.matcher(reference.familiar()).matches()
                || pattern.matcher(reference.repository().familiar()).matches()
                || pattern.matcher(reference.toString()).matches();
    }

    private static Answer inspect(Agent agent, Request request) {
        Host host = agent.host();
        boolean manifests =
                request.query().flag("manifests", false) && request.version().atLeast(48);
        if (manifests && request.query().has("platform")) {
            throw Problem.invalid("conflicting options: manifests and platform options cannot both be set");
        }
        Image image = variant(host, request);
        String storage = image.layers().stream()
                .findFirst()
                .flatMap(l -> host.layer(l.id()))
                .map(l -> l.storage().value())
                .orElse("");
        ObjectNode shape = ImageShapes.inspect(host, image, request.version(), storage);
        return manifests
                ? Answer.later(request.work(() -> Answer.json(shape.set(
                        "Manifests", Manifests.of(image, host, agent.streams().content())))))
                : Answer.json(shape);
    }

    private static Answer history(Agent agent, Request request) {
        Host host = agent.host();
        return Answer.json(ImageShapes.history(host, variant(host, request)));
    }

    /** The image, or that of its variants that is asked for. */
    private static Image variant(Host host, Request request) {
        return ImageLookup.get(
                        host,
                        request.name(),
                        platforms(request, "platform").stream().findFirst())
                .image();
    }

    // ---- names and removal

    private static Answer tag(Agent agent, Request request) {
        Image image = ImageLookup.get(agent.host(), request.name()).image();
        Reference reference =
                reference(request.query().text("repo"), request.query().text("tag"));
        checkNew(reference.repository().familiar());
        return Answer.later(unlessUnchanged(
                agent.submit(new ImageCommand.Tag(image.id(), reference), request.cause())
                        .thenApply(e -> Answer.empty(201)),
                Answer.empty(201)));
    }

    /** Names that would be taken for a digest or an id are none. */
    private static void checkNew(String repository) {
        if (repository.equals("sha256") || repository.startsWith("sha256:")) {
            throw Problem.invalid("refusing to create an ambiguous tag using digest algorithm as name");
        }
        if (repository.matches("[0-9a-f]{64}")) {
            throw Problem.invalid(
                    "invalid repository name (" + repository + "), cannot specify 64-byte hexadecimal strings");
        }
    }

    /** A thing that is so already is a success here. */
    private static CompletionStage<Answer> unlessUnchanged(CompletionStage<? extends Answer> stage, Answer otherwise) {
        return stage.handle((answer, thrown) -> {
            if (thrown == null) {
                return answer;
            }
            boolean unchanged = Problems.cause(thrown) instanceof RefusedException refused
                    && refused.refusal().kind() == Refusal.Kind.UNCHANGED;
            return unchanged ? otherwise : Problems.answer(thrown);
        });
    }

    private static Answer remove(Agent agent, Request request) {
        Host before = agent.host();
        String name = request.name();
        boolean force = request.query().flag("force", false);
        List<Platform> platforms = platforms(request, "platforms");
        ImageLookup.Found found = ImageLookup.get(before, name);
        List<Image> variants = before.variants(found.image());
        List<Image> going = platforms.stream()
                .map(p -> ImageLookup.get(before, name, Optional.of(p)).image())
                .distinct()
                .toList();
        Optional<Image> heir = variants.stream()
                .filter(i -> going.stream().noneMatch(g -> g.id().equals(i.id())))
                .findFirst();
        if (!going.isEmpty() && heir.isPresent()) {
            return removeVariants(agent, request, going, heir.get(), force);
        }
        ImageCommand.Remove command = new ImageCommand.Remove(found.image().id(), found.reference(), name, force);
        List<Image> line =
                request.query().flag("noprune", false) ? List.of() : Lineage.ancestors(before, found.image());
        return Answer.later(agent.submit(command, request.cause())
                .thenCompose(event -> removeUseless(agent, request::cause, line))
                .thenApply(all -> Answer.json(report(
                        before,
                        agent.host(),
                        Stream.concat(variants.stream(), line.stream()).toList()))));
    }

    /** Of those that an image was made from, nearest first, goes what has no name and is of no use to anybody else. */
    private static CompletionStage<Void> removeUseless(Agent agent, Supplier<Cause> cause, List<Image> line) {
        if (line.isEmpty()) {
            return CompletableFuture.completedFuture(null);
        }
        Host host = agent.host();
        Image next = line.get(0);
        Optional<Image> there = host.image(next.id()).filter(Image::wanted);
        boolean useless = there.filter(i -> i.references().isEmpty()
                        && !host.isOfBuild(i)
                        && host.usersOf(i.id()).isEmpty()
                        && !BuildCache.intermediates(host).contains(i.id())
                        && !Lineage.hasChildren(host, i))
                .isPresent();
        if (!useless) {
            return CompletableFuture.completedFuture(null);
        }
        return agent.submit(
                        new ImageCommand.Remove(
                                next.id(), Optional.empty(), next.id().shortForm(), false),
                        cause.get())
                .handle((event, refused) -> refused == null)
                .thenCompose(gone -> gone
                        ? removeUseless(agent, cause, line.subList(1, line.size()))
                        : CompletableFuture.completedFuture(null));
    }

    /** Some of the variants go, and their names stay with the heir, one that is left. */
    private static Answer removeVariants(Agent agent, Request request, List<Image> going, Image heir, boolean force) {
        Host before = agent.host();
        List<CompletableFuture<Event>> done = new ArrayList<>();
        for (Image image : going) {
            // A name that another image gets is its own no more.
            image.references()
                    .forEach(r -> agent.submit(new ImageCommand.Tag(heir.id(), Reference.parse(r)), request.cause()));
            done.add(agent.submit(
                            new ImageCommand.Remove(image.id(), Optional.empty(), request.name(), force),
                            request.cause())
                    .toCompletableFuture());
        }
        return Answer.later(CompletableFuture.allOf(done.toArray(CompletableFuture[]::new))
                .thenApply(all -> Answer.json(report(before, agent.host(), going))));
    }

    private static ArrayNode report(Host before, Host after, List<Image> images) {
        ArrayNode lines = Json.array();
        // Variants may have had layers in common, which go once.
        Set<JsonNode> told = new LinkedHashSet<>();
        images.forEach(image -> report(before, after, image).forEach(told::add));
        told.forEach(lines::add);
        return lines;
    }

    /** What a removal did: the names that went, and the image and its layers if they went too. */
    private static ArrayNode report(Host before, Host after, Image image) {
        ArrayNode lines = Json.array();
        List<String> left = after.image(image.id()).map(Image::references).orElse(List.of());
        for (String reference : image.references()) {
            if (!left.contains(reference)) {
                lines.addObject().put("Untagged", Reference.parse(reference).familiar());
            }
        }
        if (after.image(image.id()).filter(Image::wanted).isEmpty()) {
            lines.addObject().put("Deleted", image.id().value());
            for (int i = image.layers().size() - 1; i >= 0; i--) {
                LayerSpec layer = image.layers().get(i);
                if (!after.isWanted(layer.id())) {
                    lines.addObject().put("Deleted", layer.id().value());
                }
            }
        }
        return lines;
    }

    private static Answer prune(Agent agent, Request request) {
        Host before = agent.host();
        Filters filters = Filters.parse(request.query().text("filters"), PRUNE_FILTERS);
        boolean danglingOnly = filters.flag("dangling").orElse(true);
        Optional<Instant> until = filters.only("until").map(dev.wharf.engine.json.Times::parse);
        Set<ImageId> steps = BuildCache.intermediates(before);
        Map<Boolean, List<Image>> byUse = before.images().values().stream()
                .filter(i -> i.wanted() && !before.isVariant(i))
                .filter(i -> !(danglingOnly && steps.contains(i.id())) && !before.isOfBuild(i))
                .filter(i -> !danglingOnly || ImageShapes.tags(i).isEmpty())
                .filter(i -> filters.labels(i.config().labels()))
                .filter(i -> until.map(t -> created(i).isBefore(t)).orElse(true))
                .collect(Collectors.partitioningBy(i -> !before.usersOf(i.id()).isEmpty()));
        List<Image> chosen = byUse.getOrDefault(false, List.of());
        List<ImageCommand.Remove> wishes = new ArrayList<>();
        for (Image image : chosen) {
            wishes.add(new ImageCommand.Remove(
                    image.id(), Optional.empty(), image.id().shortForm(), true));
        }
        for (Image image : byUse.getOrDefault(true, List.of())) {
            for (Reference name : idleNames(before, image)) {
                wishes.add(new ImageCommand.Remove(image.id(), Optional.of(name), name.familiar(), false));
            }
        }
        return Answer.later(Sweep.all(request, wishes, wish -> {
                    List<Image> variants =
                            before.image(wish.image()).map(before::variants).orElse(List.of());
                    return agent.submit(wish, request.cause())
                            .thenApply(event -> report(before, agent.host(), variants));
                })
                .thenApply(reports -> {
                    // Images that go together may have had layers in common, which go once.
                    Set<JsonNode> deleted = new LinkedHashSet<>();
                    reports.forEach(lines -> lines.forEach(deleted::add));
                    Host after = agent.host();
                    long reclaimed = chosen.stream()
                            .flatMap(i -> before.variants(i).stream())
                            .filter(i ->
                                    after.image(i.id()).filter(Image::wanted).isEmpty())
                            .flatMap(i -> i.layers().stream())
                            .map(LayerSpec::id)
                            .distinct()
                            .filter(l -> !after.isWanted(l))
                            .flatMap(l -> before.layer(l).stream())
                            .mapToLong(Layer::sizeBytes)
                            .sum();
                    agent.submit(new HostCommand.NotePrune("image", reclaimed), request.cause());
                    ObjectNode answer = Json.object();
                    answer.set(
                            "ImagesDeleted",
                            deleted.isEmpty() ? null : Json.array().addAll(deleted));
                    return Answer.json(answer.put("SpaceReclaimed", reclaimed));
                }));
    }

    /** The names of an image that no container was made by; of several the last stays, for the image does. */
    private static List<Reference> idleNames(Host host, Image image) {
        Set<Reference> used = host.usersOf(image.id()).stream()
                .flatMap(c -> ImageLookup.named(host, c.spec().imageReference()).stream())
                .collect(Collectors.toSet());
        List<Reference> names = image.references().stream()
                .map(Reference::parse)
                .filter(r -> r.digest().isEmpty())
                .sorted(Comparator.comparing(Reference::familiar))
                .toList();
        List<Reference> idle = names.stream().filter(r -> !used.contains(r)).toList();
        return idle.subList(0, idle.size() < names.size() ? idle.size() : Math.max(idle.size() - 1, 0));
    }

    // ---- to and from registries

    /** {@code POST /images/create?fromImage=}: a pull, of all there is where neither a tag nor a digest is given. */
    static Answer pull(Agent agent, Request request) {
        // "docker pull --all-tags" ends the name with a colon.
        String name = request.query().text("fromImage").replaceFirst(":$", "");
        String tag = request.query().text("tag");
        Reference reference = reference(name, tag);
        if (reference.repository().familiar().equals("scratch")) {
            throw Problem.invalid("'scratch' is a reserved name");
        }
        Optional<Platform> platform = platform(request);
        Credentials credentials = credentials(request);
        Transfer transfer = new Transfer(request::onGone);
        if (!tag.isEmpty() || namesOne(name)) {
            pull(agent, request, reference, platform, credentials, transfer, transfer::end);
        } else {
            request.work(() -> agent.registries().open(reference.repository(), credentials, Remote::tags))
                    .whenComplete((tags, thrown) -> {
                        if (thrown != null) {
                            transfer.fail(notPulled(thrown));
                        } else {
                            pullEach(agent, request, references(reference, tags), platform, credentials, transfer);
                        }
                    });
        }
        return Answer.later(transfer.answer());
    }

    /**
     * A registry that turns strangers away does not say whether it has the image, so there is none, as Docker has it. At a status
     * of 401 the command line would ask for a password, and wait for it where nobody is to type one.
     */
    private static Problem notPulled(Throwable thrown) {
        Problem problem = Problems.of(thrown);
        return switch (problem.status()) {
            case 401 -> Problem.missing(problem.message());
            // Testcontainers tries again after 500 alone.
            case 503 -> new Problem(500, problem.message());
            default -> problem;
        };
    }

    private static Deque<Reference> references(Reference reference, List<String> tags) {
        Deque<Reference> references = new ArrayDeque<>();
        tags.forEach(tag -> references.add(reference(reference.repository().toString(), tag)));
        return references;
    }

    /** One after the other; what is pulled together shares most of its layers. */
    private static void pullEach(
            Agent agent,
            Request request,
            Deque<Reference> left,
            Optional<Platform> platform,
            Credentials credentials,
            Transfer transfer) {
        Reference next = left.poll();
        if (next == null || transfer.isLeft()) {
            transfer.end();
        } else {
            pull(
                    agent,
                    request,
                    next,
                    platform,
                    credentials,
                    transfer,
                    () -> pullEach(agent, request, left, platform, credentials, transfer));
        }
    }

    private static void pull(
            Agent agent,
            Request request,
            Reference reference,
            Optional<Platform> platform,
            Credentials credentials,
            Transfer transfer,
            Runnable then) {
        PullId id = newPull();
        agent.lend(id, credentials);
        boolean known = agent.host().imageNamed(reference.toString()).isPresent();
        Optional<Digest> had = agent.host().imageNamed(reference.toString()).map(i -> i.id().digest());
        transfer.onGone(() -> agent.submit(new ImageCommand.CancelPull(id), request.cause()));
        LayerProgress progress = new LayerProgress(transfer);
        Runnable greet = greeting(agent, id, reference, transfer, progress);
        AutoCloseable watch = agent.watch(id, heard -> {
            // Of other pulls is heard before it is known what this one takes.
            if (agent.host().pull(id).flatMap(p -> p.resolved()).isPresent()) {
                greet.run();
                progress.heard(heard);
            }
        });
        Optional<Image> here = agent.host().imageNamed(reference.toString()).filter(Image::wanted);
        request.work(() -> new Wholeness(agent, request)
                        .look(here.map(agent.host()::asKept).stream().toList()))
                .thenCompose(missing -> agent.submit(
                        new ImageCommand.PullImage(id, reference, platform, storage(agent)), request.cause()))
                .whenComplete((event, thrown) -> {
                    close(watch);
                    if (thrown != null) {
                        transfer.fail(notPulled(thrown));
                        return;
                    }
                    Image image = ((ImageEvent.Stored) event).image();
                    greet.run();
                    for (LayerSpec layer : image.layers()) {
                        Digest blob = layer.descriptor().digest();
                        if (progress.isAnnounced(blob)) {
                            progress.finish(blob, "Pull complete");
                        } else {
                            progress.exists(blob);
                        }
                    }
                    digest(image, reference)
                            .ifPresent(d -> transfer.tell(Json.object().put("status", "Digest: " + d)));
                    boolean same = known && had.equals(Optional.of(image.id().digest()));
                    // Nothing may follow this line: some clients take the last one for the verdict.
                    transfer.tell(Json.object()
                            .put(
                                    "status",
                                    same
                                            ? "Status: Image is up to date for " + reference.familiar()
                                            : "Status: Downloaded newer image for " + reference.familiar()));
                    then.run();
                });
    }

    /** Says once what is pulled and which layers that takes, as soon as the reference is resolved. */
    private static Runnable greeting(
            Agent agent, PullId id, Reference reference, Transfer transfer, LayerProgress progress) {
        return new Runnable() {
            private boolean greeted;

            @Override
            public synchronized void run() {
                if (greeted) {
                    return;
                }
                greeted = true;
                transfer.tell(Json.object()
                        .put("status", "Pulling from " + reference.repository().path())
                        .put(
                                "id",
                                reference
                                        .tag()
                                        .or(() -> reference.digest().map(Digest::toString))
                                        .orElse("")));
                Host host = agent.host();
                host.pull(id).flatMap(p -> p.resolved()).ifPresent(resolved -> {
                    for (LayerSpec layer : resolved.layers()) {
                        boolean here = host.layer(layer.id())
                                .filter(l ->
                                        l.snapshot().isPresent() && l.content().isPresent())
                                .isPresent();
                        if (here) {
                            progress.exists(layer.descriptor().digest());
                        } else {
                            progress.announce(layer.descriptor().digest(), "Pulling fs layer");
                        }
                    }
                });
            }
        };
    }

    private static Optional<Digest> digest(Image image, Reference reference) {
        return image.references().stream()
                .map(Reference::parse)
                .filter(r -> r.repository().equals(reference.repository()))
                .flatMap(r -> r.digest().stream())
                .reduce((a, b) -> b);
    }

    /** {@code POST /images/{name}/push}: of one name, or of all the repository has here where no tag is given. */
    private static Answer push(Agent agent, Request request) {
        Optional<String> tag = request.query().value("tag");
        Reference named = reference(request.name(), tag.orElse(""));
        Deque<Reference> references = new ArrayDeque<>();
        if (tag.isPresent() || namesOne(request.name())) {
            references.add(named);
        } else {
            agent.host().images().values().stream()
                    .flatMap(image -> image.references().stream())
                    .map(Reference::parse)
                    .filter(r -> r.repository().equals(named.repository())
                            && r.digest().isEmpty())
                    .sorted(Comparator.comparing(Reference::familiar))
                    .forEach(references::add);
        }
        // Of all else that is wrong is told in the stream, as clients expect it of a push.
        platforms(request, "platform").forEach(p -> ImageLookup.get(agent.host(), named.familiar(), Optional.of(p)));
        Transfer transfer = new Transfer(request::onGone);
        transfer.tell(Json.object().put("status", "The push refers to repository [" + named.repository() + "]"));
        Optional<Problem> missing = notThere(agent.host(), named.repository(), references);
        if (missing.isPresent()) {
            transfer.fail(missing.get());
            return Answer.later(transfer.answer());
        }
        pushEach(agent, request, references, transfer);
        return Answer.later(transfer.answer());
    }

    /** What cannot be pushed since it is not here: a whole repository, or a name in it. */
    private static Optional<Problem> notThere(Host host, Repository repository, Collection<Reference> wanted) {
        List<String> here = host.images().values().stream()
                .filter(Image::wanted)
                .flatMap(image -> image.references().stream())
                .filter(r -> Reference.parse(r).repository().equals(repository))
                .toList();
        if (here.isEmpty()) {
            return Optional.of(
                    Problem.missing("An image does not exist locally with the tag: " + repository.familiar()));
        }
        return wanted.stream()
                .filter(r -> !here.contains(r.toString()))
                .findFirst()
                .map(r -> Problem.missing("tag does not exist: " + r.familiar()));
    }

    private static boolean namesOne(String name) {
        return name.contains("@") || name.lastIndexOf(':') > name.lastIndexOf('/');
    }

    private static void pushEach(Agent agent, Request request, Deque<Reference> left, Transfer transfer) {
        Reference next = left.poll();
        if (next == null || transfer.isLeft()) {
            transfer.end();
            return;
        }
        agent.host()
                .imageNamed(next.toString())
                .filter(Image::wanted)
                .ifPresentOrElse(
                        image -> push(
                                agent, request, next, image, transfer, () -> pushEach(agent, request, left, transfer)),
                        // It lost its name while those before it were pushed.
                        () -> pushEach(agent, request, left, transfer));
    }

    private static void push(
            Agent agent, Request request, Reference reference, Image named, Transfer transfer, Runnable then) {
        PullId id = newPull();
        agent.lend(id, credentials(request));
        transfer.onGone(() -> agent.giveUp(id));
        Optional<Platform> platform = platforms(request, "platform").stream().findFirst();
        Host host = agent.host();
        List<Image> variants = host.variants(named);
        Image image = host.asKept(variants.stream()
                .filter(i -> platform.map(p -> p.accepts(i.config().platform())).orElse(true))
                .findFirst()
                .orElse(named));
        LayerProgress progress = LayerProgress.outgoing(transfer, host.blobsBeside(reference.repository()));
        for (LayerSpec layer : image.layers()) {
            progress.announce(layer.descriptor().digest(), "Preparing");
        }
        AutoCloseable watch = agent.watch(id, progress::heard);
        List<Image> going = platform.isEmpty() && variants.size() > 1
                ? variants.stream().map(host::asKept).toList()
                : List.of(image);
        request.work(() -> {
                    new Wholeness(agent, request).check(reference.familiar(), going);
                    return going;
                })
                .thenCompose(whole -> agent.submit(
                        new ImageCommand.Push(id, image.id(), reference, platform.isEmpty()), request.cause()))
                .whenComplete((event, thrown) -> {
                    close(watch);
                    if (thrown != null) {
                        transfer.fail(Problems.of(thrown));
                        return;
                    }
                    ImageEvent.Pushed pushed = (ImageEvent.Pushed) event;
                    String tag = reference.tag().orElse("");
                    transfer.tell(Json.object()
                            .put("status", tag + ": digest: " + pushed.digest() + " size: " + pushed.sizeBytes()));
                    ObjectNode aux = Json.object();
                    aux.putObject("aux")
                            .put("Tag", tag)
                            .put("Digest", pushed.digest().toString())
                            .put("Size", pushed.sizeBytes());
                    transfer.tell(aux);
                    if (platform.isEmpty() && variants.size() > 1) {
                        insteadOfIndex(image, pushed).ifPresent(transfer::tell);
                    }
                    then.run();
                });
    }

    /** Where the index names more than is here, one manifest went alone, which clients are told. */
    private static Optional<ObjectNode> insteadOfIndex(Image image, ImageEvent.Pushed pushed) {
        if (!pushed.digest().equals(image.manifest().digest()) || image.index().isEmpty()) {
            return Optional.empty();
        }
        ObjectNode line = Json.object();
        ObjectNode aux = line.putObject("aux").put("manifestPushedInsteadOfIndex", true);
        aux.set("originalIndex", Manifests.descriptor(image.index().get()));
        aux.set("selectedManifest", Manifests.descriptor(image.manifest()));
        return Optional.of(line);
    }

    private static void close(AutoCloseable watch) {
        try {
            watch.close();
        } catch (Exception e) {
            throw new IllegalStateException("a watch that cannot be closed", e);
        }
    }

    // ---- shared with archives

    /** The platforms a client asks for of an image that is here, each written as JSON. */
    static List<Platform> platforms(Request request, String key) {
        return request.query().all(key).stream()
                .filter(text -> !text.isBlank())
                .map(text -> Body.parse(text.getBytes(StandardCharsets.UTF_8)))
                .map(body -> {
                    try {
                        return new Platform(body.text("os"), body.text("architecture"), body.text("variant"));
                    } catch (IllegalArgumentException e) {
                        throw Problem.invalid(String.valueOf(e.getMessage()));
                    }
                })
                .toList();
    }

    /** The platform a client asks for. */
    public static Optional<Platform> platform(Request request) {
        return request.query().value("platform").map(text -> {
            try {
                return Platform.parse(text);
            } catch (IllegalArgumentException e) {
                throw Problem.invalid(String.valueOf(e.getMessage()));
            }
        });
    }

    static PullId newPull() {
        return new PullId(UUID.randomUUID().toString().replace("-", ""));
    }

    static DriverName storage(Agent agent) {
        return agent.host()
                .preferred(DriverKind.STORAGE)
                .orElseThrow(() -> Problem.unavailable("no storage driver serves; see wharf driver ls"));
    }

    /** A reference of a name and a tag or digest beside it. */
    /** What an image that is made here shall be called; its digest is not for anybody to choose. */
    static Reference newName(String name, String tag) {
        Reference reference = reference(name, tag);
        if (reference.digest().isPresent()) {
            throw Problem.invalid("cannot import digest reference");
        }
        return reference;
    }

    static Reference reference(String name, String tag) {
        try {
            if (tag.isEmpty()) {
                return Reference.parse(name);
            }
            Reference bare = Reference.parse(name);
            return tag.contains(":")
                    ? Reference.of(bare.repository(), Digest.parse(tag))
                    : Reference.of(bare.repository(), tag);
        } catch (IllegalArgumentException e) {
            throw Problem.invalid(String.valueOf(e.getMessage()));
        }
    }

    /** Whose credentials the client sends along; what cannot be read counts as none, as with Docker. */
    static Credentials credentials(Request request) {
        return request.header("X-Registry-Auth").map(RegistryAuth::parse).orElse(Credentials.ANONYMOUS);
    }
}
