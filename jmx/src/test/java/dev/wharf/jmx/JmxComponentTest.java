package dev.wharf.jmx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Fleet;
import dev.wharf.core.agent.Fleet.Candidate;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.Host;
import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import javax.management.MBeanServer;
import javax.management.MBeanServerFactory;
import javax.management.MBeanServerNotification;
import javax.management.MalformedObjectNameException;
import javax.management.ObjectName;
import javax.management.relation.MBeanServerNotificationFilter;
import org.junit.jupiter.api.Test;

/** Beans of drivers follow what the fleet tells, without an event and without a beat. */
class JmxComponentTest {
    private static final DriverId OVERLAY = new DriverId(DriverKind.STORAGE, new DriverName("overlay"));

    private final MBeanServer server = MBeanServerFactory.newMBeanServer();
    private final CompletableFuture<Runnable> listener = new CompletableFuture<>();
    private volatile List<Candidate> drivers = List.of(driver("overlay/1"));

    private static Candidate driver(String implementation) {
        return new Candidate(OVERLAY, implementation, 0, Fleet.Standing.SERVING, "", 0);
    }

    private static ObjectName name(String implementation) throws MalformedObjectNameException {
        return new ObjectName("dev.wharf:type=Driver,kind=storage,name=\"overlay\",implementation="
                + ObjectName.quote(implementation));
    }

    private <T> T answering(Class<T> type, java.lang.reflect.InvocationHandler how) {
        return type.cast(Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {type}, how));
    }

    /** One on whose journal nothing ever happens. */
    private Agent agent() {
        Fleet fleet = answering(Fleet.class, (proxy, method, arguments) -> switch (method.getName()) {
            case "candidates" -> drivers;
            case "onChange" -> {
                listener.complete((Runnable) arguments[0]);
                yield (AutoCloseable) () -> {};
            }
            default -> throw new UnsupportedOperationException(method.getName());
        });
        Follower follower = answering(Follower.class, (proxy, method, arguments) -> switch (method.getName()) {
            case "poll" -> Optional.empty();
            case "onMore", "close" -> null;
            default -> throw new UnsupportedOperationException(method.getName());
        });
        return answering(Agent.class, (proxy, method, arguments) -> switch (method.getName()) {
            case "host" -> Host.EMPTY;
            case "fleet" -> fleet;
            case "position" -> new Position(7);
            case "follow" -> follower;
            default -> throw new UnsupportedOperationException(method.getName());
        });
    }

    private CompletableFuture<Void> registered(ObjectName bean) throws Exception {
        CompletableFuture<Void> registered = new CompletableFuture<>();
        MBeanServerNotificationFilter filter = new MBeanServerNotificationFilter();
        filter.enableObjectName(bean);
        filter.enableType(MBeanServerNotification.REGISTRATION_NOTIFICATION);
        server.addNotificationListener(
                new ObjectName("JMImplementation:type=MBeanServerDelegate"),
                (notification, handback) -> registered.complete(null),
                filter,
                null);
        return registered;
    }

    @Test
    void beansOfDriversComeAndGoWhenTheFleetSaysSo() throws Exception {
        CompletableFuture<Void> first = registered(name("overlay/1"));
        CompletableFuture<Void> second = registered(name("overlay/2"));
        JmxComponent component = new JmxComponent(agent(), server, "1");
        try {
            first.get(30, TimeUnit.SECONDS);

            drivers = List.of(driver("overlay/2"));
            listener.get(30, TimeUnit.SECONDS).run();

            second.get(30, TimeUnit.SECONDS);
            assertThat(server.isRegistered(name("overlay/1"))).isFalse();
        } finally {
            component.hide();
        }
        assertThat(server.isRegistered(name("overlay/2"))).isFalse();
    }
}
