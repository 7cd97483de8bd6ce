package dev.wharf.cli;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** Shows a build as it goes on: a tree that is drawn over itself where a person looks, lines that stay where nobody does. */
abstract sealed class BuildView implements AutoCloseable {
    /** Lines of a failed step that are worth reading again. */
    private static final int MOST_KEPT = 50;

    final Output out;
    final LongSupplier nanos;
    final long begun;
    final Map<String, Stage> stages = new LinkedHashMap<>();
    private int steps;
    private String image = "";
    private String error = "";

    private BuildView(Output out, LongSupplier nanos) {
        this.out = out;
        this.nanos = nanos;
        this.begun = nanos.getAsLong();
    }

    static BuildView lines(Output out, LongSupplier nanos) {
        return new Lines(out, nanos);
    }

    static BuildView tree(Output out, LongSupplier nanos, Screen screen) {
        return new Tree(out, nanos, screen);
    }

    /** How much room there is. */
    record Screen(int rows, int columns) {
        static final Screen USUAL = new Screen(24, 80);

        /** What stty(1) says of the terminal; the JDK has no call for it. */
        static Screen ofTerminal() {
            try {
                Process stty = new ProcessBuilder("stty", "size")
                        .redirectInput(new File("/dev/tty"))
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
                String said = new String(stty.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip();
                if (!stty.waitFor(1, TimeUnit.SECONDS) || !said.matches("[1-9][0-9]{0,3} [1-9][0-9]{0,3}"))
                    return USUAL;
                String[] words = said.split(" ", 2);
                return new Screen(Integer.parseInt(words[0]), Integer.parseInt(words[1]));
            } catch (IOException e) {
                return USUAL;
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return USUAL;
            }
        }
    }

    enum State {
        RUNS,
        DONE,
        CACHED,
        FAILED
    }

    static final class Step {
        final int number;
        final String instruction;
        final long begun;
        final Deque<String> said = new ArrayDeque<>();
        State state = State.RUNS;
        long millis;
        private String rest = "";

        Step(int number, String instruction, long begun) {
            this.number = number;
            this.instruction = instruction.lines().findFirst().orElse("");
            this.begun = begun;
        }

        /** Takes output, and answers with the lines that are whole now. */
        List<String> hear(String text) {
            String all = rest + text;
            int end = all.lastIndexOf('\n');
            rest = all.substring(end + 1);
            List<String> whole =
                    end < 0 ? List.of() : all.substring(0, end).lines().toList();
            keep(whole);
            return whole;
        }

        List<String> last() {
            List<String> whole = rest.isEmpty() ? List.of() : List.of(rest);
            rest = "";
            keep(whole);
            return whole;
        }

        private void keep(List<String> lines) {
            said.addAll(lines);
            while (said.size() > MOST_KEPT) said.removeFirst();
        }
    }

    static final class Stage {
        final String name;
        final String base;
        final int size;
        final List<String> needs;
        final List<Step> steps = new ArrayList<>();

        Stage(String name, String base, int size, List<String> needs) {
            this.name = name;
            this.base = base;
            this.size = size;
            this.needs = needs;
        }

        boolean isDone() {
            return steps.size() >= size && steps.stream().noneMatch(step -> step.state == State.RUNS);
        }
    }

    /** Takes the next record of the agent's answer. */
    synchronized void take(Json record) throws IOException {
        if (record.fields().containsKey("plan")) {
            plan(record.at("plan"));
        } else if (record.fields().containsKey("begun")) {
            Json one = record.at("begun");
            Step step = new Step(number(one, "step"), one.text("instruction"), nanos.getAsLong());
            Stage stage = stages.computeIfAbsent(one.text("stage"), name -> new Stage(name, "", 0, List.of()));
            stage.steps.add(step);
            began(stage, step);
        } else if (record.fields().containsKey("said")) {
            Optional<Step> step = step(record.at("said"));
            if (step.isPresent())
                said(step.get(), step.get().hear(record.at("said").text("text")));
        } else if (record.fields().containsKey("done")) {
            Json done = record.at("done");
            ended(done, done.isTrue("cached") ? State.CACHED : State.DONE);
        } else if (record.fields().containsKey("failed")) {
            ended(record.at("failed"), State.FAILED);
        } else if (record.fields().containsKey("warning")) {
            note(record.text("warning"));
        } else if (record.fields().containsKey("status")) {
            String id = record.text("id");
            note(record.text("status") + (id.isEmpty() ? "" : " " + id));
        } else if (record.fields().containsKey("aux")) {
            image = record.at("aux").text("ID");
        } else if (record.fields().containsKey("error")) {
            error = record.text("error");
        }
    }

