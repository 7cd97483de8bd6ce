package dev.wharf.dns;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.core.state.Host;
import dev.wharf.model.ContainerId;
import dev.wharf.spi.network.Neighbourhood;
import java.io.IOException;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.xbill.DNS.AAAARecord;
import org.xbill.DNS.ARecord;
import org.xbill.DNS.DClass;
import org.xbill.DNS.Flags;
import org.xbill.DNS.Header;
import org.xbill.DNS.Message;
import org.xbill.DNS.Name;
import org.xbill.DNS.OPTRecord;
import org.xbill.DNS.Opcode;
import org.xbill.DNS.PTRRecord;
import org.xbill.DNS.Rcode;
import org.xbill.DNS.Record;
import org.xbill.DNS.ReverseMap;
import org.xbill.DNS.Section;
import org.xbill.DNS.TextParseException;
import org.xbill.DNS.Type;

/** Answers the questions of a container: from the host's state where it is about a neighbour, from outside where not. */
final class Resolver {
    /** In seconds, what Docker's answers say. */
    private static final long LIFETIME = 600;

    private static final int PLAIN_DATAGRAM = 512;
    private static final int OUR_DATAGRAM = 4096;
    private static final int HEADER = 12;

    private final Agent agent;
    private final Upstreams upstreams;
    private final Forwarder forwarder;
    private final List<Neighbourhood> around;

    /** @param around who knows of other hosts, now */
    Resolver(Agent agent, Upstreams upstreams, Forwarder forwarder, List<Neighbourhood> around) {
        this.around = around;
        this.agent = agent;
        this.upstreams = upstreams;
        this.forwarder = forwarder;
    }

    /** Calls {@code reply} once, now or later, with what to send back; never where what came was no question. */
    void answer(ContainerId asker, byte[] bytes, boolean tcp, Consumer<byte[]> reply) {
        if (bytes.length < HEADER || (bytes[2] & 0x80) != 0) {
            return;
        }
        Message query;
        try {
            query = new Message(bytes);
        } catch (IOException | RuntimeException e) {
            reply.accept(unreadable(bytes));
            return;
        }
        Record question = query.getQuestion();
        if (query.getHeader().getOpcode() != Opcode.QUERY) {
            reply.accept(wire(reply(query, Rcode.NOTIMP), query, tcp));
            return;
        }
        if (question == null || query.getHeader().getCount(Section.QUESTION) != 1) {
            reply.accept(wire(reply(query, Rcode.FORMERR), query, tcp));
            return;
        }
        Host host = agent.host();
        Optional<Container> container = host.container(asker);
        if (container.isEmpty()) {
            reply.accept(wire(reply(query, Rcode.SERVFAIL), query, tcp));
            return;
        }
        Names names = new Names(host, container.get(), around);
        Optional<Message> known = question.getDClass() == DClass.IN ? own(names, query, question) : Optional.empty();
        if (known.isPresent()) {
            reply.accept(wire(known.get(), query, tcp));
        } else {
            forward(names, query, bytes, tcp, reply);
        }
    }

    private static Optional<Message> own(Names names, Message query, Record question) {
        Name name = question.getName();
        if (question.getType() == Type.PTR) {
            return reverse(names, query, name);
        }
        String text = name.toString(true);
        Optional<List<InetAddress>> found = names.addresses(text);
        if (found.isEmpty()) {
            boolean bare = name.labels() == 2 && hasNdots(names.asker());
            // With dots asked for, a bare name is one of the search domains' and no resolver's.
            return bare ? Optional.of(reply(query, Rcode.NXDOMAIN)) : Optional.empty();
        }
        Message answer = reply(query, Rcode.NOERROR);
        List<InetAddress> addresses = new ArrayList<>(found.get());
        Collections.shuffle(addresses);
        for (InetAddress address : addresses) {
            boolean ipv4 = address.getAddress().length == 4;
            int type = question.getType();
            if (ipv4 && (type == Type.A || type == Type.ANY)) {
                answer.addRecord(new ARecord(name, DClass.IN, LIFETIME, address), Section.ANSWER);
            } else if (!ipv4 && (type == Type.AAAA || type == Type.ANY)) {
                answer.addRecord(new AAAARecord(name, DClass.IN, LIFETIME, address), Section.ANSWER);
            }
        }
        return Optional.of(answer);
    }

    private static Optional<Message> reverse(Names names, Message query, Name name) {
        InetAddress address;
        try {
            address = ReverseMap.fromName(name);
        } catch (IOException | RuntimeException e) {
            return Optional.empty();
        }
        Optional<String> owner = names.owner(address);
        if (owner.isEmpty()) {
            return names.isNear(address) ? Optional.of(reply(query, Rcode.NXDOMAIN)) : Optional.empty();
        }
        try {
            Message answer = reply(query, Rcode.NOERROR);
            answer.addRecord(
                    new PTRRecord(name, DClass.IN, LIFETIME, Name.fromString(owner.get(), Name.root)), Section.ANSWER);
            return Optional.of(answer);
        } catch (TextParseException e) {
            return Optional.of(reply(query, Rcode.NXDOMAIN));
        }
    }

    private static boolean hasNdots(Container c) {
        return c.spec().networking().dnsOptions().stream()
                .anyMatch(o -> o.startsWith("ndots:") && !o.equals("ndots:0"));
    }

    private void forward(Names names, Message query, byte[] bytes, boolean tcp, Consumer<byte[]> reply) {
        List<InetAddress> resolvers =
                Upstreams.of(names.asker().spec().networking().dns());
        if (resolvers.isEmpty()) {
            resolvers = upstreams.ofHost();
        }
        if (names.isEnclosed()) {
            // No packet leaves on behalf of whoever is kept inside (CVE-2024-29018).
            resolvers = resolvers.stream().filter(names::isNear).toList();
        }
        forwarder.ask(
                resolvers,
                bytes,
                tcp,
                answer -> reply.accept(answer.orElseGet(() -> wire(reply(query, Rcode.SERVFAIL), query, tcp))));
    }

    private static Message reply(Message query, int code) {
        Header header = new Header(query.getHeader().getID());
        header.setFlag(Flags.QR);
        header.setFlag(Flags.RA);
        header.setOpcode(query.getHeader().getOpcode());
        if (query.getHeader().getFlag(Flags.RD)) {
            header.setFlag(Flags.RD);
        }
        header.setRcode(code);
        Message answer = new Message();
        answer.setHeader(header);
        Record question = query.getQuestion();
        if (question != null) {
            answer.addRecord(question, Section.QUESTION);
        }
        if (query.getOPT() != null) {
            answer.addRecord(new OPTRecord(OUR_DATAGRAM, 0, 0), Section.ADDITIONAL);
        }
        return answer;
    }

    /** Cut short, and marked so, where the asker has no room for more. */
    private static byte[] wire(Message answer, Message query, boolean tcp) {
        if (tcp) {
            return answer.toWire();
        }
        OPTRecord extended = query.getOPT();
        return answer.toWire(
                extended == null
                        ? PLAIN_DATAGRAM
                        : Math.max(PLAIN_DATAGRAM, Math.min(OUR_DATAGRAM, extended.getPayloadSize())));
    }

    /** A header alone, with the identifier of what could not be read. */
    private static byte[] unreadable(byte[] bytes) {
        byte[] header = new byte[HEADER];
        header[0] = bytes[0];
        header[1] = bytes[1];
        header[2] = (byte) (0x80 | bytes[2] & 0x79);
        header[3] = (byte) (0x80 | Rcode.FORMERR);
        return header;
    }
}
