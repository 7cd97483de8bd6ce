package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.context.Sources;
import dev.wharf.build.dockerfile.BoundedText.TooHardException;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.plan.Contexts;
import dev.wharf.build.plan.Draft;
import dev.wharf.build.plan.Stage;
import dev.wharf.build.plan.Stages;
import dev.wharf.build.run.Voices.Voice;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.locks.Lock;
import java.util.concurrent.locks.ReentrantLock;

/** Makes one stage, step by step. One thread. */
final class StageRun {
    /** What the stages of one build have in common. */
    record Shared(
            Site site,
            Order order,
            String build,
            Stages stages,
            Hands hands,
            StepCache cache,
            Sources context,
            Report report,
            Others others,
            ConcurrentMap<Digest, Turn> turns) {
        Shared(
                Site site,
                Order order,
                String build,
                Stages stages,
                Hands hands,
                StepCache cache,
                Sources context,
                Report report,
                Others others) {
            this(site, order, build, stages, hands, cache, context, report, others, new ConcurrentHashMap<>());
        }

        /** Who comes with the same step while it is done waits for it, unless everything is to be done anew. */
        Turn turn(Digest key) {
            return order.noCache() ? new Turn() : turns.computeIfAbsent(key, k -> new Turn());
        }
    }

    /** One step that several stages may have; whoever holds the lock does it, or takes what was made. */
    static final class Turn {
        private final Lock lock = new ReentrantLock();
        private Optional<BuildStep> made = Optional.empty();
    }

    /** The other stages, which are waited for. */
    interface Others {
        Made stage(int index) throws BuildException, InterruptedException;
    }

    /**
     * What a stage came to.
     *
     * @param holder an image that has its layers; empty where it has none
     */
    record Made(Draft draft, Optional<ImageId> holder) {}

    /** What a step does where it was not done before. */
    interface Work {
        Optional<LayerSpec> make()
                throws BuildException, DockerfileException, DriverException, IOException, InterruptedException;
    }

    private final Shared shared;
    private final Stage stage;
    private final Voice voice;
    private final Build.Numbers.Part numbers;
    private final Optional<Long> epoch;
    private Draft draft;
    private Optional<ImageId> holder = Optional.empty();
    private final List<BuildStep> taken = new ArrayList<>();
    private Instruction now;
    private long begun = System.nanoTime();

    StageRun(Shared shared, Stage stage, Voice voice, Build.Numbers.Part numbers) throws BuildException {
        this.shared = shared;
        this.stage = stage;
        this.voice = voice;
        this.numbers = numbers;
        this.epoch = Build.epoch(shared.order());
        this.now = stage.from();
        this.draft = Draft.scratch(shared.stages(), Platform.host());
    }

    Draft draft() {
        return draft;
    }

    Shared shared() {
        return shared;
    }

    Voice voice() {
        return voice;
    }

    Stage stage() {
        return stage;
    }

    /** Whether the rules are BuildKit's where they differ from the classic builder's. */
    boolean byBuildkit() {
        return shared.order().rules() == Order.Rules.BUILDKIT;
    }

    Optional<Long> epoch() {
        return epoch;
    }

