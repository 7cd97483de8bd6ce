package dev.wharf.kafka;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.journal.Position;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.apache.kafka.common.KafkaException;

/**
 * Holds what was published against itself and against a host's journal. Each head is a hash over everything before it, so where
 * two heads are the same, so is everything up to there; the first that differs says where somebody rewrote the past.
 */
final class FleetVerify {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String NOT_COMPARED = "not compared";
    private static final String CHECKPOINT = Envelopes.TYPE + "host.checkpoint-completed.";

    private final Connection connection;
    private final Terminal terminal;
    private final Map<String, Chain> chains = new TreeMap<>();

    FleetVerify(Connection connection, Terminal terminal) {
        this.connection = connection;
        this.terminal = terminal;
    }

    /** Positions with their heads, packed, for a journal has many. */
    private static final class Heads {
        private static final int HASH = 32;
        private static final int PIECE = 1 << 14;

        private final List<long[]> positions = new ArrayList<>();
        private final List<byte[]> hashes = new ArrayList<>();
        private int size;

        void add(long position, Digest head) {
            int at = size % PIECE;
            if (at == 0) {
                positions.add(new long[PIECE]);
                hashes.add(new byte[PIECE * HASH]);
            }
            positions.get(size / PIECE)[at] = position;
            System.arraycopy(HexFormat.of().parseHex(head.hex()), 0, hashes.get(size / PIECE), at * HASH, HASH);
            size++;
        }

        long position(int index) {
            return positions.get(index / PIECE)[index % PIECE];
        }

        Digest head(int index) {
            int at = index % PIECE * HASH;
            return Digest.of("sha256", Arrays.copyOfRange(hashes.get(index / PIECE), at, at + HASH));
        }
    }

    /** What is published of one host. */
    private static final class Chain {
        private final Optional<Heads> heads;
        private long events;
        private long first;
        private long last;
        private int index;
        private Optional<Digest> head = Optional.empty();
        private Optional<Bookmark> bookmark = Optional.empty();
        private Optional<String> broken = Optional.empty();
        private String journal = NOT_COMPARED;
        private final List<String> gaps = new ArrayList<>();
        private boolean again;

        Chain(boolean kept) {
            heads = kept ? Optional.of(new Heads()) : Optional.empty();
        }

        void add(Published event) {
            long position = event.position().sequence();
            boolean begins = event.index() == 0 && position > last;
            boolean goesOn = position == last && event.index() == index + 1;
            if (events > 0 && !begins && !goesOn) {
                broken(event.id() + " comes after " + last + "." + index);
            }
            if (event.index() == 0 && event.head().isEmpty()) {
                broken(event.id() + " begins a batch and says no head");
            }
            if (events > 0 && event.missing().isPresent()) {
                again = false;
                gaps.add(event.missing().get() + " to " + (position - 1));
            }
            if (!gaps.isEmpty() && !again && event.type().startsWith(CHECKPOINT)) {
                gaps.add(gaps.remove(gaps.size() - 1) + " (all of it is known again from " + position + " on)");
                again = true;
            }
            first = events == 0 ? position : first;
            events++;
            last = position;
            index = event.index();
            if (event.head().isPresent()) {
                head = event.head();
                heads.ifPresent(all -> all.add(position, event.head().get()));
            }
        }

        void broken(String what) {
            broken = broken.or(() -> Optional.of(what));
        }

        /** The bookmark may be further than the last event, for checkpoints are not published, but never behind it. */
        void close() {
            if (bookmark.isEmpty()) {
                broken("there is no bookmark of it");
                return;
            }
            long marked = bookmark.get().position().sequence();
            if (marked < last) {
                broken("events go to " + last + ", and the bookmark says " + marked);
            } else if (marked == last && !bookmark.get().head().equals(head)) {
                broken("the bookmark's head at " + last + " is "
                        + bookmark.get().head().map(Object::toString).orElse("none") + ", the events say "
                        + head.map(Object::toString).orElse("none"));
            }
        }

        /** What the host said itself that it lost is no forgery. */
        String topic() {
            return gaps.isEmpty()
                    ? "whole"
                    : "whole but for " + String.join(", ", gaps) + ", which were dropped before they were published";
        }

        boolean isWhole() {
            return broken.isEmpty() && (journal.startsWith("same") || journal.equals(NOT_COMPARED));
        }
    }

