package dev.wharf.housekeeping;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Jobs.Line;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.state.Damage;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Layer;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.LayerSpec;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads again what is stored and compares it with what it should be: blobs with their digests, the journal with its chain. A blob
 * that is damaged is moved aside by the host's plan once it was told of; the next pull brings it anew.
 */
final class ScrubChore implements Chore {
    private static final Logger log = LoggerFactory.getLogger(ScrubChore.class);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @Override
    public String name() {
        return "scrub";
    }

    @Override
    public String what() {
        return "reads what is stored again and compares it with its digests";
    }

    @Override
    public boolean hasDryRun() {
        return true;
    }

    @Override
    public void work(Shift shift) throws IOException, DriverException, RefusedException, FailedException {
        List<String> what = shift.options().words("what");
        Pace pace = new Pace(shift, shift.options().number("rate.mib") << 20);
        if (what.contains("images")) {
            images(shift, pace);
        }
        if (what.contains("layers")) {
            layers(shift, pace);
        }
        if (what.contains("journal")) {
            journal(shift);
        }
    }

    // ---- blobs

    private static void images(Shift shift, Pace pace) throws DriverException, RefusedException, FailedException {
        Agent agent = shift.agent();
        ContentStore content = agent.streams().content();
        Map<Digest, Long> blobs = new TreeMap<>(content.survey());
        long all = blobs.values().stream().mapToLong(n -> n).sum();
        Map<Digest, String> damaged = new TreeMap<>();
        int done = 0;
        for (Digest blob : blobs.keySet()) {
            shift.progress("reads blob " + ++done + " of " + blobs.size() + ", " + Forms.words(pace.read()) + " of "
                    + Forms.words(all));
            content.check(blob, pace).ifPresent(wrong -> damaged.put(blob, wrong));
        }
        Host host = agent.host();
        for (Digest blob : needed(host)) {
            boolean known = Optional.ofNullable(host.damages().get(blob))
                    .filter(Damage::aside)
                    .isPresent();
            if (!known && content.size(blob).isEmpty() && needed(agent.host()).contains(blob)) {
                damaged.put(blob, "it is missing");
            }
        }
        int moved = 0;
        for (Map.Entry<Digest, String> one : damaged.entrySet()) {
            moved += tell(shift, content, one.getKey(), one.getValue()) ? 1 : 0;
        }
        for (Damage damage : host.damages().values()) {
            if (damage.aside()) {
                shift.amiss();
                shift.line(new Line(
                        "blob",
                        damage.blob().toString(),
                        names(host, damage.blob()),
                        0,
                        "was found damaged at " + damage.at() + " and has not come again; pull the image"));
            }
        }
        shift.summary(Forms.count(blobs.size(), "blob") + " with " + Forms.words(pace.read()) + " read, "
                + (damaged.isEmpty()
                        ? "all of them whole"
                        : damaged.size() + " damaged" + (shift.dryRun() ? "" : ", " + moved + " moved aside")));
    }

    /** Blobs that are said to be here. */
    private static Set<Digest> needed(Host host) {
        return Stream.concat(
                        host.images().values().stream().filter(Image::wanted).flatMap(i -> i.documents().stream()),
                        host.layers().values().stream().flatMap(l -> l.content().value().stream()))
                .map(Descriptor::digest)
                .collect(Collectors.toSet());
    }

    private static boolean tell(Shift shift, ContentStore content, Digest blob, String wrong)
            throws RefusedException, FailedException {
        Agent agent = shift.agent();
        shift.amiss();
        shift.line(new Line(
                "blob",
                blob.toString(),
                names(agent.host(), blob),
                content.size(blob).orElse(0L),
                wrong + (shift.dryRun() ? "" : "; moved aside, the next pull of the image brings it anew")));
        if (shift.dryRun()) {
            return false;
        }
        if (shift.giveIfStillSo(new HostCommand.ReportDamage(blob, wrong)).isEmpty()) {
            return false;
        }
        shift.progress("moves damaged blob " + blob + " aside");
        return shift.awaitSo(PATIENCE, () -> {
            Damage damage = agent.host().damages().get(blob);
            return damage == null || damage.aside();
        });
    }

