package dev.wharf.core.story;

import dev.wharf.core.state.Container;
import dev.wharf.core.state.Document;
import dev.wharf.core.state.DriverBinding;
import dev.wharf.core.state.Fact;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.core.state.Network;
import dev.wharf.core.state.Pull;
import dev.wharf.core.state.Service;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.ContainerId;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverName;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.NetworkId;
import dev.wharf.model.PullId;
import dev.wharf.model.ServiceName;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * A subject as it stands: what is wanted of it and what is known of it.
 *
 * @param goal in a word or two
 * @param facts lowest rung first
 * @param trouble why it stands still or failed, empty when all is well
 */
public record Portrait(SubjectId subject, String name, String goal, List<Line> facts, List<String> trouble) {
    /**
     * One fact.
     *
     * @param certainty {@code present}, {@code absent} or {@code doubtful}
     * @param value what is known of it, empty when there is nothing to say
     */
    public record Line(String what, String certainty, String value) {
        static <T> Line of(String what, Fact<T> fact, Function<T, String> words) {
            return new Line(
                    what,
                    fact.certainty().name().toLowerCase(Locale.ROOT),
                    fact.last().map(words).orElse(""));
        }

        static Line sure(String what, String value) {
            return new Line(what, "present", value);
        }
    }

    public Portrait {
        facts = List.copyOf(facts);
        trouble = List.copyOf(trouble);
    }

    /** Looks at a subject of this host; empty when the host does not know it. */
    public static Optional<Portrait> of(SubjectId subject, Host host) {
        if (subject instanceof ContainerId id) return host.container(id).map(c -> of(c, host));
        if (subject instanceof ImageId id) return host.image(id).map(i -> of(i, host));
        if (subject instanceof PullId id) return host.pull(id).map(Portrait::of);
        if (subject instanceof LayerId id) return host.layer(id).map(l -> of(l, host));
        if (subject instanceof NetworkId id) return host.network(id).map(n -> of(n, host));
        if (subject instanceof VolumeName id) return host.volume(id).map(v -> of(v, host));
        if (subject instanceof DriverId id) return host.driver(id).map(d -> of(d));
        if (subject instanceof ServiceName id) return host.service(id).map(Portrait::of);
        if (subject instanceof DocumentKey id) return host.document(id).map(Portrait::of);
        return Optional.of(itself(host));
    }

    private static Portrait of(Container c, Host host) {
        List<Line> facts = new ArrayList<>();
        facts.add(Line.of("rootfs", c.rootfs(), s -> "snapshot " + s.key().value()));
        facts.add(Line.of("mount", c.mount(), Object::toString));
        facts.add(Line.of("sandbox", c.sandbox(), s -> s.path().toString()));
        c.places()
                .forEach((network, place) -> facts.add(Line.of(
                        "endpoint on " + Names.of(network, host) + (place.wanted() ? "" : " (unwanted)"),
                        place.fact(),
                        e -> place.endpoint().ipv4()
                                + (e.hostInterface().isEmpty() ? "" : " through " + e.hostInterface()))));
        facts.add(Line.of(
                "process",
                c.process(),
                p -> "pid " + p.init().pid() + (p.started() ? "" : ", not let go yet")
                        + (p.generation() == c.generation() ? "" : ", of an older start")));
        facts.add(Line.of("runtime state", c.remains(), generation -> "of start " + generation));
        if (!c.frozen().isAbsent()) facts.add(Line.of("frozen", c.frozen(), at -> "since " + at));
        c.exit().ifPresent(e -> facts.add(Line.sure("last exit", "code " + e.code() + " at " + e.at())));
        List<String> trouble = new ArrayList<>();
        c.failure().ifPresent(f -> trouble.add(f.message()));
        c.stall().ifPresent(s -> trouble.add(words(s)));
        c.restartAt().ifPresent(at -> trouble.add("will be started again at " + at));
        return new Portrait(c.id(), c.name(), c.goal().name().toLowerCase(Locale.ROOT), facts, trouble);
    }

    private static Portrait of(Image i, Host host) {
        List<Line> facts = new ArrayList<>();
        facts.add(Line.sure("references", i.references().isEmpty() ? "none" : String.join(", ", i.references())));
        facts.add(Line.sure("layers", Integer.toString(i.layers().size())));
        facts.add(Line.sure("size", i.sizeBytes() + " bytes"));
        facts.add(Line.sure("containers", Integer.toString(host.usersOf(i.id()).size())));
        facts.add(Line.sure("last used", host.usedAt(i).toString()));
        List<String> trouble = host.damagesOf(i).stream()
                .map(d -> "blob " + d.blob() + " was found damaged at " + d.at() + " (" + d.what()
                        + "); pull or load the image, and it comes anew")
                .toList();
        return new Portrait(i.id(), Names.of(i.id(), host), wanted(i.wanted()), facts, trouble);
    }

