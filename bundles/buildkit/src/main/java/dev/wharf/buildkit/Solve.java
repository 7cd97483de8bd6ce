package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.context.Patterns;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.plan.Checks;
import dev.wharf.build.plan.GoWords;
import dev.wharf.build.plan.Stages;
import dev.wharf.build.run.Build;
import dev.wharf.build.run.BuildException;
import dev.wharf.build.run.Needed;
import dev.wharf.build.run.Offers;
import dev.wharf.build.run.Order;
import dev.wharf.build.run.Shelf;
import dev.wharf.buildkit.wire.Control.Exporter;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.Reference;
import dev.wharf.oci.layer.Packer;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.LongConsumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One build of one client, from what it asks to names of what came of it. Safe to use from any thread. */
final class Solve {
    /** A context that the client reads from its own input has such an address. */
    private static final String UPLOADED = "http://buildkit-session/";

    private static final Logger LOG = LoggerFactory.getLogger(Solve.class);

    private static final Pattern NEVER_THE_SAME = Pattern.compile("[a-z0-9]{25}");

    private static final Set<String> IMAGES = Set.of("moby", "image", "docker");
    private static final Set<String> FILES = Set.of("local", "tar");

    private final String ref;
    private final Progress progress;
    private final CompletableFuture<Optional<ImageId>> answer = new CompletableFuture<>();
    private final List<Workshop.Work> under = new ArrayList<>();
    private boolean cancelled;
    private volatile boolean over;
    private final CompletableFuture<Opening> opening = new CompletableFuture<>();

    Solve(String ref) {
        this.ref = ref;
        this.progress = new Progress(ref);
    }

    Progress progress() {
        return progress;
    }

    /** What the client says came of it, where it says what is built while that is done. */
    CompletableFuture<Optional<ImageId>> answer() {
        return answer;
    }

    /**
     * What the request says that the gateway's calls need.
     *
     * @param cacheFrom names of images whose steps count as done
     */
    record Opening(String session, List<String> cacheFrom) {
        Opening {
            cacheFrom = List.copyOf(cacheFrom);
        }
    }

    /** Is completed by the request, which the gateway's calls may overtake. */
    CompletableFuture<Opening> opening() {
        return opening;
    }

    /** Nothing more comes of it. */
    void over() {
        over = true;
        progress.end();
    }

    boolean isUnderWay() {
        return opening.isDone() && !over;
    }

    void cancel() {
        List<Workshop.Work> works;
        synchronized (this) {
            cancelled = true;
            works = List.copyOf(under);
        }
        answer.completeExceptionally(new BuildException("the build was cancelled"));
        works.forEach(Workshop.Work::cancel);
    }

    private synchronized void under(Workshop.Work work) {
        under.add(work);
        if (cancelled) {
            work.cancel();
        }
    }

    /** Builds an image. Blocks while the client sends its Dockerfile. */
    CompletionStage<ImageId> build(Workshop workshop, Session session, Attributes wanted, List<String> cacheFrom)
            throws BuildException {
        Workshop.Wish wish = wish(workshop, wanted, session, cacheFrom);
        Workshop.Work work = workshop.begin(wish, progress);
        under(work);
        return work.image().whenComplete((image, fault) -> {
            if (fault != null) {
                progress.failed(told(fault));
            }
        });
    }

    /** Why there is no image, in the words of BuildKit, which its clients look for. */
    static String told(Throwable fault) {
        Throwable cause = fault instanceof CompletionException && fault.getCause() != null ? fault.getCause() : fault;
        String why = String.valueOf(cause.getMessage());
        return cause instanceof BuildException known
                ? known.command()
                        .map(command -> "process " + GoWords.quoted(command)
                                + " did not complete successfully: exit code: " + known.code())
                        .orElse(why)
                : why;
    }

