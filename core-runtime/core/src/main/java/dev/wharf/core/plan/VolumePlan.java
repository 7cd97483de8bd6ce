package dev.wharf.core.plan;

import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.core.state.Volume;
import dev.wharf.model.VolumeName;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;

/** A volume has its directory while it is wanted, and its device mounted there while a container uses it. */
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
        if (volume.wanted() && volume.keptUntil().isEmpty()) {
            return volume.path().isPresent()
                    ? mount(host, volume)
                    : Proposal.step(new VolumeStep.CreateVolume(volume.spec()));
        }
        if (volume.isKept()
                && volume.path().isPresent()
                && now.isBefore(volume.keptUntil().get())) {
            return Proposal.restUntil(volume.keptUntil().get());
        }
        return volume.path().isAbsent() && !volume.wanted()
                ? Proposal.say(new VolumeEvent.Removed(name))
                : Proposal.step(new VolumeStep.RemoveVolume(
                        volume.spec(), volume.stall().map(Stall::tries).orElse(0)));
    }

    private static Proposal mount(Host host, Volume volume) {
        if (!volume.spec().hasDevice()) {
            return Proposal.REST;
        }
        if (isUsed(host, volume)) {
            return volume.isMounted() || volume.mountFailure().isPresent()
                    ? Proposal.REST
                    : Proposal.step(new VolumeStep.MountVolume(volume.spec()));
        }
        if (volume.isMounted()) {
            // Written down first: a container that comes now must wait for the mount after this one.
            return Proposal.say(new VolumeEvent.Unmounting(volume.name()));
        }
        return volume.mount().isEmpty()
                ? Proposal.REST
                : Proposal.step(new VolumeStep.UnmountVolume(
                        volume.spec(), volume.stall().map(Stall::tries).orElse(0)));
    }

    /** Whether a container runs with it, is about to, or has something left that may hold it. */
    private static boolean isUsed(Host host, Volume volume) {
        return host.usersOf(volume.name()).stream()
                .anyMatch(c -> c.goal().wantsProcess()
                        || !c.process().isAbsent()
                        || !c.remains().isAbsent());
    }
}
