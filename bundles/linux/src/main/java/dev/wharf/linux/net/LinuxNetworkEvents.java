package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.linux.net.Netlink.Attributes;
import dev.wharf.linux.process.Epoll;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.kernel.Links;
import dev.wharf.spi.kernel.NetworkEvents;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Sockets that joined multicast groups of netlink(7), one for everybody who listens to a group, in the one epoll set. */
@Component(service = NetworkEvents.class)
public final class LinuxNetworkEvents implements NetworkEvents {
    private static final int AF_NETLINK = 16;
    private static final int SOCK_RAW_CLOEXEC = 3 | LibC.O_CLOEXEC;
    private static final int NETLINK_ROUTE = 0;
    private static final int NETLINK_NETFILTER = 12;
    private static final int GROUP_LINK = 1;
    private static final int GROUP_NFTABLES = 7;
    private static final int MSG_DONTWAIT = 0x40;

    private static final int NFTABLES = 10;
    private static final int NEW_GENERATION = 15;
    private static final int GENERATION_PROCESS = 2;
    private static final int GENERATION_NAME = 3;
    /** Removals by their message numbers: table, chain, rule, set, element, object. */
    private static final Set<Integer> REMOVALS = Set.of(2, 5, 8, 11, 14, 20);

    private static final int NEW_CHAIN = 3;
    private static final int DELETED_RULE = 8;
    /** Attributes of chains and rules, and of the hook of a chain (include/uapi/linux/netfilter/nf_tables.h). */
    private static final int TABLE = 1;

    private static final int CHAIN_HOOK = 4;
    private static final int CHAIN_POLICY = 5;
    private static final int HOOK_NUMBER = 1;
    private static final int RULE_CHAIN = 2;
    private static final int FORWARD = 2;
    private static final int DROP = 0;

    private static final int IFF_UP = 1;

    private final LibC libc = LibC.get();
    private final HomeNetwork home;
    private final Epoll epoll;
    /** The open ears by their protocols. Guarded by this. */
    private final Map<Integer, Ear> ears = new HashMap<>();

    @Activate
    public LinuxNetworkEvents(@Reference HomeNetwork home, @Reference Epoll epoll) {
        this.home = home;
        this.epoll = epoll;
    }

    @Override
    public AutoCloseable onRulesLost(String table, Runnable lost) throws DriverException {
        return listen(new RuleLosses((what, about) -> REMOVALS.contains(what) && isText(about, TABLE, table), lost));
    }

    @Override
    public AutoCloseable onPassageLost(Runnable lost) throws DriverException {
        return listen(new RuleLosses(LinuxNetworkEvents::isPassageLost, lost));
    }

    private static boolean isPassageLost(int what, Attributes about) {
        return switch (what) {
            case NEW_CHAIN ->
                isNumber(about, CHAIN_POLICY, DROP)
                        && about.find(CHAIN_HOOK)
                                .filter(hook -> isNumber(new Attributes(hook, 0), HOOK_NUMBER, FORWARD))
                                .isPresent();
            case DELETED_RULE -> isText(about, TABLE, "filter") && isText(about, RULE_CHAIN, "FORWARD");
            default -> false;
        };
    }

    private static boolean isText(Attributes attributes, int type, String wanted) {
        return attributes.find(type).map(Attributes::text).orElse("").equals(wanted);
    }

    private static boolean isNumber(Attributes attributes, int type, int wanted) {
        return attributes
                .find(type)
                .filter(n -> n.order(ByteOrder.BIG_ENDIAN).getInt(0) == wanted)
                .isPresent();
    }

    private AutoCloseable listen(RuleLosses losses) throws DriverException {
        return HomeNetwork.attempt("listen to nf_tables", () -> listen(NETLINK_NETFILTER, GROUP_NFTABLES, losses));
    }

    @Override
    public AutoCloseable onDeviceLost(Consumer<Links.Link> lost) throws DriverException {
        return HomeNetwork.attempt(
                "listen to rtnetlink",
                () -> listen(NETLINK_ROUTE, GROUP_LINK, new Ear.Listener() {
                    @Override
                    public void hear(int type, ByteBuffer message) {
                        boolean family = message.get(0) == 0;
                        boolean up = (message.getInt(8) & IFF_UP) != 0;
                        if (family && (type == Request.RTM_DELLINK || type == Request.RTM_NEWLINK && !up)) {
                            lost.accept(LinuxLinks.link(message));
                        }
                    }

                    @Override
                    public void overrun() {
                        lost.accept(new Links.Link(0, "", "", "", 0, false, 0, ""));
                    }
                }));
    }

    private synchronized AutoCloseable listen(int protocol, int group, Ear.Listener listener) throws Exception {
        Ear ear = ears.get(protocol);
        if (ear == null) {
            ear = new Ear(protocol, group);
            ears.put(protocol, ear);
        }
        ear.listeners.add(listener);
        return () -> leave(protocol, listener);
    }

    private synchronized void leave(int protocol, Ear.Listener listener) {
        Ear ear = ears.get(protocol);
        if (ear != null && ear.listeners.remove(listener) && ear.listeners.isEmpty()) {
            ears.remove(protocol);
            ear.close();
        }
    }

