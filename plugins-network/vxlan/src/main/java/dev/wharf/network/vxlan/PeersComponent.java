package dev.wharf.network.vxlan;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.ChildLinks;
import dev.wharf.spi.network.Peer;
import dev.wharf.spi.network.PeerSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.Designate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Peers as an operator writes them down, the same lines on every host: {@code host.NUMBER = ADDRESS NAME}, and
 * {@code key.NUMBER = PUBLIC KEY} for encrypted networks. This host is the one whose address it has.
 */
@Component(service = PeerSource.class, configurationPid = PeersComponent.PID)
@Designate(ocd = PeersSettings.class)
public final class PeersComponent implements PeerSource {
    static final String PID = "dev.wharf.network.peers";
    private static final String HOST = "host.";
    static final String KEY = "key.";
    private static final Logger LOG = LoggerFactory.getLogger(PeersComponent.class);

    private final ChildLinks links;
    private final List<Runnable> watchers = new CopyOnWriteArrayList<>();
    private volatile List<Peer> hosts = List.of();

    @Activate
    public PeersComponent(@Reference ChildLinks links, Map<String, Object> settings) {
        this.links = links;
        change(settings);
    }

    /** Takes changed settings; wrong ones change nothing. */
    @Modified
    void change(Map<String, Object> settings) {
        try {
            hosts = read(settings);
            watchers.forEach(Runnable::run);
        } catch (IllegalArgumentException e) {
            LOG.error("settings are not taken, the old ones stay pid={} reason={}", PID, e.getMessage());
        }
    }

    static List<Peer> read(Map<String, Object> settings) {
        TreeMap<Integer, Peer> peers = new TreeMap<>();
        Set<String> addresses = new HashSet<>();
        settings.forEach((key, value) -> {
            if (key.startsWith(HOST)) {
                String number = key.substring(HOST.length());
                String[] words = value.toString().strip().split("\\s+", 2);
                if (!number.matches("[0-9]{1,5}")) {
                    throw new IllegalArgumentException(key + ": a host's number is 0 or more");
                }
                try {
                    Share.bytes(words[0]);
                } catch (DriverException e) {
                    throw new IllegalArgumentException(key + ": " + e.failure().message(), e);
                }
                if (!addresses.add(words[0])) {
                    throw new IllegalArgumentException(key + ": another host has the address " + words[0]);
                }
                int n = Integer.parseInt(number);
                Peer before = peers.put(n, new Peer(n, words.length > 1 ? words[1] : words[0], words[0]));
                if (before != null) {
                    throw new IllegalArgumentException(key + ": another host has the number " + n);
                }
            }
        });
        keys(settings).forEach((number, key) -> {
            Peer peer = peers.get(number);
            if (peer == null) {
                throw new IllegalArgumentException(KEY + number + ": there is no " + HOST + number);
            }
            peers.put(number, peer.withKey(key));
        });
        return List.copyOf(peers.values());
    }

    private static Map<Integer, String> keys(Map<String, Object> settings) {
        Map<Integer, String> keys = new TreeMap<>();
        settings.forEach((setting, value) -> {
            if (setting.startsWith(KEY)) {
                String number = setting.substring(KEY.length());
                String key = value.toString().strip();
                if (!number.matches("[0-9]{1,5}")) {
                    throw new IllegalArgumentException(setting + ": a host's number is 0 or more");
                }
                if (!OwnKey.isKey(key)) {
                    throw new IllegalArgumentException(
                            setting + ": a public key is 32 bytes in Base64, as in the host's wireguard.pub");
                }
                if (keys.containsValue(key)) {
                    throw new IllegalArgumentException(setting + ": another host has the same key");
                }
                keys.put(Integer.parseInt(number), key);
            }
        });
        return keys;
    }

    @Override
    public Peers peers() throws DriverException {
        List<Peer> all = hosts;
        if (all.isEmpty()) {
            throw unknown("no hosts are written down; write a line host.NUMBER = ADDRESS NAME for each");
        }
        Map<Boolean, List<Peer>> parted = new HashMap<>();
        for (Peer peer : all) {
            boolean here = links.holding(peer.address()).isPresent();
            parted.computeIfAbsent(here, h -> new ArrayList<>()).add(peer);
        }
        List<Peer> self = parted.getOrDefault(true, List.of());
        if (self.size() != 1) {
            throw unknown(
                    self.isEmpty()
                            ? "this host has none of the addresses that are written down"
                            : "this host has the addresses of several that are written down");
        }
        return new Peers(self.get(0), parted.getOrDefault(false, List.of()));
    }

    private static DriverException unknown(String why) {
        return DriverException.failure(
                Failure.Kind.UNAVAILABLE,
                "it is not known which hosts share overlay networks: " + why + " (settings " + PID + ".cfg)");
    }

    @Override
    public AutoCloseable watch(Runnable changed) {
        watchers.add(changed);
        return () -> watchers.remove(changed);
    }
}