    private static Portrait of(Pull p) {
        List<Line> facts = p.resolved()
                .map(r -> List.of(
                        Line.sure("image", r.image().value()),
                        Line.sure("layers", Integer.toString(r.layers().size())),
                        Line.sure(
                                "backend",
                                r.backend().map(DriverName::value).orElse("none")
                                        + (r.mirrors().isEmpty()
                                                ? ""
                                                : " from "
                                                        + String.join(
                                                                ", ",
                                                                new TreeSet<>(r.mirrors()
                                                                        .values()))))))
                .orElse(List.of(new Line("image", "absent", "not resolved yet")));
        List<String> trouble = new ArrayList<>();
        p.failure().ifPresent(f -> trouble.add(f.message()));
        p.stall().ifPresent(s -> trouble.add(words(s)));
        return new Portrait(p.id(), Names.of(p), "here", facts, trouble);
    }

    private static Portrait of(Layer l, Host host) {
        List<Line> facts = List.of(
                Line.of("content", l.content(), d -> d.digest() + ", " + d.sizeBytes() + " bytes"),
                Line.of("snapshot", l.snapshot(), s -> s.key().value() + " in " + l.storage()));
        return new Portrait(l.id(), Names.shortForm(l.id()), wanted(host.isWanted(l.id())), facts, words(l.stall()));
    }

    private static Portrait of(Network n, Host host) {
        List<Line> facts = new ArrayList<>();
        facts.add(Line.of("device", n.device(), d -> d.name().isEmpty() ? "none needed" : d.name()));
        n.spec().pools().forEach(pool -> facts.add(Line.sure("subnet", pool.subnet())));
        facts.add(Line.sure(
                "addresses in use", Integer.toString(host.leases(n.id()).size())));
        return new Portrait(n.id(), n.spec().name(), wanted(n.wanted()), facts, words(n.stall()));
    }

    private static Portrait of(Volume v, Host host) {
        List<Line> facts = List.of(
                Line.of("directory", v.path(), Object::toString),
                Line.sure("containers", Integer.toString(host.usersOf(v.name()).size())));
        return new Portrait(v.name(), v.name().value(), wanted(v.wanted()), facts, words(v.stall()));
    }

    private static Portrait of(DriverBinding d) {
        List<Line> facts = List.of(
                new Line(
                        "serving",
                        d.serving().isPresent() ? "present" : "absent",
                        d.serving().orElse("")),
                Line.sure(
                        "formats",
                        d.formats().stream().map(Object::toString).toList().toString()),
                Line.sure("rank", Integer.toString(d.rank())));
        return new Portrait(
                d.id(),
                d.id().value(),
                "serving",
                facts,
                d.ready() || d.why().isEmpty() ? List.of() : List.of(d.why()));
    }

    private static Portrait of(Service s) {
        List<Line> facts = new ArrayList<>();
        facts.add(Line.sure("document", s.document().value()));
        facts.add(Line.sure("image", s.wanted().spec().image()));
        facts.add(Line.sure("replicas", Integer.toString(s.target().spec().replicas())));
        facts.add(Line.sure("version", s.target().id()));
        List<String> trouble = new ArrayList<>(s.drift());
        if (!s.reason().isEmpty()) trouble.add(s.reason());
        String goal = s.phase().name().toLowerCase(Locale.ROOT).replace('_', ' ');
        return new Portrait(s.name(), s.name().value(), goal, facts, trouble);
    }

    private static Portrait of(Document d) {
        List<Line> facts = new ArrayList<>();
        d.digest().ifPresent(digest -> facts.add(Line.sure("text", digest + " from " + d.source())));
        d.networks().forEach(n -> facts.add(Line.sure("network", n.name())));
        d.volumes().forEach(v -> facts.add(Line.sure("volume", v.name().value())));
        return new Portrait(
                d.key(),
                d.key().value(),
                d.digest().isPresent() ? "holds" : "refused",
                facts,
                d.refusal().map(r -> List.of(r.source() + ": " + r.reason())).orElse(List.of()));
    }

    private static Portrait itself(Host host) {
        List<Line> facts = List.of(
                Line.sure("id", host.identity().id()),
                Line.sure("boot", host.identity().bootId()),
                Line.sure("containers", Integer.toString(host.containers().size())),
                Line.sure("images", Integer.toString(host.images().size())));
        return new Portrait(new SubjectId.HostItself(), "host", "serving", facts, List.of());
    }

    private static String wanted(boolean yes) {
        return yes ? "here" : "gone";
    }

    private static List<String> words(Optional<Stall> stall) {
        return stall.map(s -> List.of(words(s))).orElse(List.of());
    }

    static String words(Stall stall) {
        return stall.rung() + ": " + stall.failure().message() + "; next try at " + stall.retryAt();
    }
}
