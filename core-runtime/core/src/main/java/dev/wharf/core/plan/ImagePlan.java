package dev.wharf.core.plan;

import dev.wharf.core.state.Host;
import dev.wharf.core.state.Image;
import dev.wharf.core.state.Stall;
import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** An image that is wanted rests; one that is not gives up its documents, and its layers then see that it is gone. */
final class ImagePlan implements Plan {
    private final ImageId id;

    ImagePlan(ImageId id) {
        this.id = id;
    }

    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        Optional<Image> known = host.image(id).filter(i -> !i.wanted());
        if (known.isEmpty()) {
            return Proposal.REST;
        }
        if (!busy.isEmpty()) {
            return Proposal.AWAIT;
        }
        Optional<Stall> stall = known.get().stall();
        if (stall.isPresent() && now.isBefore(stall.get().retryAt())) {
            return Proposal.until(stall.get().retryAt());
        }
        List<Digest> documents = known.get().documents().stream()
                .map(Descriptor::digest)
                .filter(d -> host.images().values().stream()
                        .noneMatch(i -> !i.id().equals(id)
                                && i.documents().stream()
                                        .anyMatch(other -> other.digest().equals(d))))
                .filter(d -> host.pulls().values().stream()
                        .flatMap(p -> p.resolved().stream())
                        .flatMap(r -> Stream.of(r.target(), r.manifest(), r.configBlob()))
                        .noneMatch(other -> other.digest().equals(d)))
                .toList();
        return Proposal.step(new ImageStep.RemoveDocuments(
                id, documents, stall.map(Stall::tries).orElse(0)));
    }
}
