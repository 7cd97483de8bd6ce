package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.Sources;
import dev.wharf.build.dockerfile.Dockerfile;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.plan.Draft;
import dev.wharf.build.plan.Stage;
import dev.wharf.build.plan.Stages;
import dev.wharf.build.run.Voices.Voice;
import dev.wharf.core.state.Image;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Platform;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Makes one stage, step by step. One thread. */
final class StageRun {
    /** What the stages of one build have in common. */
    record Shared(
            Site site,
            Order order,
            Stages stages,
            Hands hands,
            StepCache cache,
            Sources context,
            Others others) {}

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

    StageRun(Shared shared, Stage stage, Voice voice, Build.Numbers.Part numbers) throws BuildException {
        this.shared = shared;
        this.stage = stage;
        this.voice = voice;
        this.numbers = numbers;
        this.epoch = Build.epoch(shared.order());
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

    Optional<Long> epoch() {
        return epoch;
    }

    Made run() throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        voice.say(numbers.next() + stage.from().code() + "\n");
        begin();
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
        if (stage.index() == shared.stages().target().index()
                && !shared.order().labels().isEmpty()) {
            labels(shared.order().labels());
        }
        return new Made(draft, holder);
    }

    private String shown() {
        boolean nothing = draft.layers().isEmpty() && draft.config().history().isEmpty();
        return nothing ? "" : new ImageId(Hands.idOf(draft).digest()).shortForm().replace("sha256:", "");
    }

    // ---- FROM

    private void begin() throws BuildException, DockerfileException, InterruptedException {
        if (stage.baseStage().isPresent()) {
            Made base = shared.others().stage(stage.baseStage().get());
            draft = base.draft().child(shared.stages());
            holder = base.holder();
            return;
        }
        Optional<Platform> platform = platform();
        if (stage.base().equals("scratch")) {
            draft = Draft.scratch(shared.stages(), platform.orElse(Platform.host()));
            return;
        }
        Image base = image(stage.base(), platform, shared.order().pull());
        draft = Draft.on(
                shared.stages(), base.config(), base.layers(), base.id().digest());
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
    Image image(String name, Optional<Platform> platform, boolean always)
            throws BuildException, InterruptedException {
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
            throw new BuildException("invalid reference format: " + e.getMessage());
        }
        return shared.hands().pull(reference, platform, voice);
    }

    // ---- steps

    private void step(Instruction one)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        shared.hands().checkGoingOn();
        try {
            switch (one.word()) {
                case "RUN" -> new RunStep(this, one).run();
                case "COPY", "ADD" -> new FileStep(this, one).run();
                case "WORKDIR" -> workdir(one);
                case "FROM" -> throw DockerfileException.at(one, "FROM isn't allowed as an ONBUILD trigger");
                default -> settings(one);
            }
        } catch (ContextException e) {
            throw DockerfileException.at(one, one.word() + " failed: " + e.getMessage());
        }
        voice.say(" ---> " + shown() + "\n");
    }

    private void settings(Instruction one) throws DockerfileException {
        String comment = draft.settings(one);
        settled(draft.toldSettings(comment), comment);
    }

    private void settled(String told, String comment) {
        Digest key = draft.next(comment);
        Optional<Cached> known = known(key, told);
        known.ifPresent(k -> voice.say(" ---> Using cache\n"));
        Cached step = known.orElseGet(() -> new Cached(told, now(), Optional.empty(), Optional.empty()));
        draft.done(key, told, step.at(), Optional.empty());
        if (known.isEmpty()) {
            shared.cache().keep(key, step);
        }
    }

    private void labels(Map<String, String> labels) throws DockerfileException {
        String code = "LABEL "
                + labels.entrySet().stream()
                        .map(e -> quoted(e.getKey()) + "=" + quoted(e.getValue()))
                        .collect(Collectors.joining(" "));
        voice.say(numbers.next() + code + "\n");
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
        layered(draft.next(comment), draft.toldFiles(comment), () -> new FileStep(this, one).makeDirectory(path));
    }

    /** Does a step that may change files, unless it was done before. */
    void layered(Digest key, String told, Work work)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Optional<Cached> known = known(key, told);
        if (known.isPresent()) {
            use(key, known.get());
            return;
        }
        Optional<LayerSpec> layer = work.make();
        String at = now();
        draft.done(key, told, at, layer);
        if (layer.isPresent()) {
            holder = Optional.of(shared.hands().store(draft, List.of()).id());
        }
        shared.cache().keep(key, new Cached(told, at, layer, holder));
    }

    void use(Digest key, Cached step) {
        voice.say(" ---> Using cache\n");
        draft.done(key, step.told(), step.at(), step.layer());
        if (step.layer().isPresent()) {
            holder = step.holder();
        }
    }

    /** What was done before under a key, where that counts and is still here. */
    Optional<Cached> known(Digest key, String told) {
        if (shared.order().noCache()) {
            return Optional.empty();
        }
        if (!shared.order().cacheFrom().isEmpty()) {
            return lent(told);
        }
        return shared.cache().find(key).filter(this::isHere);
    }

    private boolean isHere(Cached step) {
        return step.layer().isEmpty()
                || step.holder()
                        .flatMap(id -> shared.site().agent().host().image(id))
                        .filter(Image::wanted)
                        .isPresent();
    }

    /** A step that an image of {@code --cache-from} went through after the very same steps. */
    private Optional<Cached> lent(String told) {
        ImageConfig now = draft.config();
        int steps = now.history().size();
        for (String name : shared.order().cacheFrom()) {
            Optional<Image> image = shared.site().image(name);
            if (image.isEmpty()) {
                continue;
            }
            List<ImageConfig.History> history = image.get().config().history();
            List<LayerSpec> layers = image.get().layers();
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
            return Optional.of(new Cached(
                    told,
                    history.get(steps).created(),
                    empty ? Optional.empty() : Optional.of(layers.get(draft.layers().size())),
                    Optional.of(image.get().id())));
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
                draft.user(),
                draft.workingDir(),
                draft.config().volumes(),
                List.of(),
                Map.of(),
                Optional.empty());
    }
}