    /**
     * @param host the beginning of a host's id, empty for all
     * @param journal that of one host, where it can be read from here
     * @param needed whether it is an error if the journal of the one host cannot be read
     */
    int verify(String host, Optional<AgentJournal> journal, boolean needed) throws IOException, InterruptedException {
        Optional<String> local = journal.map(AgentJournal::host).filter(h -> h.startsWith(host));
        readEvents(Past.host(host), local);
        readBookmarks(Past.host(host));
        if (chains.isEmpty()) {
            throw new IOException(
                    host.isEmpty()
                            ? "no host ever published anything"
                            : "no host whose id begins with \"" + host + "\" ever published anything");
        }
        chains.values().forEach(Chain::close);
        if (local.isPresent() && chains.containsKey(local.get())) {
            compare(chains.get(local.get()), journal.get());
        }
        show();
        boolean compared = chains.values().stream().anyMatch(chain -> !chain.journal.equals(NOT_COMPARED));
        if (needed && !compared) {
            throw new IOException(
                    "the journal to compare with is not that of this host; run it there, or give --agent or --data-root");
        }
        return chains.values().stream().allMatch(Chain::isWhole) ? 0 : 1;
    }

    private void readEvents(Predicate<String> wanted, Optional<String> local) throws IOException, InterruptedException {
        connection.read("events", Long.MAX_VALUE, terminal.progress("reading what was published"), record -> {
            if (record.key() != null && wanted.test(new String(record.key(), StandardCharsets.UTF_8))) {
                Published event = Published.of(record);
                chains.computeIfAbsent(event.host(), h -> new Chain(local.equals(Optional.of(h))))
                        .add(event);
            }
        });
    }

    private void readBookmarks(Predicate<String> wanted) throws IOException, InterruptedException {
        connection.read("positions", Long.MAX_VALUE, record -> {
            String host = new String(record.key(), StandardCharsets.UTF_8);
            if (record.value() == null || !wanted.test(host)) {
                return;
            }
            try {
                Bookmark mark = Bookmark.decode(record.value());
                Chain chain = chains.computeIfAbsent(host, h -> new Chain(false));
                if (chain.bookmark.isEmpty() || chain.bookmark.get().number() < mark.number()) {
                    chain.bookmark = Optional.of(mark);
                }
            } catch (IOException e) {
                throw new KafkaException("a position cannot be read at " + record.offset(), e);
            }
        });
    }

    /** Both in order, side by side. */
    private static void compare(Chain chain, AgentJournal journal) throws IOException {
        Optional<String> damage = journal.damage();
        if (damage.isPresent()) {
            chain.journal = "damaged: " + damage.get();
            return;
        }
        Heads heads = chain.heads.orElseThrow();
        int at = 0;
        long same = 0;
        long end = 0;
        for (Optional<AgentJournal.Link> link = journal.next(); link.isPresent(); link = journal.next()) {
            Position position = link.get().position();
            if (end == 0) {
                // What was trimmed from the journal cannot be compared any more.
                while (at < heads.size && heads.position(at) < position.sequence()) {
                    at++;
                }
            }
            end = position.sequence();
            if (at == heads.size) {
                continue;
            }
            long published = heads.position(at);
            if (published < end) {
                chain.journal = parts(same, "position " + published + " is published, and the journal has no such");
                return;
            }
            if (published > end && !link.get().checkpoint() && end > chain.first) {
                chain.journal = parts(same, "position " + end + " of the journal is not published");
                return;
            }
            if (published == end) {
                if (!heads.head(at).equals(link.get().head())) {
                    chain.journal = parts(
                            same,
                            "the head at " + end + " was published as " + heads.head(at) + ", and the journal's is "
                                    + link.get().head());
                    return;
                }
                same = end;
                at++;
            }
        }
        chain.journal = at < heads.size
                ? parts(same, "the journal ends at " + end + ", and what is published goes to " + chain.last)
                : "same up to " + same;
    }

    private static String parts(long same, String what) {
        return "parts after " + same + ": " + what;
    }

    private void show() {
        List<ObjectNode> rows = new ArrayList<>();
        chains.forEach((host, chain) -> rows.add(JSON.createObjectNode()
                .put("host", host)
                .put("events", chain.events)
                .put("first", chain.first)
                .put("last", chain.last)
                .put("head", chain.head.map(Object::toString).orElse(""))
                .put("state", chain.broken.isPresent() ? "broken" : chain.isWhole() ? "whole" : "parted")
                .put("topic", chain.broken.orElse(chain.topic()))
                .put("journal", chain.journal)));
        if (terminal.isJson()) {
            ArrayNode all = JSON.createArrayNode();
            rows.forEach(all::add);
            terminal.json(all);
        } else {
            terminal.table(rows, "host", "events", "first", "last", "state", "topic", "journal");
        }
    }
}