    private Workshop.Wish wish(Workshop workshop, Attributes wanted, Session session, List<String> cacheFrom)
            throws BuildException {
        String address = wanted.context();
        Workshop.Lender lender = new Workshop.Lender() {
            @Override
            public Offers offers() {
                return session;
            }

            @Override
            public Credentials credentials(Reference image) {
                return session.credentials(image);
            }
        };
        if (address.isEmpty()) {
            Locals locals = locals(wanted, session);
            Order order = wanted.order(Optional.of(locals.dockerfile), cacheFrom);
            Optional<Set<String>> needed = Optional.of(Set.of());
            try {
                Stages stages = wanted.stages(order.dockerfile(), locals.dockerfile);
                check(workshop, stages, wanted);
                needed = needed(workshop, stages, order);
            } catch (DockerfileException e) {
                LOG.debug("the build fails of it, and says so", e);
            }
            Optional<Set<String>> paths = needed;
            return new Workshop.Wish(
                    id(),
                    order,
                    wanted.limits(),
                    new Workshop.Source.Sent((folder, shelf) -> {
                        if (paths.equals(Optional.of(Set.of()))) {
                            Files.createDirectories(folder.folder());
                        } else {
                            folder(
                                    folder,
                                    shelf,
                                    session,
                                    wanted.localContext(),
                                    "[internal] load build context",
                                    locals.leftOut,
                                    paths.map(List::copyOf).orElse(List.of()));
                        }
                        additional(folder, shelf, wanted, session);
                    }),
                    lender);
        }
        Optional<String> text =
                wanted.hasLocalDockerfile() ? Optional.of(locals(wanted, session).dockerfile) : Optional.empty();
        Workshop.Source source = address.startsWith(UPLOADED)
                ? new Workshop.Source.Sent((folder, shelf) -> uploaded(folder, session, address))
                : new Workshop.Source.Remote(address);
        return new Workshop.Wish(id(), wanted.order(text, cacheFrom), wanted.limits(), source, lender);
    }

    /** What of the context is needed; empty where that may be all. */
    private static Optional<Set<String>> needed(Workshop workshop, Stages stages, Order order)
            throws DockerfileException {
        return Needed.paths(
                stages,
                image -> order.pull()
                        ? Optional.empty()
                        : workshop.config(order.contexts().image(image).orElse(image), order.platform())
                                .map(ImageConfig::onBuild));
    }

    /** Tells what could be written otherwise. */
    private void check(Workshop workshop, Stages stages, Attributes wanted) throws BuildException, DockerfileException {
        Checks.Result result = Checks.of(stages, wanted.checks(), false, wanted.bases(workshop));
        if (result.violation().isPresent()) {
            throw new BuildException(result.violation().get());
        }
        result.warnings().forEach(progress::warn);
    }

    /** The first build is remembered by its client's name for it, where that is one of those that are never the same. */
    private synchronized String id() {
        return under.isEmpty() && NEVER_THE_SAME.matcher(ref).matches() ? ref : Build.freshId();
    }

    /** Tells of the client's Dockerfile what it asks. Blocks while that is sent. */
    Map<String, ByteString> tell(String request, Workshop workshop, Session session, Attributes wanted)
            throws BuildException {
        Locals locals = locals(wanted, session);
        return new Told(wanted.file(), locals.dockerfile, wanted, workshop).answer(request);
    }

    /** What the client's folders say of how the rest of them is to be read. */
    private record Locals(String dockerfile, List<String> leftOut) {}