    private void plan(Json plan) {
        steps = number(plan, "steps");
        for (Json one : plan.list("stages")) {
            stages.put(
                    one.text("name"),
                    new Stage(
                            one.text("name"),
                            one.text("base"),
                            number(one, "steps"),
                            one.list("needs").stream().map(Json::text).toList()));
        }
    }

    private static int number(Json record, String field) {
        String text = record.text(field);
        return text.isEmpty() ? 0 : Integer.parseInt(text);
    }

    /** The last that began under a number: triggers of a base image have none of their own. */
    private Optional<Step> step(Json record) {
        int number = number(record, "step");
        Step found = null;
        for (Stage stage : stages.values()) {
            for (Step step : stage.steps) {
                if (step.number == number && (found == null || step.state == State.RUNS)) found = step;
            }
        }
        return Optional.ofNullable(found);
    }

    private void ended(Json record, State state) throws IOException {
        Optional<Step> known = step(record);
        if (known.isPresent()) {
            Step step = known.get();
            step.state = state;
            step.millis = number(record, "millis");
            said(step, step.last());
            done(step);
        }
    }

    abstract void began(Stage stage, Step step) throws IOException;

    abstract void said(Step step, List<String> lines) throws IOException;

    abstract void done(Step step) throws IOException;

    abstract void note(String text) throws IOException;

    String image() {
        return image;
    }

    String error() {
        return error;
    }

    /** How it ended, in one line. */
    String summary() {
        long all =
                stages.values().stream().mapToLong(stage -> stage.steps.size()).sum();
        long cached = count(State.CACHED);
        return (error.isEmpty() ? "built" : "failed") + " in " + seconds((nanos.getAsLong() - begun) / 1_000_000) + ": "
                + all + (all == 1 ? " step, " : " steps, ") + cached + " from the cache";
    }

    long count(State state) {
        return stages.values().stream()
                .flatMap(stage -> stage.steps.stream())
                .filter(step -> step.state == state)
                .count();
    }

    int steps() {
        return steps;
    }

    Optional<Step> failed() {
        return stages.values().stream()
                .flatMap(stage -> stage.steps.stream())
                .filter(step -> step.state == State.FAILED)
                .findFirst();
    }

    static String seconds(long millis) {
        return String.format(Locale.ROOT, "%.1fs", millis / 1000.0);
    }

    /** What a terminal would obey is taken out of what a step says. */
    static String harmless(String text) {
        return text.replaceAll("\u001b\\[[0-9;?]*[ -/]*[@-~]", "")
                .replace('\t', ' ')
                .replaceAll("\\p{Cntrl}", "");
    }

    @Override
    public void close() throws IOException {}

    /** A line for each thing that happens. */
    private static final class Lines extends BuildView {
        Lines(Output out, LongSupplier nanos) {
            super(out, nanos);
        }

        private void line(Step step, String text) throws IOException {
            out.line("#" + step.number + " " + text);
            out.flush();
        }

        @Override
        void began(Stage stage, Step step) throws IOException {
            line(step, "[" + stage.name + "] " + step.instruction);
        }

        @Override
        void said(Step step, List<String> lines) throws IOException {
            for (String text : lines) line(step, "| " + text);
        }

        @Override
        void done(Step step) throws IOException {
            line(
                    step,
                    switch (step.state) {
                        case CACHED -> out.good("cached");
                        case FAILED -> out.bad("failed") + " after " + seconds(step.millis);
                        default -> "done in " + seconds(step.millis);
                    });
        }

        @Override
        void note(String text) throws IOException {
            out.line(text);
            out.flush();
        }
    }

    /** Stages side by side, each with its steps, drawn anew ten times in a second at most. */
    private static final class Tree extends BuildView {
        private static final long BEAT_NANOS = 100_000_000;
        private static final int MOST_SAID = 4;
        private static final int MARGIN = 8;

        private final Screen screen;
        private final Thread clock;
        private final Deque<String> notes = new ArrayDeque<>();
        private int drawn;
        private long drawnAt;
        private volatile boolean over;

        Tree(Output out, LongSupplier nanos, Screen screen) {
            super(out, nanos);
            this.screen = screen;
            this.clock = new Thread(this::tick, "clock");
            clock.setDaemon(true);
            clock.start();
        }

