package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.context.Sources;
import dev.wharf.build.dockerfile.BoundedText.TooHardException;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.plan.Draft;
import dev.wharf.build.plan.Stage;
import dev.wharf.build.plan.Stages;
import dev.wharf.build.run.Voices.Voice;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.BuildCommand;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Image;
import dev.wharf.model.ImageId;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.stream.Collectors;

/**
 * One build from a context to an image. Stages that do not need one another run side by side, each on a thread of its own;
 * stages that nobody needs do not run. Used once; {@link #cancel} may come from any thread.
 */
public final class Build {
    private static final long LONGEST_FAREWELL_MILLIS = 10_000;

    /** As many stages are under way at a time at most, besides the last. */
    private static final int MOST_SIDE_BY_SIDE = 16;

    /** The instructions that do more than to note something in the image's config. */
    private static final Set<String> WORKS = Set.of("RUN", "COPY", "ADD", "WORKDIR");

    private final Site site;
    private final Order order;
    private final Report report;
    private final Voices voices;
    private final Hands hands;
    private final StepCache cache;
    private final String id;
    private final Map<Integer, FutureTask<StageRun.Made>> stages = new ConcurrentHashMap<>();
    private final List<Thread> threads = new ArrayList<>();

    /** @param id what it is remembered by */
    public Build(Site site, String id, Order order, Report report, HostCache cache) {
        this.site = site;
        this.order = order;
        this.report = report;
        this.voices = new Voices(report);
        this.cache = cache.at(site);
        this.id = id;
        this.hands = new Hands(site);
    }

    /** What no build was called before. */
    public static String freshId() {
        return Entropy.fresh().hex("build").substring(0, 12);
    }

    /** Gives the build up: what runs for it ends, and {@link #run} fails soon. */
    public void cancel() {
        hands.cancel();
        List<Thread> running;
        synchronized (threads) {
            running = List.copyOf(threads);
        }
        running.forEach(Thread::interrupt);
    }

    /** Gives what was built without a name one, which it may have already. */
    public static void tag(Agent agent, Cause cause, ImageId image, Reference name)
            throws BuildException, InterruptedException {
        Hands.tag(agent, cause, image, name);
    }

    /** Shows the files of an image, as a directory of the host, for the length of {@code use}. */
    public static void look(Site site, ImageId image, Look use)
            throws BuildException, IOException, InterruptedException {
        try (Hands hands = new Hands(site)) {
            Job job = Job.still(image);
            hands.create(job);
            try {
                site.agent().streams().rootfs(job.id(), root -> {
                    use.at(root);
                    return root;
                });
            } catch (DriverException e) {
                throw new BuildException(e.failure().message());
            } finally {
                hands.dismiss(job.id());
            }
        }
    }

    /** Does something with a directory. */
    public interface Look {
        void at(Path root) throws IOException;
    }