    private Locals locals(Attributes wanted, Session session) throws BuildException {
        String file = wanted.file();
        Progress.Chore chore = progress.begin("[internal] load build definition from " + file);
        try {
            String lower = file.equals("Dockerfile") ? "dockerfile" : file;
            Map<String, String> texts = texts(session.folder(
                    wanted.localDockerfile(),
                    List.of(),
                    List.of(file, file + ".dockerignore", lower),
                    FolderList.none(),
                    sent -> chore.part("transferring dockerfile:", sent, false)));
            String text = Optional.ofNullable(texts.get(file)).orElse(texts.getOrDefault(lower, ""));
            if (!texts.containsKey(file) && !texts.containsKey(lower)) {
                throw new BuildException("failed to read dockerfile: open " + file + ": no such file or directory");
            }
            if (text.isBlank()) {
                throw new BuildException("the Dockerfile (" + file + ") cannot be empty");
            }
            chore.part("transferring dockerfile:", text.length(), true);
            chore.done();
            String beside = texts.get(file + ".dockerignore");
            if (beside != null || !wanted.context().isEmpty()) {
                return new Locals(text, beside == null ? List.of() : cleaned(beside));
            }
            return new Locals(text, leftOut(session, wanted.localContext(), "[internal] load .dockerignore"));
        } catch (IOException e) {
            chore.failed(String.valueOf(e.getMessage()));
            throw new BuildException("failed to read dockerfile: " + e.getMessage());
        } catch (BuildException e) {
            chore.failed(String.valueOf(e.getMessage()));
            throw e;
        }
    }

    private List<String> leftOut(Session session, String folder, String what) throws BuildException {
        Progress.Chore chore = progress.begin(what);
        try {
            String text = texts(session.folder(
                            folder,
                            List.of(),
                            List.of(".dockerignore"),
                            FolderList.none(),
                            sent -> chore.part("transferring context:", sent, false)))
                    .getOrDefault(".dockerignore", "");
            List<String> patterns = cleaned(text);
            chore.done();
            return patterns;
        } catch (IOException e) {
            chore.failed(String.valueOf(e.getMessage()));
            throw new BuildException("failed to read .dockerignore: " + e.getMessage());
        }
    }

    private static List<String> cleaned(String text) throws BuildException {
        try {
            return Patterns.cleaned(text.lines().toList());
        } catch (IllegalArgumentException e) {
            throw new BuildException("error parsing .dockerignore: " + e.getMessage());
        }
    }

