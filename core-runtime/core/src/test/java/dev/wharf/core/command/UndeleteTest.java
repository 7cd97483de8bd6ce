package dev.wharf.core.command;

import static dev.wharf.core.Given.IMAGE;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.grant;
import static dev.wharf.core.Given.granted;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.started;
import static dev.wharf.core.Given.the;
import static dev.wharf.core.Given.volume;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.plan.ContainerStep;
import dev.wharf.core.plan.Plan;
import dev.wharf.core.plan.Proposal;
import dev.wharf.core.plan.VolumeStep;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Volume;
import dev.wharf.model.MountSpec;
import dev.wharf.model.SubjectId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.storage.Snapshot;
import dev.wharf.spi.storage.SnapshotKey;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class UndeleteTest {
    private static final Duration KEEP = Duration.ofMinutes(10);
    private static final Instant LATER = T0.plus(KEEP);
    private static final VolumeName DATA = new VolumeName("data");
    private static final MountSpec ANONYMOUS =
            new MountSpec(MountSpec.Kind.VOLUME, "own", "/own", false, false, Map.of("anonymous", ""));
    private static final MountSpec NAMED =
            new MountSpec(MountSpec.Kind.VOLUME, "data", "/data", false, false, Map.of());

    private static Event prepared() {
        return new ContainerEvent.RootfsPrepared(WEB, new Snapshot(SnapshotKey.of(WEB), SnapshotKey.SCRATCH, false));
    }

    /** A container that ran and ended, with a volume of its own and a named one. */
    private static Host ended() {
        return furnished(
                volume("own"),
                volume("data"),
                new VolumeEvent.Ready(new VolumeName("own"), Path.of("/v/own")),
                new VolumeEvent.Ready(DATA, Path.of("/v/data")),
                created(WEB, "web", spec().mounts(ANONYMOUS, NAMED).make()),
                prepared(),
                started(WEB, T0),
                exited(WEB, 0, T0),
                new ContainerEvent.ProcessDeleted(WEB));
    }

    private static Proposal next(Host host, SubjectId subject, Instant now) {
        return Plan.of(subject).next(host, now, Set.of());
    }

    private static Host removed() {
        Host host = grant(ended(), new ContainerCommand.Remove(WEB, false, true, KEEP), T0);
        host = after(host, next(host, WEB, T0).says().toArray(Event[]::new));
        return after(host, next(host, WEB, T0).says().toArray(Event[]::new));
    }

    @Test
    void aRemovedContainerIsGoneButItsFilesStayUntilTheirTime() {
        Host host = removed();
        assertThat(host.containers()).isEmpty();
        assertThat(host.containerNamed("web")).isEmpty();
        assertThat(host.kept()).containsOnlyKeys(WEB);
        assertThat(next(host, WEB, T0)).isEqualTo(Proposal.restUntil(LATER));
        assertThat(next(host, WEB, LATER).steps())
                .containsExactly(new ContainerStep.RemoveRootfs(WEB, Given.OVERLAY, Given.RUNTIME, 0));
        host = after(host, new ContainerEvent.RootfsRemoved(WEB));
        assertThat(next(host, WEB, LATER).says()).containsExactly(new ContainerEvent.Purged(WEB));
        assertThat(after(host, new ContainerEvent.Purged(WEB)).kept()).isEmpty();
    }

    @Test
    void withoutARetentionNothingIsKept() {
        Host host = grant(ended(), new ContainerCommand.Remove(WEB, false, true), T0);
        assertThat(next(host, WEB, T0).steps())
                .containsExactly(new ContainerStep.RemoveRootfs(WEB, Given.OVERLAY, Given.RUNTIME, 0));
    }

    @Test
    void itComesBackAsItStoodWithTheVolumesThatWentWithIt() {
        Host gone = removed();
        assertThat(gone.volume(new VolumeName("own")).filter(Volume::isKept)).isPresent();
        Host host = grant(gone, new ContainerCommand.Undelete(WEB, "web"), T0);
        Container back = the(host, WEB);
        Container before = the(ended(), WEB);
        assertThat(back.goal()).isEqualTo(Goal.STOPPED);
        assertThat(back.exit()).isEqualTo(before.exit());
        assertThat(back.rootfs()).isEqualTo(before.rootfs());
        assertThat(back.keepUntil()).isEmpty();
        assertThat(host.kept()).isEmpty();
        assertThat(host.containerNamed("web")).contains(back);
        assertThat(host.volume(new VolumeName("own")).filter(Volume::wanted)).isPresent();
        assertThat(next(host, WEB, LATER).rests()).isTrue();
    }

    @Test
    void aNameThatIsTakenAndATimeThatIsUpAreRefused() {
        Host gone = removed();
        Host taken = after(gone, created(Given.DB, "web", spec().make()));
        assertThat(refusal(taken, new ContainerCommand.Undelete(WEB, "web"), T0))
                .contains("in use");
        assertThat(granted(taken, new ContainerCommand.Undelete(WEB, "web2"), T0))
                .contains(new ContainerEvent.Undeleted(WEB, "web2"));
        Host bare = after(gone, new ImageEvent.Removed(IMAGE));
        assertThat(granted(bare, new ContainerCommand.Undelete(WEB, "web"), T0))
                .as("it keeps its layers itself")
                .contains(new ContainerEvent.Undeleted(WEB, "web"));
        assertThat(refusal(gone, new ContainerCommand.Undelete(WEB, "web"), LATER.plusSeconds(1)))
                .contains("for good");
        assertThat(refusal(gone, new ContainerCommand.Undelete(Given.DB, "db"), T0))
                .contains("No such removed container");
    }

    @Test
    void whatIsGivenUpGoesAtOnce() {
        Host host = grant(removed(), new ContainerCommand.Purge(WEB), T0.plusSeconds(1));
        assertThat(next(host, WEB, T0.plusSeconds(1)).steps())
                .containsExactly(new ContainerStep.RemoveRootfs(WEB, Given.OVERLAY, Given.RUNTIME, 0));
    }

    @Test
    void aCheckpointRemembersWhatIsKept() {
        Host host = removed();
        Host again =
                after(Host.EMPTY, new ContainerEvent.KeptRecorded(host.kept().get(WEB)));
        assertThat(again.kept()).isEqualTo(host.kept());
    }

    // ---- volumes

    private static Host volumeRemoved() {
        Host host = furnished(volume("data"), new VolumeEvent.Ready(DATA, Path.of("/v/data")));
        return grant(host, new VolumeCommand.Remove(DATA, false, KEEP), T0);
    }

    @Test
    void aRemovedVolumeKeepsItsDataUntilItsTimeAndComesBackWithIt() {
        Host host = volumeRemoved();
        assertThat(next(host, DATA, T0)).isEqualTo(Proposal.restUntil(LATER));
        assertThat(next(host, DATA, LATER).steps()).hasOnlyElementsOfType(VolumeStep.RemoveVolume.class);
        Host back = grant(host, new VolumeCommand.Undelete(DATA), T0);
        assertThat(back.volume(DATA))
                .isEqualTo(furnished(volume("data"), new VolumeEvent.Ready(DATA, Path.of("/v/data")))
                        .volume(DATA));
        assertThat(refusal(host, new VolumeCommand.Remove(DATA, false), T0)).contains("no such volume");
    }

    @Test
    void aVolumeOfTheSameNameBeginsEmpty() {
        VolumeSpec spec = new VolumeSpec(DATA, VolumeSpec.LOCAL, Map.of(), Map.of(), false);
        Host host = grant(volumeRemoved(), new VolumeCommand.Create(spec), T0);
        assertThat(next(host, DATA, T0).steps()).hasOnlyElementsOfType(VolumeStep.RemoveVolume.class);
        host = after(host, new VolumeEvent.Emptied(DATA));
        assertThat(next(host, DATA, T0).steps()).containsExactly(new VolumeStep.CreateVolume(spec));
        assertThat(refusal(host, new VolumeCommand.Undelete(DATA), T0)).contains("No such removed volume");
    }

    // ---- pruning

    @Test
    void aPlanTakesExactlyWhatWasShownOrNothing() {
        Pruning all = new Pruning(Set.of(Pruning.Kind.values()), true, true, java.util.Optional.empty());
        Host host = ended();
        List<Pruning.Item> shown = all.items(host);
        assertThat(shown).extracting(Pruning.Item::name).containsExactly("web", "busybox:latest", "data", "own");

        Host busier = after(host, created(Given.DB, "db", spec().make()), started(Given.DB, T0));
        assertThat(refusal(busier, new HostCommand.Prune(all, shown), T0))
                .contains("image busybox:latest was to go, and is gone or in use now");

        Host renamed = after(host, new ContainerEvent.Renamed(WEB, "web", "shop"));
        assertThat(refusal(renamed, new HostCommand.Prune(all, shown), T0))
                .contains("container web is called shop now");

        Host pruned = grant(host, new HostCommand.Prune(all, shown), T0);
        assertThat(the(pruned, WEB).goal()).isEqualTo(Goal.REMOVED);
        assertThat(pruned.image(IMAGE).filter(i -> i.wanted())).isEmpty();
        assertThat(pruned.volumes().values()).noneMatch(Volume::wanted);
    }

    @Test
    void byDefaultNamedThingsStay() {
        Pruning careful =
                new Pruning(Set.of(Pruning.Kind.IMAGE, Pruning.Kind.VOLUME), false, false, java.util.Optional.empty());
        assertThat(careful.items(ended())).isEmpty();
        Pruning old = new Pruning(Set.of(Pruning.Kind.values()), true, true, java.util.Optional.of(T0));
        assertThat(old.items(ended())).as("nothing was made before").isEmpty();
    }

    @Test
    void whatABuildUnderWayStandsOnStays() {
        String name = dev.wharf.core.state.Build.containerName(Given.DB);
        Host host = after(
                ended(),
                new BuildEvent.Begun("b1", T0, "Dockerfile", List.of()),
                created(Given.DB, name, spec().make()));
        Pruning containers = new Pruning(Set.of(Pruning.Kind.CONTAINER), false, false, java.util.Optional.empty());
        assertThat(containers.items(host)).extracting(Pruning.Item::name).containsExactly("web");
        host = after(host, new BuildEvent.Ended("b1", Duration.ZERO, java.util.Optional.empty(), "it failed"));
        assertThat(containers.items(host)).extracting(Pruning.Item::name).containsExactly(name, "web");
    }

    private static String refusal(Host host, Command command, Instant now) {
        Decision decision = command.decide(host, now);
        assertThat(decision).isInstanceOf(Decision.Refused.class);
        return ((Decision.Refused) decision).refusal().message();
    }
}
