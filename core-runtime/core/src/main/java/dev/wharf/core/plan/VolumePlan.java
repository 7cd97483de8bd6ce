package dev.wharf.core.plan;

import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.VolumeName;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/** A volume has its directory while it is wanted. */
final class VolumePlan implements Plan {
    private final VolumeName name;

    VolumePlan(VolumeName name) {
        this.name = name;
    }

    @Override
    public Proposal next(Host host, Instant now, Set<String> busy) {
        Optional<Volume> known = host.volume(name);
        if (known.isEmpty()) {
            return Proposal.REST;
        }
        Volume volume = known.get();
        if (!busy.isEmpty()) {
            return Proposal.AWAIT;
        }
        if (volume.stall().isPresent() && now.isBefore(volume.stall().get().retryAt())) {
            return Proposal.until(volume.stall().get().retryAt());
        }
        if (volume.wanted()) {
            return volume.path().isPresent()
                    ? Proposal.REST
                    : Proposal.step(new VolumeStep.CreateVolume(volume.spec()));
        }
        return volume.path().isAbsent()
                ? Proposal.say(new VolumeEvent.Removed(name))
                : Proposal.step(new VolumeStep.RemoveVolume(
                        volume.spec(), volume.stall().map(Stall::tries).orElse(0)));
    }
}
