package dev.wharf.kafka.desired;

import static dev.wharf.kafka.desired.Yard.service;
import static dev.wharf.kafka.desired.Yard.update;
import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.command.Command;
import dev.wharf.core.command.Decision;
import dev.wharf.core.command.DesiredCommand;
import dev.wharf.core.event.DesiredEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Service.Phase;
import dev.wharf.model.DesiredNetwork;
import dev.wharf.model.Digest;
import dev.wharf.model.DocumentKey;
import dev.wharf.model.DriverName;
import dev.wharf.model.ServiceSpec;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ConvergenceTest {
    private final Yard yard = new Yard();

    private void given(ServiceSpec spec) {
        yard.apply(spec);
        yard.settle(20);
        assertThat(yard.web().phase()).isEqualTo(Phase.CONVERGED);
    }

    private Container replica(int number) {
        return yard.host.containers().values().stream()
                .filter(c -> Convergence.replica(c) == number)
                .findFirst()
                .orElseThrow();
    }

    @Test
    void aServiceIsPulledMadeStartedAndToldToBeThere() {
        yard.apply(service("shop", 3, update(1, false, 0, true)));
        assertThat(yard.next()).containsExactly(new Action.Pull(Yard.WEB, "shop"));
        yard.settle(20);

        assertThat(yard.running()).isEqualTo(Map.of("shop", 3));
        assertThat(yard.story()).containsExactly("ServiceDesired", "Converged");
        assertThat(yard.next()).isEmpty();
        assertThat(replica(2).name()).startsWith("web-2-");
    }

    @Test
    void aNewVersionComesReplicaByReplicaAndNeverLessServeThanParallelismAllows() {
        given(service("shop:1", 6, update(2, false, 0, true)));
        yard.apply(service("shop:2", 6, update(2, false, 0, true)));
        for (int i = 0; i < 80; i++) {
            yard.next().forEach(yard::perform);
            assertThat(yard.well(6)).isGreaterThanOrEqualTo(4);
            yard.now = yard.now.plusMillis(500);
        }
        assertThat(yard.running()).isEqualTo(Map.of("shop:2", 6));
        assertThat(yard.web().phase()).isEqualTo(Phase.CONVERGED);
    }

    @Test
    void startingFirstKeepsAllOfThemServing() {
        given(service("shop:1", 4, update(1, true, 0, true)));
        yard.apply(service("shop:2", 4, update(1, true, 0, true)));
        for (int i = 0; i < 80; i++) {
            for (Action action : yard.next()) {
                yard.perform(action);
                assertThat(yard.well(4)).isEqualTo(4);
            }
            yard.now = yard.now.plusMillis(500);
        }
        assertThat(yard.running()).isEqualTo(Map.of("shop:2", 4));
    }

    @Test
    void aBadVersionStopsByItselfAndTheGoodOneComesBack() {
        yard.bad.add("shop:2");
        given(service("shop:1", 4, update(1, false, 1, true)));
        String good = yard.web().wanted().id();
        yard.apply(service("shop:2", 4, update(1, false, 1, true)));
        yard.settle(100);

        assertThat(yard.running()).isEqualTo(Map.of("shop:1", 4));
        assertThat(yard.web().phase()).isEqualTo(Phase.ROLLED_BACK);
        assertThat(yard.web().target().id()).isEqualTo(good);
        assertThat(yard.web().reason()).contains("2 replicas failed", "ended by itself with code 1");
        assertThat(yard.story())
                .containsExactly(
                        "ServiceDesired",
                        "Converged",
                        "ServiceDesired",
                        "ReplicaFailed",
                        "ReplicaFailed",
                        "RolloutHalted",
                        "RolledBack");
        assertThat(yard.next()).isEmpty();
    }

    @Test
    void aBadVersionThatShallBePausedStaysAsItIsAndTheRestServesOn() {
        yard.bad.add("shop:2");
        given(service("shop:1", 4, update(1, false, 0, false)));
        yard.apply(service("shop:2", 4, update(1, false, 0, false)));
        yard.settle(100);

        assertThat(yard.web().phase()).isEqualTo(Phase.HALTED);
        assertThat(yard.running()).isEqualTo(Map.of("shop:1", 3));
        yard.apply(service("shop:3", 4, update(1, false, 0, false)));
        yard.settle(100);
        assertThat(yard.running()).isEqualTo(Map.of("shop:3", 4));
    }

    @Test
    void aFirstVersionThatIsBadHasNothingToGoBackTo() {
        yard.bad.add("shop");
        yard.apply(service("shop", 2, update(1, false, 0, true)));
        yard.settle(50);
        assertThat(yard.web().phase()).isEqualTo(Phase.HALTED);
    }

    @Test
    void whatSomebodyChangedIsToldAndRepaired() {
        given(service("shop", 3, update(1, false, 0, true)));
        yard.remove(replica(1).id());
        yard.stop(replica(2).id());
        yard.pause(replica(3).id());
        assertThat(yard.next())
                .containsExactly(new Action.Note(new DesiredCommand.NoteDrift(
                        Yard.WEB,
                        yard.web().wanted().id(),
                        List.of("replica 1 is gone", "replica 2 was stopped", "replica 3 was paused"))));
        yard.settle(20);
        assertThat(yard.well(3)).isEqualTo(3);
        assertThat(yard.story()).endsWith("DriftFound", "DriftRepaired");
        assertThat(yard.web().drift()).isEmpty();
    }

    @Test
    void aNetworkThatWasTakenAwayIsMadeAgainWithAllThatWasOnIt() {
        DesiredNetwork shop = new DesiredNetwork("shop", new DriverName("overlay"), "", false, Map.of());
        yard.apply(List.of(shop), service("shop", 2, update(1, false, 0, true), "shop"));
        yard.settle(20);
        assertThat(yard.web().phase()).isEqualTo(Phase.CONVERGED);
        yard.tell(new dev.wharf.core.event.NetworkEvent.Removed(
                yard.host.networkNamed("shop").orElseThrow().id()));
        yard.settle(60);
        assertThat(yard.story()).endsWith("DriftFound", "DriftRepaired");
        assertThat(yard.host.usersOf(
                        yard.host.networkNamed("shop").orElseThrow().id()))
                .isEmpty();
        assertThat(replica(1).spec().networking().networks().get(0).network())
                .isEqualTo(yard.host.networkNamed("shop").orElseThrow().id());
    }

    @Test
    void aNetworkThatNobodyMakesStopsTheRolloutAndIsNamed() {
        yard.apply(service("shop", 2, update(1, false, 0, true), "elsewhere"));
        yard.settle(10);
        assertThat(yard.web().phase()).isEqualTo(Phase.ROLLING);
        yard.now = yard.now.plusSeconds(60);
        yard.settle(4);
        assertThat(yard.web().phase()).isEqualTo(Phase.HALTED);
        assertThat(yard.web().reason())
                .isEqualTo("1 replica failed; network elsewhere is not there, and the document does not make it");
        assertThat(yard.story()).contains("ReplicaFailed");
    }

    @Test
    void aServiceOnTheHostsOwnNetworkIsLeftAlone() {
        DesiredNetwork host = new DesiredNetwork("host", new DriverName("host"), "", false, Map.of());
        yard.apply(List.of(host), service("shop", 1, update(1, false, 0, true), "host"));
        yard.settle(20);
        assertThat(yard.web().phase()).isEqualTo(Phase.CONVERGED);
        assertThat(yard.web().drift()).isEmpty();
    }

    @Test
    void whatFailsAlikeCountsEachTimeAndIsToldWithoutItsNumber() {
        yard.apply(service("shop", 1, update(1, false, 1, true)));
        for (int i = 0; i < 2; i++) {
            String what = Convergence.attempt("image shop cannot be had", i, yard.now);
            yard.perform(new Action.Note(new DesiredCommand.NoteFailure(
                    Yard.WEB, yard.web().target().id(), 0, what, "image shop cannot be had")));
        }
        yard.settle(2);
        assertThat(yard.web().reason()).isEqualTo("2 replicas failed; image shop cannot be had");
    }

    @Test
    void aSubnetThatAnotherNetworkHasIsRefused() {
        DesiredNetwork shop = new DesiredNetwork("shop", new DriverName("bridge"), "10.77.0.0/16", false, Map.of());
        DesiredNetwork side = new DesiredNetwork("side", new DriverName("bridge"), "10.77.3.0/24", false, Map.of());
        yard.apply(List.of(shop), service("shop", 1, update(1, false, 0, true), "shop"));
        assertThat(refusal("group/other", side))
                .isEqualTo("subnet 10.77.3.0/24 of network side overlaps 10.77.0.0/16 of network shop of the document "
                        + Yard.DOCUMENT + "; give this one another");
        assertThat(refusal(Yard.DOCUMENT.value(), side)).isEmpty();
    }

    private String refusal(String key, DesiredNetwork network) {
        Command apply = new DesiredCommand.Apply(
                new DocumentKey(key), Digest.sha256(key), "wharf.desired-0@9", List.of(), List.of(network), List.of());
        return apply.decide(yard.host, yard.now) instanceof Decision.Refused refused
                ? refused.refusal().message()
                : "";
    }

    @Test
    void fewerReplicasAndServicesThatNobodyWantsGo() {
        given(service("shop", 5, update(1, false, 0, true)));
        yard.apply(service("shop", 2, update(1, false, 0, true)));
        yard.settle(20);
        assertThat(yard.running()).isEqualTo(Map.of("shop", 2));
        assertThat(yard.web().phase()).isEqualTo(Phase.CONVERGED);
        yard.apply();
        yard.settle(20);
        assertThat(yard.host.containers()).isEmpty();
        assertThat(yard.host.services()).isEmpty();
        assertThat(yard.host.documents()).hasSize(1);
    }

    @Test
    void aReleasedDocumentLeavesItsContainersAndAppliedAgainTakesThemOver() {
        ServiceSpec spec = service("shop", 2, update(1, false, 0, true));
        given(spec);
        yard.wish(new DesiredCommand.Release(Yard.DOCUMENT));
        assertThat(yard.next()).isEmpty();
        assertThat(yard.running()).isEqualTo(Map.of("shop", 2));
        List<Container> before = List.copyOf(yard.host.containers().values());
        given(spec);
        assertThat(yard.host.containers().values()).containsExactlyInAnyOrderElementsOf(before);
    }

    @Test
    void twoDocumentsDoNotWantTheSameServiceAndOneThatHoldsIsNotTakenTwice() {
        ServiceSpec spec = service("shop", 1, update(1, false, 0, true));
        given(spec);
        Decision other = new DesiredCommand.Apply(
                        new DocumentKey("host/a"), Digest.sha256("x"), "s", List.of(spec), List.of(), List.of())
                .decide(yard.host, yard.now);
        assertThat(other).isInstanceOf(Decision.Refused.class);
        int told = yard.told.size();
        yard.apply(spec);
        assertThat(yard.told).hasSize(told);
    }

    /** Actions that are lost, done twice, late or in another order, as an agent that is killed and comes back does them. */
    @Test
    void whateverIsLostOrDoneTwiceItConvergesAndBudgetsHold() {
        for (int seed = 0; seed < 300; seed++) {
            Random chance = new Random(seed);
            Yard world = new Yard();
            boolean startFirst = chance.nextBoolean();
            int parallelism = 1 + chance.nextInt(3);
            int replicas = 3 + chance.nextInt(5);
            ServiceSpec.Update update = update(parallelism, startFirst, chance.nextInt(2), true);
            world.bad.add("shop:bad");
            world.apply(service("shop:1", replicas, update));
            world.settle(20);
            String second = chance.nextInt(3) == 0 ? "shop:bad" : "shop:2";
            world.apply(service(second, replicas, update));
            for (int turn = 0; turn < 400; turn++) {
                for (Action action : world.next()) {
                    if (chance.nextInt(3) > 0) {
                        world.perform(action);
                        if (chance.nextInt(4) == 0) {
                            world.perform(action);
                        }
                    }
                    assertThat(world.well(replicas))
                            .as("seed %d", seed)
                            .isGreaterThanOrEqualTo(startFirst ? replicas : replicas - parallelism);
                }
                world.now = world.now.plusMillis(300);
            }
            String last = second.equals("shop:bad") ? "shop:1" : second;
            assertThat(world.running()).as("seed %d", seed).isEqualTo(Map.of(last, replicas));
            assertThat(world.web().phase())
                    .as("seed %d", seed)
                    .isEqualTo(second.equals("shop:bad") ? Phase.ROLLED_BACK : Phase.CONVERGED);
            long failures = world.told.stream()
                    .filter(e -> e instanceof DesiredEvent.ReplicaFailed)
                    .count();
            assertThat(failures)
                    .as("seed %d", seed)
                    .isLessThanOrEqualTo(second.equals("shop:bad") ? update.maxFailures() + parallelism : 0);
            assertThat(replay(world.told)).as("seed %d", seed).isEqualTo(world.host);
        }
    }

    private static dev.wharf.core.state.Host replay(List<Event> events) {
        dev.wharf.core.state.Host host = dev.wharf.core.state.Host.EMPTY;
        for (Event event : events) {
            host = event.apply(host);
        }
        return host;
    }
}
