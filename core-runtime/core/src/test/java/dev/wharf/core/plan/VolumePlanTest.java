package dev.wharf.core.plan;

import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.spec;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.MountSpec;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.Failure;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class VolumePlanTest {
    private static final VolumeName DATA = new VolumeName("data");
    private static final VolumeSpec DEVICE =
            new VolumeSpec(DATA, VolumeSpec.LOCAL, Map.of("type", "tmpfs", "device", "tmpfs"), Map.of(), false);
    private static final Failure LOST = new Failure(Failure.Kind.FAILED, "no such device");

    private static final ContainerSpec USES_IT = spec().mounts(
                    new MountSpec(MountSpec.Kind.VOLUME, "data", "/data", false, false, Map.of()))
            .make();

    private static Host with(VolumeSpec volume, Event... more) {
        Host host = after(
                furnished(created(WEB, "web", USES_IT)),
                new VolumeEvent.Created(volume, T0),
                new VolumeEvent.Ready(DATA, Path.of("/volumes/data")));
        return after(host, more);
    }

    private static Event start() {
        return new ContainerEvent.StartRequested(WEB, List.of());
    }

    private static Proposal next(Host host, String... busy) {
        return Plan.of(DATA).next(host, T0, Set.of(busy));
    }

    @Test
    void aVolumeThatIsOnlyADirectoryIsNeverMounted() {
        VolumeSpec plain = new VolumeSpec(DATA, VolumeSpec.LOCAL, Map.of(), Map.of(), false);

        assertThat(next(with(plain, start()))).isEqualTo(Proposal.REST);
    }

    @Test
    void aDeviceIsMountedWhenItsFirstUserStarts() {
        assertThat(next(with(DEVICE))).isEqualTo(Proposal.REST);
        assertThat(next(with(DEVICE, start())).steps()).containsExactly(new VolumeStep.MountVolume(DEVICE));
        assertThat(next(with(DEVICE, start()), "mount")).isEqualTo(Proposal.AWAIT);
        assertThat(next(with(DEVICE, start(), new VolumeEvent.Mounted(DATA)))).isEqualTo(Proposal.REST);
    }

    @Test
    void itsEndIsWrittenDownBeforeItIsUnmounted() {
        Host unused = with(DEVICE, new VolumeEvent.Mounted(DATA));
        assertThat(next(unused).says()).containsExactly(new VolumeEvent.Unmounting(DATA));

        Host leaving = after(unused, new VolumeEvent.Unmounting(DATA));
        assertThat(next(leaving).steps()).containsExactly(new VolumeStep.UnmountVolume(DEVICE, 0));
        assertThat(next(after(leaving, start())).steps())
                .as("somebody came meanwhile")
                .containsExactly(new VolumeStep.MountVolume(DEVICE));
        assertThat(next(after(leaving, new VolumeEvent.Unmounted(DATA)))).isEqualTo(Proposal.REST);
    }

    @Test
    void aMountThatFailedIsTriedAgainOnlyForTheNextWhoAsks() {
        Host failed = with(DEVICE, start(), new VolumeEvent.MountFailed(DATA, LOST));
        assertThat(next(failed)).isEqualTo(Proposal.REST);

        Host givenUp =
                after(failed, new ContainerEvent.Failed(WEB, "created", LOST), new ContainerEvent.ProcessDeleted(WEB));
        assertThat(next(givenUp).steps()).containsExactly(new VolumeStep.UnmountVolume(DEVICE, 0));

        Host again = after(givenUp, new VolumeEvent.Unmounted(DATA), start());
        assertThat(next(again).steps()).containsExactly(new VolumeStep.MountVolume(DEVICE));
    }

    @Test
    void whatASurveyFindsMountedIsMadeSureOfOrLetGo() {
        Host found = with(DEVICE, new VolumeEvent.MountObserved(DATA, true));
        assertThat(next(found).steps()).containsExactly(new VolumeStep.UnmountVolume(DEVICE, 0));
        assertThat(next(after(found, start())).steps()).containsExactly(new VolumeStep.MountVolume(DEVICE));

        Host lost = with(DEVICE, start(), new VolumeEvent.Mounted(DATA), new VolumeEvent.MountObserved(DATA, false));
        assertThat(next(lost).steps()).containsExactly(new VolumeStep.MountVolume(DEVICE));
    }

    @Test
    void aBootTakesMountsAway() {
        Host before = with(DEVICE, new HostEvent.Booted("one", T0), start(), new VolumeEvent.Mounted(DATA));

        Host booted = after(before, new HostEvent.Booted("two", T0));

        assertThat(booted.volume(DATA).orElseThrow().mount()).isEmpty();
        assertThat(booted.volume(DATA).orElseThrow().path().isPresent()).isTrue();
    }
}
