package dev.wharf.network.bridge;

import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Firewall;
import dev.wharf.spi.kernel.Firewall.Chain;
import dev.wharf.spi.kernel.Firewall.Rule;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way of the networks' packets through the {@code FORWARD} chains of iptables(8). A packet that {@link Rules} accept still
 * passes every other chain on the hook, and a policy of drop, which dockerd and ufw set, takes all that no rule speaks of. So
 * there is a pair of rules for each bridge at the end of such a chain: what somebody's own rules say of a packet holds, and
 * only the policy does not. Chains that others made for nft(8) are left as they are, and told of.
 */
final class Passage {
    private static final Logger LOG = LoggerFactory.getLogger(Passage.class);
    private static final List<Chain> IPTABLES =
            List.of(new Chain("ip", "filter", "FORWARD"), new Chain("ip6", "filter", "FORWARD"));

    private final Firewall firewall;
    private final String agent;
    /** Chains that were complained about; once is enough. */
    private final Set<Chain> warned = ConcurrentHashMap.newKeySet();

    /** @param agent what its rules are known by */
    Passage(Firewall firewall, String agent) {
        this.firewall = firewall;
        this.agent = agent;
    }

    /** Lets a bridge's packets through; again is fine. */
    void open(String device) throws DriverException {
        for (Chain chain : firewall.droppingForwardChains()) {
            if (!IPTABLES.contains(chain)) {
                if (warned.add(chain)) {
                    LOG.warn(
                            "another firewall drops forwarded packets, containers may have no network: accept those from"
                                    + " and to Wharf's bridges there chain={}",
                            chain);
                }
                continue;
            }
            Set<String> there = comments(chain);
            StringBuilder commands = new StringBuilder();
            for (Way way : Way.values()) {
                if (!there.contains(comment(way, device))) {
                    // With a counter and this order of its parts iptables(8) lists it as one of its own.
                    commands.append("add rule %s %s \"%s\" counter accept comment \"%s\"\n"
                            .formatted(chain, way.match, device, comment(way, device)));
                }
            }
            if (!commands.isEmpty()) {
                firewall.apply(commands.toString());
                LOG.info(
                        "forwarded packets are let through a chain that drops by policy device={} chain={}",
                        device,
                        chain);
            }
        }
    }

    /** Takes a bridge's rules away, whatever the policy is by now; again is fine. */
    void close(String device) throws DriverException {
        for (Chain chain : IPTABLES) {
            for (Rule rule : rules(chain)) {
                if (comments(device).contains(rule.comment())) {
                    remove(chain, rule);
                }
            }
        }
    }

    /** Those of the bridges whose packets get through. */
    Set<String> among(Set<String> devices) throws DriverException {
        Set<String> open = new HashSet<>(devices);
        for (Chain chain : firewall.droppingForwardChains()) {
            if (IPTABLES.contains(chain)) {
                Set<String> there = comments(chain);
                open.removeIf(device -> !there.containsAll(comments(device)));
            }
        }
        return open;
    }

    private void remove(Chain chain, Rule rule) throws DriverException {
        try {
            firewall.apply("delete rule " + chain + " handle " + rule.handle() + "\n");
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
        }
    }

    private Set<String> comments(Chain chain) throws DriverException {
        Set<String> comments = new HashSet<>();
        rules(chain).forEach(rule -> comments.add(rule.comment()));
        return comments;
    }

    private List<Rule> rules(Chain chain) throws DriverException {
        try {
            return firewall.rules(chain);
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
            return List.of();
        }
    }

    /** What the rules of a bridge are known by. */
    private List<String> comments(String device) {
        return Stream.of(Way.values()).map(way -> comment(way, device)).toList();
    }

    private String comment(Way way, String device) {
        return agent + " " + way.word + " " + device;
    }

    private enum Way {
        FROM("from", "iifname"),
        TO("to", "oifname");

        private final String word;
        private final String match;

        Way(String word, String match) {
            this.word = word;
            this.match = match;
        }
    }
}