    /** Whether a change of nf_tables, by its message number and what it says, takes something away. */
    private interface Loss {
        boolean is(int what, Attributes about);
    }

    /**
     * A transaction is told as its changes and then as a new generation, which says which task made it. What one of our own
     * threads took away is no loss.
     */
    private static final class RuleLosses implements Ear.Listener {
        /**
         * The kernel tells a task by its number in the first pid namespace, which nobody inside another one knows. There it is told
         * by its name.
         */
        private static final boolean NESTED = isNested();

        /** The number that the first pid namespace has on every kernel (include/linux/proc_ns.h). */
        private static final String FIRST = "pid:[4026531836]";

        private final Loss loss;
        private final Runnable lost;
        /** Owned by the thread of the epoll set. */
        private boolean pending;

        RuleLosses(Loss loss, Runnable lost) {
            this.loss = loss;
            this.lost = lost;
        }

        @Override
        public void hear(int type, ByteBuffer message) {
            if (type >> 8 != NFTABLES) {
                return;
            }
            // After struct nfgenmsg.
            Attributes attributes = new Attributes(message, 4);
            int what = type & 0xff;
            if (what != NEW_GENERATION) {
                pending |= loss.is(what, attributes);
            } else if (pending) {
                pending = false;
                int task = attributes
                        .find(GENERATION_PROCESS)
                        .map(p -> p.order(ByteOrder.BIG_ENDIAN).getInt(0))
                        .orElse(0);
                String name =
                        attributes.find(GENERATION_NAME).map(Attributes::text).orElse("");
                if (!(NESTED ? isName(name) : isTask(task))) {
                    lost.run();
                }
            }
        }

        private static boolean isNested() {
            try {
                return !Files.readSymbolicLink(Path.of("/proc/self/ns/pid"))
                        .toString()
                        .equals(FIRST);
            } catch (IOException e) {
                return false;
            }
        }

        private static boolean isTask(int task) {
            return Files.exists(Path.of("/proc/self/task/" + task));
        }

        /** Whether one of our threads is called so. */
        private static boolean isName(String name) {
            try (DirectoryStream<Path> tasks = Files.newDirectoryStream(Path.of("/proc/self/task"))) {
                for (Path task : tasks) {
                    if (name(task).equals(name)) {
                        return true;
                    }
                }
            } catch (IOException | DirectoryIteratorException e) {
                // Then it counts as somebody else's: what is made whole once too often does no harm.
                return false;
            }
            return false;
        }

        private static String name(Path task) {
            try {
                return Files.readString(task.resolve("comm")).strip();
            } catch (IOException e) {
                // It ended while we looked.
                return "";
            }
        }

        @Override
        public void overrun() {
            lost.run();
        }
    }

    /** One socket in one group. */
    private final class Ear {
        private final int fd;
        private final List<Listener> listeners = new CopyOnWriteArrayList<>();
        private final ByteBuffer buffer = ByteBuffer.allocateDirect(64 * 1024).order(ByteOrder.nativeOrder());
        private final Epoll.Registration registration;
        /** Guarded by this. */
        private boolean closed;

        Ear(int protocol, int group) throws Exception {
            fd = home.call(
                    () -> Errno.check(libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, protocol), "socket", "netlink events"));
            try {
                if (protocol == NETLINK_ROUTE) {
                    SocketFilter.attach(libc, fd, SocketFilter.DEVICE_LOST);
                }
                Errno.check(libc.bind(fd, address(group), 12), "bind", "netlink events");
                registration = epoll.add(fd, Epoll.IN, events -> listen());
            } catch (IOException e) {
                libc.close(fd);
                throw e;
            }
        }

        /** struct sockaddr_nl: without a port of its own, which binding gives it, a socket is told nothing. */
        private static byte[] address(int group) {
            return ByteBuffer.allocate(12)
                    .order(ByteOrder.nativeOrder())
                    .putShort((short) AF_NETLINK)
                    .putInt(8, 1 << (group - 1))
                    .array();
        }

        private synchronized void listen() {
            while (!closed) {
                buffer.clear();
                long length = libc.recv(fd, buffer, buffer.capacity(), MSG_DONTWAIT);
                if (length < 0) {
                    int errno = LibC.errno();
                    if (errno == Errno.ENOBUFS) {
                        listeners.forEach(Listener::overrun);
                    } else if (errno != Errno.EINTR) {
                        return;
                    }
                }
                for (int at = 0; at + Request.HEADER <= length; ) {
                    int size = buffer.getInt(at);
                    int type = Short.toUnsignedInt(buffer.getShort(at + 4));
                    for (Listener listener : listeners) {
                        listener.hear(
                                type,
                                buffer.slice(at + Request.HEADER, size - Request.HEADER)
                                        .order(ByteOrder.nativeOrder()));
                    }
                    at += (size + 3) & ~3;
                }
            }
        }

        synchronized void close() {
            closed = true;
            registration.close();
            libc.close(fd);
        }

        interface Listener {
            void hear(int type, ByteBuffer message);

            /** The kernel had more to tell than there was room for. */
            void overrun();
        }
    }
}
