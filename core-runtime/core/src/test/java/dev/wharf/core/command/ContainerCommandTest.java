package dev.wharf.core.command;

import static dev.wharf.core.Given.BRIDGE;
import static dev.wharf.core.Given.DB;
import static dev.wharf.core.Given.IMAGE;
import static dev.wharf.core.Given.T0;
import static dev.wharf.core.Given.WEB;
import static dev.wharf.core.Given.after;
import static dev.wharf.core.Given.created;
import static dev.wharf.core.Given.exited;
import static dev.wharf.core.Given.furnished;
import static dev.wharf.core.Given.grant;
import static dev.wharf.core.Given.granted;
import static dev.wharf.core.Given.network;
import static dev.wharf.core.Given.place;
import static dev.wharf.core.Given.run;
import static dev.wharf.core.Given.spec;
import static dev.wharf.core.Given.the;
import static dev.wharf.core.Given.volume;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.Given;
import dev.wharf.core.command.Refusal.Kind;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.plan.ContainerStep;
import dev.wharf.core.state.Goal;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Stall;
import dev.wharf.model.ContainerId;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecId;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.MountSpec;
import dev.wharf.model.NetworkWish;
import dev.wharf.model.PortWish;
import dev.wharf.model.PublishedPort;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.Signal;
import dev.wharf.model.VolumeName;
import dev.wharf.spi.Failure;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ContainerCommandTest {
    private static final Entropy ENTROPY = new Entropy("seed");
    private static final ExecId EXEC = new ExecId("e".repeat(64));
    private static final ExecSpec TRUE =
            new ExecSpec(List.of("true"), List.of(), "", "/", false, false, false, true, true, "");

    private final Host idle = furnished(created(WEB, "web", spec().make()));
    private final Host running = after(idle, run(WEB, 1, T0));
    private final Host paused =
            after(running, new ContainerEvent.PauseRequested(WEB), new ContainerEvent.Frozen(WEB, T0));
    private final Host stopped = after(
            grant(running, new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty()), T0), exited(WEB, 0, T0));
    private final Host removing = grant(running, new ContainerCommand.Remove(WEB, true, false), T0);

    private static Refusal refused(Host host, Command command) {
        Decision decision = command.decide(host, T0);
        assertThat(decision).isInstanceOf(Decision.Refused.class);
        return ((Decision.Refused) decision).refusal();
    }

    private static void refused(Host host, Command command, Kind kind, String words) {
        assertThat(refused(host, command).kind()).isEqualTo(kind);
        assertThat(refused(host, command).message()).contains(words);
    }

    private static ContainerCommand.Create create(String name) {
        return new ContainerCommand.Create(DB, name, spec().make());
    }

    private static Command start() {
        return new ContainerCommand.Start(WEB, ENTROPY);
    }

    private static Command stop() {
        return new ContainerCommand.Stop(WEB, Optional.empty(), Optional.empty());
    }

    // ---- create and its names

    @ParameterizedTest
    @ValueSource(strings = {"", "a", "-a", ".a", "a b", "a/b", "/web", "\u00e4b", "a\nb"})
    void aNameThatClientsCouldNotWriteIsRefused(String name) {
        refused(furnished(), create(name), Kind.INVALID, "Invalid container name");
    }

    @Test
    void aTakenNameIsAConflictThatSaysWhoHasIt() {
        refused(idle, create("web"), Kind.CONFLICT, WEB.value());
    }

    @Test
    void aNameIsFreeAsSoonAsItIsGivenUp() {
        Host renamed = grant(idle, new ContainerCommand.Rename(WEB, "web2"), T0);
        assertThat(renamed.containerNamed("web")).isEmpty();
        assertThat(granted(renamed, create("web"), T0)).isNotEmpty();
        Host removed = after(idle, new ContainerEvent.Removed(WEB));
        assertThat(granted(removed, create("web"), T0)).isNotEmpty();
    }

    @Test
    void renamingIsRefusedForNamesThatAreTakenWrongOrTheSame() {
        Host two = after(idle, created(DB, "db", spec().make()));
        refused(two, new ContainerCommand.Rename(WEB, "db"), Kind.CONFLICT, DB.value());
        refused(two, new ContainerCommand.Rename(WEB, "web"), Kind.INVALID, "same name");
        refused(two, new ContainerCommand.Rename(WEB, "a b"), Kind.INVALID, "Invalid container name");
        Host swapped = grant(
                grant(two, new ContainerCommand.Rename(WEB, "x1"), T0), new ContainerCommand.Rename(DB, "web"), T0);
        assertThat(swapped.containerNamed("web").map(c -> c.id())).contains(DB);
        assertThat(swapped.containerNamed("x1").map(c -> c.id())).contains(WEB);
        assertThat(swapped.containerNamed("db")).isEmpty();
    }

    @Test
    void aMissingImageHasTheWordsThatClientsPullOn() {
        refused(Host.EMPTY, create("db"), Kind.MISSING, "No such image: busybox");
        Host leaving = after(furnished(), new ImageEvent.RemoveRequested(IMAGE));
        refused(leaving, create("db"), Kind.MISSING, "No such image");
    }

    @Test
    void aMissingNetworkIsSaidBeforeAnythingIsMade() {
        Command command = new ContainerCommand.Create(
                DB, "db", spec().on(NetworkWish.on(network("nowhere"))).make());
        refused(furnished(), command, Kind.MISSING, "not found");
    }

    @Test
    void volumesThatNobodyMadeAreMadeOnceWithTheirContainer() {
        MountSpec data = new MountSpec(MountSpec.Kind.VOLUME, "data", "/data", false, false, Map.of());
        MountSpec again = new MountSpec(MountSpec.Kind.VOLUME, "data", "/again", false, false, Map.of());
        Command command =
                new ContainerCommand.Create(DB, "db", spec().mounts(data, again).make());
        assertThat(granted(furnished(), command, T0).stream().filter(e -> e instanceof VolumeEvent.Created))
                .hasSize(1);
        assertThat(granted(furnished(volume("data")), command, T0)).hasSize(1);
        Host leaving = furnished(volume("data"), new VolumeEvent.RemoveRequested(new VolumeName("data")));
        refused(leaving, command, Kind.CONFLICT, "being removed");
    }

    // ---- start, stop, kill

    @Test
    void nobodyKnowsWhatIsNotThere() {
        for (Command command : List.of(start(), stop(), new ContainerCommand.Kill(WEB, Signal.KILL))) {
            refused(Host.EMPTY, command, Kind.MISSING, "No such container: " + WEB);
        }
    }

    @Test
    void aStartIsRefusedWhereItMakesNoSense() {
        refused(running, start(), Kind.UNCHANGED, "already running");
        refused(paused, start(), Kind.CONFLICT, "unpause");
        refused(removing, start(), Kind.CONFLICT, "marked for removal");
        assertThat(granted(stopped, start(), T0)).hasSize(1);
    }

    private static Host waitingToRestart() {
        Host host = furnished(
                created(WEB, "web", spec().restart(RestartPolicy.Kind.ALWAYS, 0).make()));
        return after(after(host, run(WEB, 1, T0)), exited(WEB, 1, T0));
    }

    @Test
    void aStartWhileItWaitsToRestartBeginsAtOnce() {
        Host waiting = waitingToRestart();
        assertThat(the(waiting, WEB).isRestarting()).isTrue();
        assertThat(the(grant(waiting, start(), T0), WEB).restartAt()).isEmpty();
    }

    @Test
    void nobodyJoinsTheNetworkOfWhatDoesNotRun() {
        Host host = after(
                idle,
                created(DB, "db", spec().in(ContainerSpec.Namespace.of(WEB)).make()));
        Command join = new ContainerCommand.Start(DB, ENTROPY);
        refused(host, join, Kind.CONFLICT, "non running container");
        Host alone = after(
                furnished(),
                created(DB, "db", spec().in(ContainerSpec.Namespace.of(WEB)).make()));
        refused(alone, join, Kind.UNMET, "joining network namespace of container: No such container: " + WEB);
        assertThat(granted(after(host, run(WEB, 1, T0)), join, T0)).hasSize(1);
    }

    @Test
    void aStopOfWhatStandsStillIsUnchanged() {
        refused(idle, stop(), Kind.UNCHANGED, "already stopped");
        refused(stopped, stop(), Kind.UNCHANGED, "already stopped");
    }

    @Test
    void aStopHasTheGraceThatIsSaidOrTheContainersOwn() {
        ContainerEvent.StopRequested own =
                (ContainerEvent.StopRequested) granted(running, stop(), T0).get(0);
        assertThat(own.deadline()).isEqualTo(T0.plusSeconds(10));
        assertThat(own.signal()).isEqualTo(Signal.TERM);
        ContainerEvent.StopRequested never = (ContainerEvent.StopRequested) granted(
                        running,
                        new ContainerCommand.Stop(
                                WEB, Optional.of(Signal.parse("QUIT")), Optional.of(Duration.ofSeconds(-1))),
                        T0)
                .get(0);
        assertThat(never.deadline()).isEqualTo(ContainerCommand.NEVER);
        assertThat(never.signal()).isEqualTo(Signal.parse("QUIT"));
        ContainerEvent.StopRequested longer = (ContainerEvent.StopRequested) granted(
                        running,
                        new ContainerCommand.Stop(
                                WEB, Optional.empty(), Optional.of(Duration.ofSeconds(Long.MAX_VALUE))),
                        T0)
                .get(0);
        assertThat(longer.deadline()).isEqualTo(ContainerCommand.NEVER);
    }

    @Test
    void aKillEndsItAndAnyOtherSignalIsOnlySent() {
        refused(idle, new ContainerCommand.Kill(WEB, Signal.KILL), Kind.CONFLICT, "is not running");
        assertThat(granted(running, new ContainerCommand.Kill(WEB, Signal.KILL), T0))
                .singleElement()
                .isInstanceOf(ContainerEvent.StopRequested.class);
        assertThat(new ContainerCommand.Kill(WEB, Signal.parse("HUP")).decide(running, T0))
                .isInstanceOfSatisfying(
                        Decision.Acted.class,
                        act -> assertThat(act.step()).isInstanceOf(ContainerStep.SendSignal.class));
    }

    @Test
    void theTroubleOfAnotherWishIsNoAnswer() {
        Event endpoint = new ContainerEvent.Failed(WEB, "endpoint:x", new Failure(Failure.Kind.EXISTS, "taken"));
        Event limits = new ContainerEvent.Failed(WEB, "limits", new Failure(Failure.Kind.INVALID, "too much"));
        for (Command wish : List.of(
                stop(),
                new ContainerCommand.Kill(WEB, Signal.KILL),
                new ContainerCommand.Remove(WEB, true, false),
                new ContainerCommand.Pause(WEB))) {
            Decision.Accepted accepted = (Decision.Accepted) wish.decide(running, T0);
            assertThat(accepted.until()).rejects(endpoint, limits);
        }
        Decision.Accepted start = (Decision.Accepted) start().decide(stopped, T0);
        assertThat(start.until()).accepts(endpoint).rejects(limits);
        Decision.Accepted update = (Decision.Accepted)
                new ContainerCommand.Update(WEB, Given.memory(7), Optional.empty()).decide(running, T0);
        assertThat(update.until()).accepts(limits).rejects(endpoint);
    }

    @Test
    void aSignalThatEndsItEndsTheRestartsToo() {
        Host waiting = waitingToRestart();
        for (Signal signal : List.of(Signal.KILL, Signal.TERM)) {
            Host after = grant(waiting, new ContainerCommand.Kill(WEB, signal), T0);
            assertThat(the(after, WEB).isRestarting()).isFalse();
            assertThat(the(after, WEB).goal()).isEqualTo(Goal.STOPPED);
            assertThat(the(after, WEB).stoppedByHand()).isTrue();
        }
        refused(waiting, new ContainerCommand.Kill(WEB, Signal.parse("HUP")), Kind.CONFLICT, "is restarting, wait");
        refused(waiting, new ContainerCommand.Pause(WEB), Kind.CONFLICT, "is restarting, wait");
    }

    @Test
    void aRestartOfWhatStandsStillIsToldAsOne() {
        List<Event> events =
                granted(stopped, new ContainerCommand.Restart(WEB, Optional.empty(), Optional.empty(), ENTROPY), T0);
        assertThat(events.get(0)).isInstanceOf(ContainerEvent.RestartRequested.class);
        assertThat(events.get(1)).isInstanceOf(ContainerEvent.StartRequested.class);
        assertThat(the(after(stopped, events.toArray(Event[]::new)), WEB).stopping())
                .isEmpty();
    }

    @Test
    void aRestartOfWhatIsOnItsWayUpIsOne() {
        Host coming = grant(stopped, start(), T0);
        Host again = grant(coming, new ContainerCommand.Restart(WEB, Optional.empty(), Optional.empty(), ENTROPY), T0);
        assertThat(the(again, WEB).generation()).isEqualTo(the(coming, WEB).generation() + 1);
        assertThat(the(again, WEB).stopping()).isEmpty();
    }

    // ---- pause, update

    @Test
    void pauseAndResumeAreRefusedWhereTheyMakeNoSense() {
        refused(idle, new ContainerCommand.Pause(WEB), Kind.CONFLICT, "is not running");
        refused(paused, new ContainerCommand.Pause(WEB), Kind.CONFLICT, "already paused");
        refused(running, new ContainerCommand.Resume(WEB), Kind.CONFLICT, "is not paused");
        assertThat(the(grant(paused, new ContainerCommand.Resume(WEB), T0), WEB).goal())
                .isEqualTo(Goal.RUNNING);
    }

    @Test
    void anUpdateKeepsWhatIsNotGivenAndIsRefusedWhereItCannotBe() {
        Host kept = grant(running, new ContainerCommand.Update(WEB, Given.memory(7), Optional.empty()), T0);
        assertThat(the(kept, WEB).spec().restartPolicy()).isEqualTo(RestartPolicy.NO);
        assertThat(the(kept, WEB).spec().resources().memoryBytes()).isEqualTo(7);
        refused(
                removing,
                new ContainerCommand.Update(WEB, Given.memory(7), Optional.empty()),
                Kind.CONFLICT,
                "marked for removal");
        Host fleeting = furnished(created(WEB, "web", spec().autoRemove().make()));
        refused(
                fleeting,
                new ContainerCommand.Update(
                        WEB, Given.memory(7), Optional.of(new RestartPolicy(RestartPolicy.Kind.ALWAYS, 0))),
                Kind.CONFLICT,
                "AutoRemove");
    }

    // ---- remove

    @Test
    void whatRunsIsRemovedByForceOnly() {
        refused(running, new ContainerCommand.Remove(WEB, false, false), Kind.CONFLICT, "container is running");
        refused(paused, new ContainerCommand.Remove(WEB, false, false), Kind.CONFLICT, "is paused");
        refused(removing, new ContainerCommand.Remove(WEB, true, false), Kind.CONFLICT, "already in progress");
        for (Host host : List.of(idle, running, paused, stopped)) {
            assertThat(granted(host, new ContainerCommand.Remove(WEB, true, false), T0))
                    .hasSize(1);
        }
    }

    @Test
    void whoRemovesIsToldOfADriverThatIsAwayAndWaitsForWhatClearsUpByItself() {
        Decision.Accepted remove =
                (Decision.Accepted) new ContainerCommand.Remove(WEB, true, false).decide(running, T0);
        Event busy = stalled(Failure.Kind.BUSY, "cannot unmount", 3);
        Event away = stalled(Failure.Kind.UNAVAILABLE, "no driver \"overlay\" is there", 1);
        Event inVain = stalled(Failure.Kind.FAILED, "operation not permitted", 8);
        assertThat(remove.until()).accepts(away, inVain).rejects(busy);
        assertThat(busy.trouble()).isEmpty();
        assertThat(away.trouble().map(Failure::message))
                .contains("no driver \"overlay\" is there; it is tried again until it works");
    }

    private static Event stalled(Failure.Kind kind, String why, int tries) {
        return new ContainerEvent.Stalled(WEB, new Stall("rootfs", new Failure(kind, why), T0, tries));
    }

    @Test
    void whatWaitsToRestartSaysSo() {
        Host waiting = waitingToRestart();
        refused(waiting, new ContainerCommand.Remove(WEB, false, false), Kind.CONFLICT, "container is restarting");
        assertThat(the(grant(waiting, new ContainerCommand.Remove(WEB, true, false), T0), WEB)
                        .restartAt())
                .isEmpty();
    }

    // ---- execs

    @Test
    void anExecNeedsARunningContainerAndRunsOnce() {
        refused(idle, new ContainerCommand.CreateExec(WEB, EXEC, TRUE), Kind.CONFLICT, "is not running");
        refused(paused, new ContainerCommand.CreateExec(WEB, EXEC, TRUE), Kind.CONFLICT, "paused");
        refused(running, new ContainerCommand.StartExec(WEB, EXEC), Kind.MISSING, "No such exec instance");
        Host made = grant(running, new ContainerCommand.CreateExec(WEB, EXEC, TRUE), T0);
        assertThat(new ContainerCommand.StartExec(WEB, EXEC).decide(made, T0)).isInstanceOf(Decision.Acted.class);
        Host next = grant(after(made, exited(WEB, 0, T0)), new ContainerCommand.Start(WEB, ENTROPY), T0);
        refused(next, new ContainerCommand.StartExec(WEB, EXEC), Kind.MISSING, "No such exec instance");
        Host ran = after(made, new ContainerEvent.ExecStarted(WEB, EXEC, 12));
        refused(ran, new ContainerCommand.StartExec(WEB, EXEC), Kind.CONFLICT, "is already running");
        Host over = after(ran, new ContainerEvent.ExecExited(WEB, EXEC, 0));
        refused(over, new ContainerCommand.StartExec(WEB, EXEC), Kind.CONFLICT, "has already run");
    }

    @Test
    void execsThatRunMustFitInWhatIsWrittenDownOfTheirContainer() {
        ExecSpec large = new ExecSpec(
                List.of("sh", "-c", "\n".repeat(140_000)), List.of(), "", "/", false, false, false, true, true, "");
        Host host = grant(running, new ContainerCommand.CreateExec(WEB, EXEC, large), T0);
        host = after(host, new ContainerEvent.ExecStarted(WEB, EXEC, 12));
        ExecId other = new ExecId("1".repeat(64));
        refused(host, new ContainerCommand.CreateExec(WEB, other, large), Kind.INVALID, "are too long together");
        Host ended = after(host, new ContainerEvent.ExecExited(WEB, EXEC, 0));
        assertThat(grant(ended, new ContainerCommand.CreateExec(WEB, other, large), T0)
                        .container(WEB)
                        .orElseThrow()
                        .execs())
                .containsOnlyKeys(other);
    }

    // ---- places on networks

    private static EndpointSpec firstPlace(Host host, ContainerId id) {
        ContainerEvent.StartRequested start = (ContainerEvent.StartRequested)
                granted(host, new ContainerCommand.Start(id, ENTROPY), T0).get(0);
        return start.endpoints().get(0);
    }

    @Test
    void aFixedAddressIsGivenRefusedWhenTakenAndRefusedWhenElsewhere() {
        NetworkWish fixed = new NetworkWish(BRIDGE, List.of(), List.of(), "172.17.0.9", "", "", 0, Map.of());
        Host host = furnished(created(WEB, "web", spec().on(fixed).make()));
        assertThat(firstPlace(host, WEB).ipv4()).isEqualTo("172.17.0.9/24");
        Host taken = after(host, created(DB, "db", spec().make()));
        taken = after(taken, run(DB, 1, T0, place(BRIDGE, "172.17.0.9")));
        refused(taken, start(), Kind.FORBIDDEN, "Address already in use");
        NetworkWish far = new NetworkWish(BRIDGE, List.of(), List.of(), "10.0.0.9", "", "", 0, Map.of());
        refused(furnished(created(WEB, "web", spec().on(far).make())), start(), Kind.INVALID, "no configured subnet");
    }

    @ParameterizedTest
    @ValueSource(strings = {"172.17.0.0", "172.17.0.255", "172.17.0.1"})
    void theAddressesOfTheNetworkItselfAreNoContainers(String special) {
        NetworkWish wish = new NetworkWish(BRIDGE, List.of(), List.of(), special, "", "", 0, Map.of());

        Host host = furnished(created(WEB, "web", spec().on(wish).make()));

        refused(host, start(), Kind.FORBIDDEN, "Address already in use");
    }

    @Test
    void aHostPortIsHeldByOneAndASecondHearsWhy() {
        PortWish http = new PortWish(80, "tcp", "", 8080, 8080);
        Host host = furnished(
                created(
                        WEB,
                        "web",
                        spec().on(NetworkWish.on(BRIDGE)).ports(http).make()),
                created(DB, "db", spec().on(NetworkWish.on(BRIDGE)).ports(http).make()));
        EndpointSpec place = firstPlace(host, WEB);
        assertThat(place.ports())
                .containsExactly(
                        new PublishedPort(80, "tcp", "0.0.0.0", 8080), new PublishedPort(80, "tcp", "::", 8080));
        Host held = after(host, new ContainerEvent.StartRequested(WEB, List.of(place)));
        Host tried = grant(held, new ContainerCommand.Start(DB, ENTROPY), T0);
        assertThat(the(tried, DB).failure().orElseThrow().message()).contains("port is already allocated");
        assertThat(the(tried, DB).goal()).isEqualTo(Goal.CREATED);
        Host given = after(grant(held, stop(), T0), new ContainerEvent.EndpointDetached(WEB, BRIDGE));
        assertThat(given.portHolders("tcp", 8080)).isEmpty();
    }

    @Test
    void portsOfDifferentAddressesAndProtocolsDoNotCollide() {
        Host host = furnished(
                created(
                        WEB,
                        "web",
                        spec().on(NetworkWish.on(BRIDGE))
                                .ports(new PortWish(80, "tcp", "127.0.0.1", 8080, 8080))
                                .make()),
                created(
                        DB,
                        "db",
                        spec().on(NetworkWish.on(BRIDGE))
                                .ports(
                                        new PortWish(80, "tcp", "127.0.0.2", 8080, 8080),
                                        new PortWish(80, "udp", "127.0.0.1", 8080, 8080))
                                .make()));
        Host held = after(host, new ContainerEvent.StartRequested(WEB, List.of(firstPlace(host, WEB))));
        assertThat(firstPlace(held, DB).ports()).hasSize(2);
    }

    @Test
    void aRangeGivesTheFirstThatIsFreeAndChanceNeverOneThatIsHeld() {
        Host host = furnished(created(
                WEB,
                "web",
                spec().on(NetworkWish.on(BRIDGE))
                        .ports(new PortWish(80, "tcp", "", 9000, 9001), new PortWish(81, "tcp", "", 9000, 9001))
                        .make()));
        assertThat(firstPlace(host, WEB).ports().stream()
                        .map(PublishedPort::hostPort)
                        .distinct())
                .containsExactly(9000, 9001);
        Host random = furnished(created(
                WEB,
                "web",
                spec().on(NetworkWish.on(BRIDGE))
                        .ports(new PortWish(80, "tcp", "", 0, 0))
                        .make()));
        assertThat(firstPlace(random, WEB).ports().get(0).hostPort()).isBetween(32768, 60999);
        assertThat(firstPlace(random, WEB))
                .as("the same command decides the same way")
                .isEqualTo(firstPlace(random, WEB));
    }

    @Test
    void whoSharesTheHostsNetworkJoinsNoOther() {
        Host host = furnished(
                created(WEB, "web", spec().in(ContainerSpec.Namespace.HOST).make()));
        refused(host, new ContainerCommand.Connect(WEB, NetworkWish.on(BRIDGE), ENTROPY), Kind.INVALID, "host");
        Host created =
                furnished(created(WEB, "web", spec().on(NetworkWish.on(BRIDGE)).make()));
        granted(created, new ContainerCommand.Connect(WEB, NetworkWish.on(BRIDGE), ENTROPY), T0);
        Host on = after(created, run(WEB, 1, T0, place(BRIDGE, "172.17.0.2")));
        refused(
                on,
                new ContainerCommand.Connect(WEB, NetworkWish.on(BRIDGE), ENTROPY),
                Kind.FORBIDDEN,
                "already exists");
        refused(
                idle,
                new ContainerCommand.Disconnect(WEB, BRIDGE, false),
                Kind.UNMET,
                "is not connected to the network bridge");
        refused(
                on,
                new ContainerCommand.Disconnect(WEB, network("back"), false),
                Kind.UNMET,
                "is not connected to network ");
    }

    @Test
    void connectingWhatRunsTakesTheNextInterface() {
        Host host = after(
                furnished(created(WEB, "web", spec().on(NetworkWish.on(BRIDGE)).make())),
                run(WEB, 1, T0, place(BRIDGE, "172.17.0.2")));
        host = grant(host, new NetworkCommand.Create(Given.net("back", false)), T0);
        ContainerEvent.ConnectRequested connect = (ContainerEvent.ConnectRequested)
                granted(host, new ContainerCommand.Connect(WEB, NetworkWish.on(network("back")), ENTROPY), T0)
                        .get(1);
        assertThat(connect.endpoint().containerInterface()).isEqualTo("eth1");
        assertThat(connect.endpoint().ipv4()).isEqualTo("172.18.0.2/16");
    }

    @Test
    void whoeverIsLinkedToWhatDoesNotRunIsNotStartedAndALinkEndsAlone() {
        ContainerSpec plain = spec().on(NetworkWish.on(BRIDGE)).make();
        ContainerSpec linked = plain.withNetworking(
                plain.networking().withLinks(List.of(WEB.value() + ":store", "f".repeat(64) + ":y")));
        Host host = furnished(created(WEB, "web", plain), created(DB, "shop", linked));
        Command start = new ContainerCommand.Start(DB, ENTROPY);
        refused(host, start, Kind.CONFLICT, "Cannot link to a non running container: /web AS /shop/store");

        Host up = after(host, run(WEB, 1, T0, place(BRIDGE, "172.17.0.2")));
        assertThat(granted(up, start, T0)).isNotEmpty();
        refused(up, new ContainerCommand.Unlink(DB, "other"), Kind.MISSING, "No such link: /shop/other");
        Host ended = grant(up, new ContainerCommand.Unlink(DB, "store"), T0);
        assertThat(ended.links(the(ended, DB))).isEmpty();
        assertThat(ended.linkNames().keySet()).doesNotContain("shop/store");
    }
}