    /** The few small files of a folder that were asked for, by their paths. */
    private static Map<String, String> texts(InputStream folder) throws IOException, BuildException {
        Map<String, String> texts = new HashMap<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(folder)) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                if (entry.isFile()) {
                    byte[] bytes = tar.readNBytes(Dockerfile.LARGEST + 1);
                    if (bytes.length > Dockerfile.LARGEST) {
                        throw new BuildException(entry.getName() + " is larger than " + Dockerfile.LARGEST + " bytes");
                    }
                    texts.put(entry.getName(), new String(bytes, StandardCharsets.UTF_8));
                }
            }
        }
        return texts;
    }

    /** Tells how much of a folder came. */
    private static final class Sent implements LongConsumer {
        private final Progress.Chore chore;
        private long told;
        private long all;

        Sent(Progress.Chore chore) {
            this.chore = chore;
        }

        @Override
        public void accept(long sent) {
            all = sent;
            // Enough to be seen to move.
            if (sent - told >= 1 << 20) {
                told = sent;
                chore.part("transferring context:", sent, false);
            }
        }
    }

    /** Brings a folder of the client's: what is not kept of it already. */
    private void folder(
            ContextFolder folder,
            Shelf shelf,
            Session session,
            String name,
            String what,
            List<String> leftOut,
            List<String> only)
            throws IOException {
        Progress.Chore chore = progress.begin(what);
        Sent heard = new Sent(chore);
        try {
            Optional<Shelf.Place> place = Optional.empty();
            Optional<String> key = session.key(name, what);
            if (key.isPresent()) {
                place = Optional.of(shelf.take(name, key.get(), folder.folder()));
            }
            try (FolderList list = place.isPresent()
                            ? FolderList.of(place.get().before(), place.get().after())
                            : FolderList.none();
                    FolderStream files = session.folder(name, leftOut, only, list, heard)) {
                folder.receive(files);
                folder.remove(list.gone());
                if (place.isPresent()) {
                    place.get().keep(files.sizeBytes());
                }
            }
            chore.part("transferring context:", heard.all, true);
            chore.done();
        } catch (IOException e) {
            chore.failed(String.valueOf(e.getMessage()));
            throw e;
        }
    }

    /** What else there is to copy from; each such folder may have a .dockerignore of its own. */
    private void additional(ContextFolder context, Shelf shelf, Attributes wanted, Session session)
            throws BuildException, IOException {
        for (Map.Entry<String, String> one : wanted.folders().entrySet()) {
            folder(
                    context.beside(one.getKey()),
                    shelf,
                    session,
                    one.getValue(),
                    "[context " + one.getKey() + "] load from client",
                    leftOut(session, one.getValue(), "[context " + one.getKey() + "] load .dockerignore"),
                    List.of());
        }
    }

    private void uploaded(ContextFolder folder, Session session, String address) throws IOException {
        Progress.Chore chore = progress.begin("[internal] load remote build context");
        try (InputStream tar = session.upload(address.substring(UPLOADED.length() - 1))) {
            folder.receive(tar);
            chore.done();
        } catch (IOException e) {
            chore.failed(String.valueOf(e.getMessage()));
            throw e;
        }
    }

    // ---- what becomes of it

    /** Whether all of that can be done with an image; asked before anything is built. */
    static void check(List<Exporter> exporters) throws BuildException {
        for (Exporter exporter : exporters) {
            if (IMAGES.contains(exporter.getType())) {
                names(exporter);
            } else if (!FILES.contains(exporter.getType())) {
                throw new BuildException("an output of type " + exporter.getType()
                        + " is not served; there are image, local and tar, and docker save gives images out");
            }
        }
    }

    private static List<Reference> names(Exporter exporter) throws BuildException {
        List<Reference> names = new ArrayList<>();
        for (String name : exporter.getAttrsOrDefault("name", "").split(",")) {
            if (!name.isEmpty()) {
                names.add(name(name));
            }
        }
        return names;
    }

    private static Reference name(String name) throws BuildException {
        try {
            Reference reference = Reference.parse(name);
            if (reference.digest().isPresent()) {
                throw new BuildException("refusing to create a tag with a digest reference");
            }
            return reference;
        } catch (IllegalArgumentException e) {
            throw new BuildException("invalid tag \"" + name + "\": " + e.getMessage());
        }
    }

    /** Gives the image its names or its files out, and says what it is. Blocks. */
    Map<String, String> export(Workshop workshop, Session session, ImageId image, List<Exporter> exporters)
            throws BuildException, IOException, InterruptedException {
        Map<String, String> told = new LinkedHashMap<>();
        for (int id = 0; id < exporters.size(); id++) {
            Exporter exporter = exporters.get(id);
            if (IMAGES.contains(exporter.getType())) {
                told.putAll(name(workshop, image, names(exporter)));
            } else {
                files(workshop, session, image, exporter.getType(), id);
            }
        }
        return told;
    }

    private Map<String, String> name(Workshop workshop, ImageId image, List<Reference> names)
            throws BuildException, InterruptedException {
        Progress.Chore chore = progress.begin("exporting to image");
        chore.part("writing image " + image.value(), 0, true);
        Map<String, String> told = new LinkedHashMap<>();
        for (Reference name : names) {
            workshop.tag(image, name);
            chore.part("naming to " + name, 0, true);
        }
        chore.done();
        told.put("containerimage.digest", image.value());
        told.put("containerimage.config.digest", image.value());
        if (!names.isEmpty()) {
            told.put("image.name", names.stream().map(Reference::toString).collect(Collectors.joining(",")));
        }
        return told;
    }

    private void files(Workshop workshop, Session session, ImageId image, String type, int id)
            throws BuildException, IOException, InterruptedException {
        Progress.Chore chore =
                progress.begin(type.equals("tar") ? "exporting to client tarball" : "exporting to client directory");
        try {
            workshop.look(image, root -> {
                if (type.equals("tar")) {
                    session.give(id, Packer.everything(root));
                } else {
                    session.give(id, root);
                }
            });
            chore.done();
        } catch (BuildException | IOException e) {
            chore.failed(String.valueOf(e.getMessage()));
            throw e;
        }
    }
}
