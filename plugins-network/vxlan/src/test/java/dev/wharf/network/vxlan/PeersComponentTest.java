package dev.wharf.network.vxlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.kernel.Links.Link;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource.Peers;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class PeersComponentTest {
    private static final Map<String, Object> TWO =
            Map.of("host.0", "192.0.2.10 alpha", "host.7", "192.0.2.11", "service.pid", PeersComponent.PID);

    /** A host with one address. */
    private static ChildLinks host(String address) {
        return (ChildLinks) Proxy.newProxyInstance(
                PeersComponentTest.class.getClassLoader(),
                new Class<?>[] {ChildLinks.class},
                (proxy, method, arguments) -> address.equals(arguments[0])
                        ? Optional.of(new Link(2, "eth0", "", "", 1500, true, 0, ""))
                        : Optional.empty());
    }

    @Test
    void aHostIsTheOneWhoseAddressItHas() throws Exception {
        Peers peers = new PeersComponent(host("192.0.2.11"), TWO).peers();

        assertThat(peers.self()).isEqualTo(new Peer(7, "192.0.2.11", "192.0.2.11"));
        assertThat(peers.others()).containsExactly(new Peer(0, "alpha", "192.0.2.10"));
    }

    @Test
    void whoIsNotWrittenDownKnowsNoPeers() {
        refused(new PeersComponent(host("192.0.2.99"), TWO), "this host has none of the addresses");
        refused(new PeersComponent(host("192.0.2.10"), Map.of()), "write a line host.NUMBER = ADDRESS NAME for each");
    }

    private static void refused(PeersComponent peers, String why) {
        assertThatThrownBy(peers::peers)
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.UNAVAILABLE))
                .hasMessageContaining(why);
    }

    @Test
    void keysAreThoseOfHostsAndWrongOnesChangeNothing() throws Exception {
        String key = "IlEgnXW9gsMLDbULp9SpNoKt+6GQQbqSL9EOF482NVw=";
        Map<String, Object> settings = Map.of("host.0", "192.0.2.10 alpha", "key.0", key, "host.7", "192.0.2.11");
        PeersComponent peers = new PeersComponent(host("192.0.2.11"), settings);
        assertThat(peers.peers().others()).containsExactly(new Peer(0, "alpha", "192.0.2.10", key));
        assertThat(peers.peers().self().key()).isEmpty();

        peers.change(Map.of("host.0", "192.0.2.10", "key.0", key.substring(4)));
        peers.change(Map.of("host.0", "192.0.2.10", "key.1", key));
        peers.change(Map.of("host.0", "192.0.2.10", "key.zero", key));
        peers.change(Map.of("host.0", "192.0.2.10", "key.0", key, "host.1", "192.0.2.11", "key.1", key));

        assertThat(peers.peers().others()).containsExactly(new Peer(0, "alpha", "192.0.2.10", key));
    }

    @Test
    void changesAreToldAndWrongOnesChangeNothing() throws Exception {
        PeersComponent peers = new PeersComponent(host("192.0.2.10"), TWO);
        AtomicInteger told = new AtomicInteger();
        AutoCloseable watch = peers.watch(told::incrementAndGet);

        peers.change(Map.of("host.0", "192.0.2.10", "host.1", "beta.example"));
        peers.change(Map.of("host.0", "192.0.2.10", "host.1", "192.0.2.10"));
        peers.change(Map.of("host.0", "192.0.2.10", "host.00", "192.0.2.12"));
        peers.change(Map.of("host.one", "192.0.2.10"));
        assertThat(told).hasValue(0);
        assertThat(peers.peers().others()).hasSize(1);

        peers.change(Map.of("host.0", "192.0.2.10"));
        assertThat(told).hasValue(1);
        assertThat(peers.peers().others()).isEmpty();

        watch.close();
        peers.change(TWO);
        assertThat(told).hasValue(1);
    }
}
