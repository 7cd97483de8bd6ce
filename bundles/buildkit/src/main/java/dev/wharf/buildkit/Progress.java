package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.build.plan.Checks;
import dev.wharf.build.run.News;
import dev.wharf.build.run.Report;
import dev.wharf.buildkit.wire.Common.Timestamp;
import dev.wharf.buildkit.wire.Control.StatusResponse;
import dev.wharf.buildkit.wire.Control.Vertex;
import dev.wharf.buildkit.wire.Control.VertexLog;
import dev.wharf.buildkit.wire.Control.VertexStatus;
import dev.wharf.buildkit.wire.Control.VertexWarning;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What a build tells, as BuildKit's clients show it: vertices that begin and end, with what is said meanwhile. Whoever listens
 * late hears all from the beginning. Safe to use from any thread.
 */
final class Progress implements Report {
    /** As many bytes are kept for who listens late, the first ones; whoever listens in time hears everything. */
    private static final int MOST_KEPT = 4 << 20;

    /** As much of that is kept of a build that is over and that somebody listened to. */
    private static final int MOST_KEPT_OVER = 256 << 10;

    private final String ref;
    private final List<StatusResponse> said = new ArrayList<>();
    private final List<Listener> listeners = new ArrayList<>();
    private int kept;
    private final Map<Integer, Vertex> steps = new HashMap<>();
    private final Map<String, News.Part> stages = new HashMap<>();

    /** The steps that take an image to build on, which is neither done nor found again. */
    private final Set<Integer> bases = new HashSet<>();

    private Optional<Vertex> failed = Optional.empty();
    private Optional<String> pulling = Optional.empty();
    private boolean ended;
    private int parts;

    /** Hears what is told, and its end. May block where it is slow, and the build with it. */
    interface Listener extends Consumer<StatusResponse> {
        void end();
    }

    Progress(String ref) {
        this.ref = ref;
    }

    /** Tells a listener all there was and all there will be; may block. */
    synchronized void listen(Listener listener) {
        said.forEach(listener);
        if (ended) {
            listener.end();
        } else {
            listeners.add(listener);
        }
    }

    /** Whether whoever listens now hears all. */
    synchronized boolean isKept() {
        return !ended || !said.isEmpty();
    }

    synchronized void end() {
        ended = true;
        if (!listeners.isEmpty() && kept > MOST_KEPT_OVER) {
            said.clear();
        }
        listeners.forEach(Listener::end);
        listeners.clear();
    }

    private synchronized void tell(StatusResponse.Builder status) {
        if (ended) {
            return;
        }
        StatusResponse whole = status.build();
        if (kept + whole.getSerializedSize() <= MOST_KEPT) {
            kept += whole.getSerializedSize();
            said.add(whole);
        }
        listeners.forEach(listener -> listener.accept(whole));
    }

    private static Timestamp now() {
        return time(Instant.now());
    }

    static Timestamp time(Instant at) {
        return Timestamp.newBuilder()
                .setSeconds(at.getEpochSecond())
                .setNanos(at.getNano())
                .build();
    }

    private String digest(String what) {
        return Digest.sha256(ref + " " + what).toString();
    }

    // ---- work of the front's own

    /** Something that is done once, such as bringing the context. */
    final class Chore {
        private final Vertex vertex;

        private Chore(String name) {
            vertex = Vertex.newBuilder()
                    .setDigest(digest(name))
                    .setName(name)
                    .setStarted(now())
                    .build();
            tell(StatusResponse.newBuilder().addVertexes(vertex));
        }

        /** A part of it, which may be told again as it goes on. */
        void part(String name, long current, boolean done) {
            VertexStatus.Builder status = VertexStatus.newBuilder()
                    .setId(name)
                    .setVertex(vertex.getDigest())
                    .setCurrent(current)
                    .setTimestamp(now())
                    .setStarted(vertex.getStarted());
            if (done) {
                status.setCompleted(now());
            }
            tell(StatusResponse.newBuilder().addStatuses(status));
        }

        void done() {
            tell(StatusResponse.newBuilder().addVertexes(vertex.toBuilder().setCompleted(now())));
        }

