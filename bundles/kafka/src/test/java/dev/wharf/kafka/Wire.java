package dev.wharf.kafka;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A wire between clients and a broker that can be cut: nothing comes through in either direction and nobody is told, as where
 * packets are dropped. Once it is mended, what was under way arrives late.
 */
final class Wire implements AutoCloseable {
    private final ServerSocket door;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final Object change = new Object();
    private volatile int far;
    private volatile boolean cut;
    private volatile boolean closed;

    Wire() throws IOException {
        door = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    }

    int port() {
        return door.getLocalPort();
    }

    /** Leads to this port from now on. */
    void to(int port) {
        far = port;
        spawn(this::accept);
    }

    void cut() {
        cut = true;
    }

    void mend() {
        synchronized (change) {
            cut = false;
            change.notifyAll();
        }
    }

    /** Ends every connection at once, as a box on the way does that was started anew. */
    void sever() {
        sockets.forEach(Wire::end);
    }

    private static void spawn(Runnable work) {
        Thread thread = new Thread(work, "wire");
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() {
        while (!closed) {
            try {
                Socket near = door.accept();
                spawn(() -> join(near));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void join(Socket near) {
        Socket remote = new Socket();
        sockets.add(near);
        sockets.add(remote);
        try {
            remote.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), far), 2000);
            near.setTcpNoDelay(true);
            remote.setTcpNoDelay(true);
            spawn(() -> carry(remote, near));
            carry(near, remote);
        } catch (IOException e) {
            end(near);
            end(remote);
        }
    }

    private void carry(Socket from, Socket to) {
        byte[] bytes = new byte[1 << 16];
        try {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
                waitWhileCut();
                out.write(bytes, 0, n);
            }
            waitWhileCut();
        } catch (IOException e) {
            // One side has gone, and the other hears of it below.
        } finally {
            end(from);
            end(to);
        }
    }

    private void waitWhileCut() {
        synchronized (change) {
            while (cut && !closed) {
                try {
                    change.wait(1000);
                } catch (InterruptedException e) {
                    return;
                }
            }
        }
    }

    private static void end(Socket socket) {
        try {
            socket.close();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() throws IOException {
        closed = true;
        mend();
        door.close();
        sever();
    }
}