        private void tick() {
            try {
                while (!over) {
                    TimeUnit.NANOSECONDS.sleep(BEAT_NANOS);
                    synchronized (this) {
                        if (!over) draw(false);
                    }
                }
            } catch (InterruptedException | IOException e) {
                // It is over, or nobody looks any more.
            }
        }

        @Override
        void began(Stage stage, Step step) throws IOException {
            drawSoon();
        }

        @Override
        void said(Step step, List<String> lines) throws IOException {
            drawSoon();
        }

        @Override
        void done(Step step) throws IOException {
            drawSoon();
        }

        @Override
        void note(String text) {
            notes.add(text);
            while (notes.size() > MOST_SAID) notes.removeFirst();
        }

        private void drawSoon() throws IOException {
            if (nanos.getAsLong() - drawnAt >= BEAT_NANOS) draw(false);
        }

        private void draw(boolean whole) throws IOException {
            List<String> lines = new ArrayList<>();
            lines.add(out.bold("building") + " " + seconds((nanos.getAsLong() - begun) / 1_000_000) + "  "
                    + (count(State.DONE) + count(State.CACHED)) + " of " + steps() + " steps, " + count(State.CACHED)
                    + " from the cache");
            for (Stage stage : stages.values()) stage(stage, whole, lines);
            for (String note : notes) lines.add(out.faint(cut(note, screen.columns())));
            List<String> shown = lines;
            if (!whole && lines.size() > screen.rows() - 1) {
                // Its head and its foot tell most.
                shown = new ArrayList<>(lines.subList(0, 1));
                shown.addAll(lines.subList(lines.size() - Math.max(1, screen.rows() - 2), lines.size()));
            }
            StringBuilder text = new StringBuilder();
            if (drawn > 0) text.append("\u001b[").append(drawn).append('A');
            text.append("\r\u001b[J");
            shown.forEach(line -> text.append(line).append('\n'));
            out.raw(text.toString().getBytes(StandardCharsets.UTF_8));
            out.flush();
            drawn = shown.size();
            drawnAt = nanos.getAsLong();
        }

        private void stage(Stage stage, boolean whole, List<String> lines) {
            boolean waits = stage.steps.isEmpty();
            lines.add(
                    " " + out.bold(cut(stage.name, screen.columns() - 4)) + (waits ? out.faint(waitsFor(stage)) : ""));
            if (stage.isDone() && !whole && failed().isEmpty() && stages.size() > 1) {
                long cached = stage.steps.stream()
                        .filter(s -> s.state == State.CACHED)
                        .count();
                long millis = stage.steps.stream().mapToLong(s -> s.millis).sum();
                lines.set(
                        lines.size() - 1,
                        lines.get(lines.size() - 1)
                                + out.faint("  " + stage.steps.size() + " steps, " + cached + " cached, "
                                        + seconds(millis)));
                return;
            }
            for (Step step : stage.steps) {
                long millis = step.state == State.RUNS ? (nanos.getAsLong() - step.begun) / 1_000_000 : step.millis;
                String mark = switch (step.state) {
                    case RUNS -> out.bold(">");
                    case DONE -> out.good("+");
                    case CACHED -> out.good("=");
                    case FAILED -> out.bad("x");
                };
                String time = step.state == State.CACHED ? "cached" : seconds(millis);
                int room = Math.max(
                        10,
                        screen.columns()
                                - MARGIN
                                - 2
                                - time.length()
                                - String.valueOf(step.number).length());
                String words = cut(harmless(step.instruction), room);
                lines.add("   " + mark + " " + step.number + " " + words + " ".repeat(room - words.length()) + " "
                        + out.faint(time));
                if (step.state == State.RUNS) {
                    step.said.stream()
                            .skip(Math.max(0, step.said.size() - MOST_SAID))
                            .forEach(said -> lines.add(
                                    "     " + out.faint("| " + cut(harmless(said), screen.columns() - MARGIN))));
                }
            }
        }

        private String waitsFor(Stage stage) {
            List<String> open = stage.needs.stream()
                    .filter(name ->
                            stages.containsKey(name) && !stages.get(name).isDone())
                    .toList();
            return open.isEmpty() ? "" : "  waits for " + String.join(", ", open);
        }

        private static String cut(String text, int room) {
            return text.length() <= room ? text : text.substring(0, Math.max(0, room - 3)) + "...";
        }

        @Override
        public void close() throws IOException {
            synchronized (this) {
                over = true;
                draw(true);
            }
            clock.interrupt();
        }
    }
}