        void failed(String why) {
            tell(StatusResponse.newBuilder()
                    .addVertexes(vertex.toBuilder().setCompleted(now()).setError(why)));
        }
    }

    Chore begin(String name) {
        return new Chore(name);
    }

    // ---- what the builder tells

    /** What the classic builder says is in the news, too. */
    @Override
    public void stream(String text) {}

    @Override
    public void image(ImageId id) {}

    @Override
    public synchronized void status(String status, String id) {
        pulling.ifPresent(vertex -> log(vertex, 1, status + "\n"));
    }

    private void log(String vertex, int stream, String text) {
        tell(StatusResponse.newBuilder()
                .addLogs(VertexLog.newBuilder()
                        .setVertex(vertex)
                        .setTimestamp(now())
                        .setStream(stream)
                        .setMsg(ByteString.copyFromUtf8(text))));
    }

    @Override
    public synchronized void news(News news) {
        if (news instanceof News.Planned planned) {
            parts = planned.stages().size();
            for (News.Part part : planned.stages()) {
                stages.put(part.name(), part);
                bases.add(part.first());
            }
        } else if (news instanceof News.Begun begun && isShown(begun)) {
            Vertex vertex = Vertex.newBuilder()
                    .setDigest(digest(String.valueOf(begun.step())))
                    .setName(name(begun))
                    .setStarted(now())
                    .build();
            steps.put(begun.step(), vertex);
            if (bases.contains(begun.step())) {
                pulling = Optional.of(vertex.getDigest());
            }
            tell(StatusResponse.newBuilder().addVertexes(vertex));
        } else if (news instanceof News.Said words) {
            Optional.ofNullable(steps.get(words.step()))
                    .ifPresent(vertex -> log(vertex.getDigest(), words.error() ? 2 : 1, words.text()));
        } else if (news instanceof News.Done done) {
            Optional.ofNullable(steps.get(done.step()))
                    .ifPresent(vertex -> tell(StatusResponse.newBuilder()
                            .addVertexes(vertex.toBuilder()
                                    .setCompleted(now())
                                    .setCached(done.cached() && !bases.contains(done.step())))));
        } else if (news instanceof News.Failed lost) {
            Vertex vertex = steps.get(lost.step());
            if (vertex != null && failed.isEmpty()) {
                // Why is known once the whole build has failed of it.
                failed = Optional.of(vertex);
            } else if (vertex != null) {
                tell(StatusResponse.newBuilder()
                        .addVertexes(vertex.toBuilder().setCompleted(now()).setError("canceled")));
            }
        } else if (news instanceof News.Warned warned) {
            warn(VertexWarning.newBuilder().setShort(ByteString.copyFromUtf8(warned.text())));
        }
    }

    private void warn(VertexWarning.Builder warning) {
        tell(StatusResponse.newBuilder()
                .addWarnings(warning.setVertex(digest("warnings")).setLevel(1)));
    }

    /** Tells of a rule that a Dockerfile breaks. */
    void warn(Checks.Warning warning) {
        warn(VertexWarning.newBuilder()
                .setShort(ByteString.copyFromUtf8(warning.shown()))
                .addDetail(ByteString.copyFromUtf8(warning.rule().description()))
                .setUrl(warning.rule().address()));
    }

    /** Says why the build failed, at the step where it did. */
    synchronized void failed(String why) {
        failed.ifPresent(vertex -> tell(StatusResponse.newBuilder()
                .addVertexes(vertex.toBuilder().setCompleted(now()).setError(why))));
        failed = Optional.empty();
    }

    private String name(News.Begun begun) {
        News.Part part = stages.get(begun.stage());
        if (part == null) {
            return begun.instruction();
        }
        boolean numbered = begun.stage().chars().allMatch(Character::isDigit);
        String stage = !numbered ? begun.stage() + " " : parts > 1 ? "stage-" + begun.stage() + " " : "";
        int place = part.works().indexOf(begun.step()) + 1;
        return "[" + stage + place + "/" + part.works().size() + "] " + begun.instruction();
    }

    /** BuildKit knows of no step where an instruction only notes something. */
    private boolean isShown(News.Begun begun) {
        News.Part part = stages.get(begun.stage());
        return part == null || part.works().contains(begun.step());
    }
}