    Made run() throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        voice.say(numbers.next() + stage.from().code() + "\n");
        news(new News.Begun(numbers.number(), stage.shown(), stage.from().code()));
        try {
            begin();
        } catch (BuildException | DockerfileException | InterruptedException | RuntimeException e) {
            news(new News.Failed(numbers.number(), took()));
            throw e;
        }
        taken.add(noted(
                Digest.sha256("FROM " + draft.key()),
                true,
                "",
                draft.config().created(),
                Optional.empty(),
                Map.of(stage.base() + " (base)", draft.key().toString())));
        voice.say(" ---> " + shown() + "\n");
        List<String> triggers = draft.takeTriggers();
        if (!triggers.isEmpty()) {
            voice.say("# Executing " + triggers.size() + " build trigger" + (triggers.size() == 1 ? "" : "s") + "\n");
            for (String trigger : triggers) {
                step(Dockerfile.trigger(trigger));
            }
        }
        for (Instruction one : stage.body()) {
            voice.say(numbers.next() + one.code() + "\n");
            step(one);
        }
        if (stage.index() == shared.stages().target().index()) {
            for (Map.Entry<String, String> one : new TreeMap<>(shared.order().labels()).entrySet()) {
                label(one.getKey(), one.getValue());
            }
        }
        return new Made(draft, holder);
    }

    /** What was taken and not done is written down at the end, all of it in one go. */
    Made runAndTell() throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        try {
            return run();
        } finally {
            if (!taken.isEmpty()) {
                shared.cache().keep(taken);
            }
        }
    }

    /** A step that is done, which is told at once. */
    private BuildStep noted(
            Digest key,
            boolean cached,
            String told,
            String created,
            Optional<LayerSpec> layer,
            Map<String, String> inputs) {
        BuildStep step = step(key, cached, told, created, layer, inputs);
        news(new News.Done(step.number(), step.cached(), step.took(), step.sizeBytes()));
        return step;
    }

    private BuildStep step(
            Digest key,
            boolean cached,
            String told,
            String created,
            Optional<LayerSpec> layer,
            Map<String, String> inputs) {
        return new BuildStep(
                shared.build(),
                numbers.number(),
                stage.shown(),
                now.code(),
                key,
                cached,
                took(),
                layer.flatMap(l -> shared.site().agent().host().layer(l.id()))
                        .map(Layer::sizeBytes)
                        .orElse(0L),
                Instant.now(),
                told,
                created,
                layer,
                holder,
                inputs);
    }

    private Duration took() {
        return Duration.ofNanos(System.nanoTime() - begun);
    }

    private void news(News news) {
        shared.report().news(news);
    }

    /** Tells what a step's process says. */
    void said(Talk.Piece piece) {
        News.Said said = new News.Said(numbers.number(), piece.error(), piece.text());
        voice.say(said.coloured());
        news(said);
    }

    private String shown() {
        boolean nothing = draft.layers().isEmpty() && draft.config().history().isEmpty();
        return nothing
                ? ""
                : new ImageId(Hands.idOf(draft).digest()).shortForm().replace("sha256:", "");
    }

    // ---- FROM

    private void begin() throws BuildException, DockerfileException, InterruptedException {
        if (stage.baseStage().isPresent()) {
            Made base = shared.others().stage(stage.baseStage().get());
            draft = byBuildkit()
                    ? base.draft().heir(shared.stages())
                    : base.draft().child(shared.stages());
            holder = base.holder();
            return;
        }
        Optional<Platform> platform = platform();
        if (stage.base().equals(Stages.SCRATCH)) {
            draft = Draft.scratch(shared.stages(), platform.orElse(Platform.host()));
            return;
        }
        Image base = image(stage.base(), platform, shared.order().pull());
        Host host = shared.site().agent().host();
        draft = Draft.on(
                shared.stages(),
                base.config(),
                host.asKept(base).layers(),
                base.id().digest());
        holder = Optional.of(base.id());
    }

    private Optional<Platform> platform() throws DockerfileException {
        if (stage.platform().isEmpty()) {
            return shared.order().platform();
        }
        try {
            return Optional.of(Platform.parse(stage.platform()));
        } catch (IllegalArgumentException e) {
            throw DockerfileException.at(stage.from(), String.valueOf(e.getMessage()));
        }
    }

    /** An image that is here or is brought here. */
    Image image(String named, Optional<Platform> platform, boolean always) throws BuildException, InterruptedException {
        String name = shared.order().contexts().image(named).orElse(named);
        Optional<Image> here = shared.site().image(name);
        boolean fits = here.isPresent()
                && platform.map(p -> p.accepts(here.get().config().platform())).orElse(true);
        if (fits && (!always || name.matches("(sha256:)?[0-9a-f]{12,64}"))) {
            return here.get();
        }
        Reference reference;
        try {
            reference = Reference.parse(name);
        } catch (IllegalArgumentException e) {
            String why = String.valueOf(e.getMessage());
            throw new BuildException(
                    why.startsWith("invalid reference format") ? why : "invalid reference format: " + why);
        }
        Image pulled = shared.hands().pull(reference, platform, voice);
        Platform found = pulled.config().platform();
        if (platform.isPresent() && !platform.get().accepts(found)) {
            throw new BuildException("image " + reference.familiar() + " was found but does not match the specified"
                    + " platform: wanted " + platform.get() + ", actual: " + found);
        }
        return pulled;
    }

    /** The folder that a name means; empty where it means a stage or an image. */
    Optional<Sources> folder(String name) {
        if (!shared.order().contexts().isFolder(name)) {
            return Optional.empty();
        }
        Sources context = shared.context();
        return Optional.of(context.at(ContextFolder.beside(context.root(), Contexts.plain(name))));
    }

    // ---- steps

    private void step(Instruction one)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        shared.hands().checkGoingOn();
        now = one;
        begun = System.nanoTime();
        news(new News.Begun(numbers.number(), stage.shown(), one.code()));
        boolean done = false;
        try {
            switch (one.word()) {
                case "RUN" -> new RunStep(this, one).run();
                case "COPY", "ADD" -> new FileStep(this, one).run();
                case "WORKDIR" -> workdir(one);
                case "FROM" -> throw DockerfileException.at(one, "FROM isn't allowed as an ONBUILD trigger");
                default -> settings(one);
            }
            done = true;
        } catch (ContextException | TooHardException e) {
            throw DockerfileException.at(one, one.word() + " failed: " + e.getMessage());
        } catch (FileSystemException e) {
            throw DockerfileException.at(one, one.word() + " failed: " + e.getMessage());
        } finally {
            if (!done) {
                news(new News.Failed(numbers.number(), took()));
            }
        }
        voice.say(" ---> " + shown() + "\n");
    }

    private void settings(Instruction one) throws DockerfileException {
        if (one.word().equals("HEALTHCHECK") && !draft.healthTest().isEmpty()) {
            voice.say("Note: overriding previous HEALTHCHECK: " + "[" + String.join(" ", draft.healthTest()) + "]\n");
        }
        String comment = draft.settings(one);
        settled(draft.toldSettings(comment), comment);
    }

    private void settled(String told, String comment) {
        Digest key = draft.next(comment);
        Optional<BuildStep> known = known(key, told);
        known.ifPresent(k -> voice.say(" ---> Using cache\n"));
        String at = known.map(BuildStep::created).orElseGet(this::now);
        draft.done(key, told, at, Optional.empty());
        BuildStep step = noted(key, known.isPresent(), told, at, Optional.empty(), Map.of("setting", comment));
        if (known.isPresent()) {
            taken.add(step);
        } else {
            shared.cache().keep(List.of(step));
        }
    }

    /** A label that the client gave becomes a step of its own at the end, as with Docker. */
    private void label(String name, String value) throws DockerfileException {
        String code = "LABEL " + quoted(name) + "=" + quoted(value);
        voice.say(numbers.next() + "LABEL " + name + "=" + value + "\n");
        settings(Dockerfile.trigger(code.replace("\n", "\\\n")));
        voice.say(" ---> " + shown() + "\n");
    }

    /** Single quotes keep everything as it is but themselves. */
    private static String quoted(String text) {
        return "'" + text.replace("'", "'\"'\"'") + "'";
    }

    private void workdir(Instruction one)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        String path = draft.enter(one);
        String comment = "WORKDIR " + path;
        layered(
                draft.next(byBuildkit() && !draft.user().isEmpty() ? comment + " of " + draft.user() : comment),
                draft.toldFiles(comment),
                Map.of("path", path),
                () -> new FileStep(this, one).makeDirectory(draft.workingDir(), byBuildkit() ? draft.user() : ""));
    }

    /** Does a step that may change files, unless it was done before. */
    void layered(Digest key, String told, Map<String, String> inputs, Work work)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Turn turn = shared.turn(key);
        turn.lock.lockInterruptibly();
        try {
            Optional<BuildStep> known = known(key, told).or(() -> turn.made);
            if (known.isPresent()) {
                use(key, known.get(), inputs);
                return;
            }
            Optional<LayerSpec> layer = work.make();
            String at = now();
            draft.done(key, told, at, layer);
            if (layer.isPresent()) {
                holder = Optional.of(shared.hands().store(draft, List.of()).id());
            }
            BuildStep done = noted(key, false, told, at, layer, inputs);
            shared.cache().keep(List.of(done));
            turn.made = Optional.of(done);
        } finally {
            turn.lock.unlock();
        }
    }

    void use(Digest key, BuildStep step, Map<String, String> inputs) {
        voice.say(" ---> Using cache\n");
        draft.done(key, step.told(), step.created(), step.layer());
        if (step.layer().isPresent()) {
            holder = step.holder();
        }
        taken.add(
                noted(key, true, step.told(), step.created(), step.layer(), inputs.isEmpty() ? step.inputs() : inputs));
    }

    /** What was done before under a key, where that counts and is still here. */
    Optional<BuildStep> known(Digest key, String told) {
        if (shared.order().noCache()) {
            return Optional.empty();
        }
        return shared.order().cacheFrom().isEmpty() ? shared.cache().find(key) : lent(key, told);
    }

    /** A step that an image of {@code --cache-from} went through after the very same steps. */
    private Optional<BuildStep> lent(Digest key, String told) {
        ImageConfig now = draft.config();
        int steps = now.history().size();
        for (String name : shared.order().cacheFrom()) {
            Optional<Image> image = shared.site().image(name);
            if (image.isEmpty()) {
                continue;
            }
            List<ImageConfig.History> history = image.get().config().history();
            List<LayerSpec> layers =
                    shared.site().agent().host().asKept(image.get()).layers();
            if (history.size() <= steps
                    || !history.get(steps).createdBy().equals(told)
                    || !told(history.subList(0, steps)).equals(told(now.history()))
                    || layers.size() < draft.layers().size()
                    || !layers.subList(0, draft.layers().size()).equals(draft.layers())) {
                continue;
            }
            boolean empty = history.get(steps).emptyLayer();
            if (!empty && layers.size() == draft.layers().size()) {
                continue;
            }
            Optional<ImageId> before = holder;
            holder = Optional.of(image.get().id());
            BuildStep step = step(
                    key,
                    true,
                    told,
                    history.get(steps).created(),
                    empty
                            ? Optional.empty()
                            : Optional.of(layers.get(draft.layers().size())),
                    Map.of("cache-from", name));
            holder = before;
            return Optional.of(step);
        }
        return Optional.empty();
    }

    private static List<String> told(List<ImageConfig.History> history) {
        return history.stream().map(ImageConfig.History::createdBy).toList();
    }

    private String now() {
        return epoch.map(Instant::ofEpochSecond).orElseGet(Instant::now).toString();
    }

    /** The image to make a container of: one that has the layers so far. */
    ImageId footing() throws BuildException, DriverException, InterruptedException {
        if (holder.isEmpty()) {
            holder = Optional.of(shared.hands().store(draft, List.of()).id());
        }
        return holder.get();
    }

    Job job(List<String> command) throws BuildException, DriverException, InterruptedException {
        return new Job(
                Hands.newContainer(),
                footing(),
                command,
                draft.environment(),
                draft.config().labels(),
                draft.user(),
                draft.workingDir(),
                byBuildkit() ? List.of() : draft.config().volumes(),
                List.of(),
                Map.of(),
                Optional.empty());
    }
}
