package dev.wharf.network.vxlan;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells whoever calls from a peer's address who is here, at once and whenever that changes, as a whole each time. Hears
 * nothing, so nobody can put a name into this host's mouth from here.
 */
final class Hall implements AutoCloseable {
    static final String GREETING = "wharf-overlay 1";
    static final String TABLE = "table";
    static final String END = "end";
    private static final String SIGN_OF_LIFE = ".";
    private static final Logger LOG = LoggerFactory.getLogger(Hall.class);
    private static final long SIGN_MILLIS = 5000;

    private final ServerSocket server;
    private final InetAddress address;
    private final Set<Socket> guests = ConcurrentHashMap.newKeySet();
    private volatile Set<InetAddress> peers = Set.of();
    private volatile boolean closing;
    /** Guarded by this. */
    private String table = TABLE + "\n" + END + "\n";

    private long version;

    Hall(InetAddress address, int port, Exchange.Room room) throws Exception {
        this.address = address;
        server = room.call(() -> new ServerSocket(port, 64, address));
        Thread thread = new Thread(this::receive, "wharf-overlay-hall");
        thread.setDaemon(true);
        thread.start();
    }

    InetAddress address() {
        return address;
    }

    void admit(Set<InetAddress> addresses) {
        peers = Set.copyOf(addresses);
    }

    /** @param lines who is here */
    synchronized void tell(String lines) {
        String whole = TABLE + "\n" + lines + END + "\n";
        if (!whole.equals(table)) {
            table = whole;
            version++;
            notifyAll();
        }
    }

    private void receive() {
        while (!closing) {
            try {
                Socket guest = server.accept();
                if (!peers.contains(guest.getInetAddress())) {
                    LOG.debug("turned away a caller that is no peer address={}", guest.getInetAddress());
                    guest.close();
                    continue;
                }
                guests.add(guest);
                Thread thread = new Thread(() -> serve(guest), "wharf-overlay-guest-" + guest.getInetAddress());
                thread.setDaemon(true);
                thread.start();
            } catch (IOException e) {
                if (!closing) {
                    LOG.debug("a caller was lost", e);
                }
            }
        }
    }

    private void serve(Socket guest) {
        try (guest;
                OutputStream out = new BufferedOutputStream(guest.getOutputStream())) {
            guest.setTcpNoDelay(true);
            say(out, GREETING + "\n");
            long told = -1;
            while (!closing && peers.contains(guest.getInetAddress())) {
                String text;
                synchronized (this) {
                    if (told == version) {
                        wait(SIGN_MILLIS);
                    }
                    text = told == version ? SIGN_OF_LIFE + "\n" : table;
                    told = version;
                }
                say(out, text);
            }
        } catch (IOException e) {
            LOG.debug("a peer went address={}", guest.getInetAddress());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            guests.remove(guest);
        }
    }

    private static void say(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(UTF_8));
        out.flush();
    }

    @Override
    public void close() {
        closing = true;
        try {
            server.close();
            for (Socket guest : guests.toArray(Socket[]::new)) {
                guest.close();
            }
        } catch (IOException e) {
            LOG.debug("not closed", e);
        }
        synchronized (this) {
            notifyAll();
        }
    }
}