    /** Builds from the context that is in the site's folder already. */
    public ImageId run(ContextFolder context) throws BuildException {
        boolean done = false;
        long begun = System.nanoTime();
        site.agent()
                .submit(
                        new BuildCommand.Begin(
                                id,
                                order.dockerfile(),
                                order.names().stream().map(Reference::familiar).toList()),
                        site.cause());
        try {
            ImageId image = build(context);
            done = true;
            end(begun, Optional.of(image), "");
            return image;
        } catch (DockerfileException | ContextException | TooHardException e) {
            throw new BuildException(String.valueOf(e.getMessage()));
        } catch (DriverException e) {
            throw new BuildException(e.failure().message());
        } catch (InterruptedIOException e) {
            throw new BuildException("the build was cancelled");
        } catch (IOException e) {
            throw new BuildException("the build failed on a file: " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BuildException("the build was cancelled");
        } finally {
            if (!done) {
                end(begun, Optional.empty(), "the build failed; its client was told why");
                cancel();
                awaitStages();
                if (!order.keeping().failed()) {
                    hands.dismissLeft();
                }
            }
            hands.close();
        }
    }

    /** What is still under way elsewhere hears of the end at its next step at the latest. */
    private void awaitStages() {
        List<Thread> running;
        synchronized (threads) {
            running = List.copyOf(threads);
        }
        boolean interrupted = Thread.interrupted();
        for (Thread thread : running) {
            try {
                thread.join(LONGEST_FAREWELL_MILLIS);
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private void end(long begun, Optional<ImageId> image, String failure) {
        site.agent()
                .submit(
                        new BuildCommand.End(id, Duration.ofNanos(System.nanoTime() - begun), image, failure),
                        site.cause());
    }

    private ImageId build(ContextFolder context)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Sources sources = new Sources(site.tree(), site.agent().streams().files(), site.hashing(), context.folder());
        Dockerfile dockerfile = Dockerfile.parse(
                order.dockerfile(), order.text().isPresent() ? order.text().get() : text(sources));
        if (order.text().isEmpty()) {
            context.leaveOut();
        }
        Platform platform = order.platform().orElse(Platform.host());
        Stages all = Stages.of(dockerfile, order.arguments(), order.target(), platform, order.contexts());
        // Who hears the news hears of them by the rule that they break.
        dockerfile.warnings().forEach(text -> report.stream(text + "\n"));
        Numbers numbers = new Numbers(all, order.labels().size());
        for (Instruction arg : all.global()) {
            report.stream(numbers.next() + arg.code() + "\n");
        }
        Map<Integer, Numbers.Part> parts = new LinkedHashMap<>();
        StageRun.Shared shared =
                new StageRun.Shared(site, order, id, all, hands, cache, sources, report, index -> stage(all, index));
        // All have a voice before the first speaks, and all are there before the first asks for another.
        for (int index : all.wanted()) {
            voices.of(index);
            parts.put(index, numbers.part(all.all().get(index)));
        }
        report.news(planned(all, parts, numbers));
        for (Stage stage : all.all()) {
            stages.put(stage.index(), new FutureTask<>(() -> {
                Voice voice = voices.of(stage.index());
                Numbers.Part part =
                        Optional.ofNullable(parts.get(stage.index())).orElseGet(() -> numbers.part(stage));
                try {
                    return new StageRun(shared, stage, voice, part).runAndTell();
                } finally {
                    voice.end();
                }
            }));
        }
        // In the order of the file, in which nothing waits for what comes after it.
        Queue<FutureTask<StageRun.Made>> others = new ConcurrentLinkedQueue<>();
        parts.keySet().stream()
                .filter(index -> index != all.target().index())
                .sorted()
                .forEach(index -> others.add(Objects.requireNonNull(stages.get(index))));
        for (int i = Math.min(MOST_SIDE_BY_SIDE, others.size()); i > 0; i--) {
            start(others);
        }
        FutureTask<StageRun.Made> target =
                Objects.requireNonNull(stages.get(all.target().index()));
        target.run();
        Draft draft = result(target).draft();
        List<String> unused = all.outer().unused();
        if (!unused.isEmpty()) {
            warn("[Warning] One or more build-args [" + String.join(" ", unused) + "] were not consumed");
        }
        if (draft.layers().isEmpty() && draft.config().history().isEmpty()) {
            throw new BuildException("No image was generated. Is your Dockerfile empty?");
        }
        Image image = hands.store(draft, order.names());
        report.image(image.id());
        return image.id();
    }

    private void warn(String text) {
        report.stream(text + "\n");
        report.news(new News.Warned(text));
    }

    private static News.Planned planned(Stages all, Map<Integer, Numbers.Part> parts, Numbers numbers) {
        List<News.Part> stages = new ArrayList<>();
        parts.forEach((index, part) -> {
            Stage stage = all.all().get(index);
            int first = part.number() + 1;
            List<Integer> works = new ArrayList<>(List.of(first));
            for (int i = 0; i < stage.body().size(); i++) {
                if (WORKS.contains(stage.body().get(i).word())) {
                    works.add(first + 1 + i);
                }
            }
            stages.add(new News.Part(
                    stage.shown(),
                    stage.base(),
                    first,
                    1 + stage.body().size(),
                    works,
                    stage.needs().stream().map(n -> all.all().get(n).shown()).collect(Collectors.toSet())));
        });
        return new News.Planned(numbers.total(), stages);
    }

    private void start(Queue<FutureTask<StageRun.Made>> some) {
        Thread thread = new Thread(
                () -> {
                    for (FutureTask<StageRun.Made> next = some.poll(); next != null; next = some.poll()) {
                        next.run();
                    }
                },
                "wharf-build");
        thread.setDaemon(true);
        synchronized (threads) {
            threads.add(thread);
        }
        thread.start();
    }

    /** What another stage made, which is waited for. */
    private StageRun.Made stage(Stages all, int index) throws BuildException, InterruptedException {
        FutureTask<StageRun.Made> stage = Objects.requireNonNull(stages.get(index));
        if (!all.wanted().contains(index)) {
            // A trigger of a base image asks for what nobody knew of when the graph was made: whoever comes first makes
            // it.
            stage.run();
        }
        return result(stage);
    }

    private static StageRun.Made result(FutureTask<StageRun.Made> stage) throws BuildException, InterruptedException {
        try {
            return stage.get();
        } catch (ExecutionException e) {
            Throwable cause = e.getCause();
            if (cause instanceof BuildException known) {
                throw known;
            }
            if (cause instanceof DockerfileException || cause instanceof ContextException) {
                throw new BuildException(String.valueOf(cause.getMessage()));
            }
            if (cause instanceof DriverException driver) {
                throw new BuildException(driver.failure().message());
            }
            if (cause instanceof InterruptedException || cause instanceof InterruptedIOException) {
                throw new BuildException("the build was cancelled");
            }
            if (cause instanceof IOException io) {
                throw new BuildException("the build failed on a file: " + io.getMessage());
            }
            if (cause instanceof RuntimeException fault) {
                throw fault;
            }
            throw new IllegalStateException(cause);
        }
    }

    private String text(Sources sources) throws BuildException, IOException {
        try {
            return text(sources, order.dockerfile());
        } catch (BuildException e) {
            if (!order.dockerfile().equals("Dockerfile")) {
                throw e;
            }
            // Docker takes the usual name in small letters, too.
            try {
                return text(sources, "dockerfile");
            } catch (BuildException same) {
                throw e;
            }
        }
    }

    private static String text(Sources sources, String path) throws BuildException, IOException {
        try {
            Sources.Source file =
                    sources.find(path.replace("\\", "\\\\"), false).get(0);
            byte[] bytes = sources.read(file, in -> in.readNBytes(Dockerfile.LARGEST + 1));
            if (bytes.length > Dockerfile.LARGEST) {
                throw new BuildException(
                        "the Dockerfile (" + path + ") is larger than " + Dockerfile.LARGEST + " bytes");
            }
            if (bytes.length == 0) {
                throw new BuildException("the Dockerfile (" + path + ") cannot be empty");
            }
            return new String(bytes, StandardCharsets.UTF_8);
        } catch (ContextException e) {
            throw new BuildException(
                    e.getMessage() != null && e.getMessage().startsWith("forbidden")
                            ? e.getMessage()
                            : "Cannot locate specified Dockerfile: " + path);
        }
    }

    /** Counts the steps of the stages that are built, as they are told. */
    static final class Numbers {
        private final int total;
        private int said;

        Numbers(Stages all, int labels) {
            int steps = all.global().size() + labels;
            for (int index : all.wanted()) {
                steps += 1 + all.all().get(index).body().size();
            }
            total = steps;
        }

        int total() {
            return total;
        }

        String next() {
            return "Step " + ++said + "/" + total + " : ";
        }

        synchronized Part part(Stage stage) {
            Part part = new Part(said, total);
            said += 1 + stage.body().size();
            return part;
        }

        /** The numbers of one stage. */
        static final class Part {
            private final int total;
            private int said;

            Part(int said, int total) {
                this.said = said;
                this.total = total;
            }

            int number() {
                return said;
            }

            String next() {
                return "Step " + ++said + "/" + total + " : ";
            }
        }
    }

    /** An epoch that the client wants all times to be at most, for images that come out the same. */
    static Optional<Long> epoch(Order order) throws BuildException {
        String text = order.arguments().get("SOURCE_DATE_EPOCH");
        if (text == null || text.isEmpty()) {
            return Optional.empty();
        }
        try {
            return Optional.of(Long.parseLong(text));
        } catch (NumberFormatException e) {
            throw new BuildException("SOURCE_DATE_EPOCH is " + text + ", and not seconds since 1970");
        }
    }
}
