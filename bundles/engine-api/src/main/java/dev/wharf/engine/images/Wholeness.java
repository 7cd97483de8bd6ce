package dev.wharf.engine.images;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.state.Image;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.model.Descriptor;
import dev.wharf.model.LayerSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.content.ContentStore;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Looks whether all that images consist of is here before they are passed on: half an image is of no use to anybody. */
final class Wholeness {
    private final Agent agent;
    private final Request request;

    /** @param request whoever asks, for what is found is told */
    Wholeness(Agent agent, Request request) {
        this.agent = agent;
        this.request = request;
    }

    /**
     * Refuses where something is missing or has another size.
     *
     * @param name what the client calls the images
     * @param variants the images as they are kept; where there are several, they go with the index they are of
     */
    void check(String name, List<Image> variants) throws DriverException {
        List<String> wrong = look(variants);
        if (!wrong.isEmpty()) {
            throw new Problem(
                    500,
                    "image " + name + " is not whole: " + String.join(", ", wrong)
                            + "; pull or load it again to mend it");
        }
    }

    /** Says what is missing or has another size. The house is told of it, so that the next pull brings it anew. */
    List<String> look(List<Image> variants) throws DriverException {
        ContentStore content = agent.streams().content();
        List<String> wrong = new ArrayList<>();
        for (Map.Entry<Descriptor, String> part : parts(variants).entrySet()) {
            Descriptor blob = part.getKey();
            Optional<Long> size = content.size(blob.digest());
            if (size.equals(Optional.of(blob.sizeBytes()))) {
                continue;
            }
            String what = size.map(s -> "has " + s + " bytes instead of " + blob.sizeBytes())
                    .orElse("is missing");
            wrong.add(part.getValue() + " " + blob.digest() + " " + what);
            agent.submit(new HostCommand.ReportDamage(blob.digest(), "it " + what), request.cause());
        }
        return wrong;
    }

    private static Map<Descriptor, String> parts(List<Image> variants) {
        Map<Descriptor, String> parts = new LinkedHashMap<>();
        for (Image image : variants) {
            if (variants.size() > 1) {
                image.index().ifPresent(index -> parts.put(index, "index"));
            }
            parts.put(image.manifest(), "manifest");
            parts.put(image.configBlob(), "config");
            image.layers().stream().map(LayerSpec::descriptor).forEach(layer -> parts.put(layer, "layer"));
        }
        return parts;
    }
}