    /** The images that stand on a blob, as people call them. */
    private static String names(Host host, Digest blob) {
        List<String> names = new ArrayList<>();
        for (Image image : host.images().values()) {
            boolean stands = Stream.concat(
                            image.documents().stream(), image.layers().stream().map(LayerSpec::descriptor))
                    .anyMatch(d -> d.digest().equals(blob));
            if (stands) {
                names.add(image.references().stream()
                        .map(Reference::parse)
                        .filter(r -> r.digest().isEmpty())
                        .map(Reference::familiar)
                        .findFirst()
                        .orElse(image.id().shortForm()));
            }
        }
        return String.join(", ", names.stream().sorted().toList());
    }

    // ---- unpacked layers

    /**
     * What a storage driver keeps of a layer, against the blob it was unpacked from. It is in use and cannot be moved aside, so
     * what differs is told of.
     */
    private static void layers(Shift shift, Pace pace) throws DriverException {
        Agent agent = shift.agent();
        List<Layer> layers = agent.host().layers().values().stream()
                .filter(l -> l.snapshot().isPresent() && l.content().isPresent())
                .sorted(Comparator.comparing(l -> l.id().value()))
                .toList();
        int done = 0;
        int compared = 0;
        int different = 0;
        for (Layer layer : layers) {
            shift.progress("compares layer " + ++done + " of " + layers.size());
            Optional<LayerCheck.Difference> difference = compare(agent, layer, pace);
            compared += difference.isPresent() ? 1 : 0;
            if (difference.filter(d -> d.count() > 0).isPresent()) {
                different++;
                shift.amiss();
                shift.line(new Line(
                        "layer",
                        layer.id().value(),
                        names(agent.host(), layer.spec().descriptor().digest()),
                        layer.sizeBytes(),
                        Forms.count(difference.get().count(), "file") + " in storage driver " + layer.storage()
                                + " are not what the layer came with, such as "
                                + String.join(", ", difference.get().names())
                                + "; remove its containers and the image, and pull it again"));
            }
        }
        shift.summary(Forms.count(compared, "unpacked layer") + " compared"
                + (compared < layers.size()
                        ? ", " + (layers.size() - compared)
                                + " could not be, for their blob or their driver cannot tell"
                        : "")
                + (different == 0 ? "" : ", " + different + " damaged"));
    }

    /** Empty where it cannot be said: its blob is damaged, its driver tells no changes, or it goes at this moment. */
    private static Optional<LayerCheck.Difference> compare(Agent agent, Layer layer, Pace pace) {
        try {
            ContentStore content = agent.streams().content();
            return Optional.of(agent.streams().layer(layer.id(), kept -> {
                try (InputStream came = content.openLayer(
                        layer.spec().descriptor(), layer.spec().diffId())) {
                    return LayerCheck.compare(pace.of(came), pace.of(kept));
                }
            }));
        } catch (DriverException | IOException e) {
            log.debug("layer cannot be compared layer={} reason={}", layer.id(), e.getMessage());
            return Optional.empty();
        }
    }

    // ---- the journal

    private static void journal(Shift shift) throws IOException, RefusedException, FailedException {
        Agent agent = shift.agent();
        shift.progress("walks the journal's chain");
        long end = agent.journal().end().sequence();
        long origin = agent.journal().origin().sequence();
        Optional<String> damage = agent.verifyJournal();
        if (damage.isEmpty()) {
            shift.summary("the journal is whole from " + origin + " to " + end);
            return;
        }
        shift.amiss();
        String after = "";
        if (!shift.dryRun()) {
            shift.await(agent.maintenance().checkpoint(Optional.empty(), OptionalLong.empty()));
            after = "; a checkpoint was written, so no start reads it any more";
        }
        shift.line(new Line("journal", "", "journal", 0, damage.get() + after));
        shift.summary("the journal is damaged at " + damage.get());
    }
}
