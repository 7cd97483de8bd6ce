package dev.wharf.jmx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.agent.Vitals;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import java.lang.reflect.Proxy;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.Notification;
import javax.management.NotificationFilterSupport;
import javax.management.ObjectName;
import javax.management.RuntimeMBeanException;
import javax.management.openmbean.CompositeData;
import javax.management.openmbean.TabularData;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Beans come and go with what is on the host, operations reach the agent in the caller's name, and listeners hear of events. */
class ExhibitsTest {
    private static final Instant NOON = Instant.parse("2026-05-01T12:00:00Z");
    private static final DriverId OVERLAY = new DriverId(DriverKind.STORAGE, new DriverName("overlay"));

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private final List<Cause> causes = new ArrayList<>();
    private Host host = Host.EMPTY;
    private CompletionStage<Event> answer =
            CompletableFuture.completedFuture(new VolumeEvent.Created(spec("any"), NOON));
    private final Exhibits exhibits = new Exhibits(server, agent());

    @AfterEach
    void close() {
        exhibits.close();
    }

    private Agent agent() {
        Fleet fleet = (Fleet) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Fleet.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "candidates" -> drivers();
                    case "calls" -> new Fleet.Calls(1, new Vitals.Latency(3, 60, 10, 20, 30, 30));
                    case "swap" -> {
                        causes.add((Cause) arguments[2]);
                        yield answer;
                    }
                    default -> throw new UnsupportedOperationException(method.getName());
                });
        return (Agent) Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Agent.class},
                (proxy, method, arguments) -> switch (method.getName()) {
                    case "host" -> host;
                    case "fleet" -> fleet;
                    case "position" -> new Position(7);
                    default -> throw new UnsupportedOperationException(method.getName());
                });
    }

    private static List<Candidate> drivers() {
        return List.of(new Candidate(OVERLAY, "overlay/1.0", 3, Fleet.Standing.SERVING, "", 2));
    }

    private static VolumeSpec spec(String name) {
        return new VolumeSpec(new VolumeName(name), VolumeSpec.LOCAL, Map.of(), Map.of(), false);
    }

    private void volume(String name) {
        host = new VolumeEvent.Created(spec(name), NOON).apply(host);
    }

    private List<String> names(String query) throws Exception {
        return server.queryNames(new ObjectName(query), null).stream()
                .map(ObjectName::toString)
                .sorted()
                .toList();
    }

    @Test
    void whatIsOnTheHostIsShownAndNothingElse() throws Exception {
        volume("data");
        volume("a.b-c");
        exhibits.settle(host, drivers());
        assertThat(names("dev.wharf:type=Volume,*"))
                .containsExactly("dev.wharf:type=Volume,name=\"a.b-c\"", "dev.wharf:type=Volume,name=\"data\"");
        assertThat(names("dev.wharf:type=Driver,*"))
                .containsExactly("dev.wharf:type=Driver,kind=storage,name=\"overlay\",implementation=\"overlay/1.0\"");
        assertThat(server.getAttribute(new ObjectName("dev.wharf:type=Volume,name=\"data\""), "CreatedAt"))
                .isEqualTo(NOON.toString());

        exhibits.settle(Host.EMPTY, List.of());
        assertThat(names("dev.wharf:*")).isEmpty();
    }

    @Test
    void anOperationIsACommandOfItsCaller() throws Exception {
        exhibits.settle(host, drivers());
        ObjectName overlay = new ObjectName(names("dev.wharf:type=Driver,*").get(0));
        assertThat(server.getAttribute(overlay, "CallsInside")).isEqualTo(2);
        assertThat(server.getAttribute(overlay, "Calls")).isEqualTo(3L);
        assertThat(server.getAttribute(overlay, "Failures")).isEqualTo(1L);
        assertThat(((TabularData) server.getAttribute(overlay, "Times"))
                        .get(new Object[] {"p99Nanos"})
                        .get("value"))
                .isEqualTo(30L);
        assertThat(server.invoke(overlay, "swap", new Object[0], new String[0])).isEqualTo(7L);
        assertThat(causes).singleElement().satisfies(cause -> {
            assertThat(cause.actor().kind()).isEqualTo(Actor.Kind.JMX);
            assertThat(cause.actor().name()).isEqualTo("local");
        });

        answer = CompletableFuture.failedFuture(
                new RefusedException(new Refusal(Refusal.Kind.CONFLICT, "overlay/1.0 serves already")));
        assertThatThrownBy(() -> server.invoke(overlay, "swap", new Object[0], new String[0]))
                .isInstanceOf(RuntimeMBeanException.class)
                .hasRootCauseMessage("overlay/1.0 serves already");
    }

    @Test
    void listenersHearOfTheEventsTheyWishToHearOf() throws Exception {
        ObjectName name = new ObjectName(JmxComponent.JOURNAL);
        try (JournalBean journal = new JournalBean()) {
            server.registerMBean(journal, name);
            BlockingQueue<Notification> heard = new ArrayBlockingQueue<>(10);
            NotificationFilterSupport volumes = new NotificationFilterSupport();
            volumes.enableType("dev.wharf.volume.created");
            server.addNotificationListener(name, (notification, handback) -> heard.add(notification), volumes, null);

            Event event = new VolumeEvent.Created(spec("data"), NOON);
            Cause cause =
                    new Cause(new CommandId("c1"), Optional.empty(), new Actor(Actor.Kind.PEER, "root", Map.of()));
            Moment moment = new Moment(new Position(41), 0, cause, NOON, event, Host.EMPTY, event.apply(Host.EMPTY));
            journal.tell(new Moment(
                    new Position(40),
                    0,
                    cause,
                    NOON,
                    new VolumeEvent.RemoveRequested(new VolumeName("x"), Optional.empty()),
                    host,
                    host));
            journal.tell(moment);

            Notification notification = heard.poll(10, TimeUnit.SECONDS);
            assertThat(notification).isNotNull();
            assertThat(notification.getType()).isEqualTo("dev.wharf.volume.created");
            assertThat(notification.getSequenceNumber()).isEqualTo(41);
            CompositeData details = (CompositeData) notification.getUserData();
            assertThat(details.get("subject")).isEqualTo("volume:data");
            assertThat(details.get("actor")).isEqualTo("root");
            assertThat(heard.poll(100, TimeUnit.MILLISECONDS)).isNull();
        }
    }

    @Test
    void aSlowListenerDelaysNobodyAndIsToldHowManyItMissed() throws Exception {
        ObjectName name = new ObjectName(JmxComponent.JOURNAL);
        int more = 25;
        CountDownLatch slow = new CountDownLatch(1);
        BlockingQueue<Notification> heard = new LinkedBlockingQueue<>();
        try (JournalBean journal = new JournalBean()) {
            server.registerMBean(journal, name);
            server.addNotificationListener(
                    name,
                    (notification, handback) -> {
                        heard.add(notification);
                        try {
                            slow.await();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    },
                    null,
                    null);
            journal.tell(moment(1));
            // The listener now holds the first, and from here on they wait.
            Notification first = heard.poll(30, TimeUnit.SECONDS);
            assertThat(first).isNotNull();
            for (int i = 0; i < JournalBean.WAITING + more; i++) {
                journal.tell(moment(2 + i));
            }
            assertThat(server.getAttribute(name, "Lost")).isEqualTo((long) more);

            slow.countDown();
            List<Notification> all = new ArrayList<>();
            while (all.size() < JournalBean.WAITING + 1) {
                Notification next = heard.poll(30, TimeUnit.SECONDS);
                assertThat(next).isNotNull();
                all.add(next);
            }
            assertThat(all.get(0).getType()).isEqualTo(JournalBean.LOST);
            assertThat(all.get(0).getMessage()).startsWith(more + " events went by");
            assertThat(all.subList(1, all.size()))
                    .extracting(Notification::getSequenceNumber)
                    .isSorted()
                    .last()
                    .isEqualTo(JournalBean.WAITING + 1L);
            server.unregisterMBean(name);
        }
    }

    private static Moment moment(long position) {
        Event event = new VolumeEvent.Created(spec("data"), NOON);
        Cause cause = new Cause(new CommandId("c1"), Optional.empty(), new Actor(Actor.Kind.PEER, "root", Map.of()));
        return new Moment(new Position(position), 0, cause, NOON, event, Host.EMPTY, event.apply(Host.EMPTY));
    }
}
