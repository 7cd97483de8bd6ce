package dev.wharf.shell;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.Channels;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.felix.service.command.CommandProcessor;
import org.apache.felix.service.command.CommandSession;
import org.apache.felix.service.command.Converter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets operators into the shell over a unix socket that its owner alone can open. A client sends a line and gets the
 * output, then a zero byte, {@code 0} where the command went well and {@code 1} where it did not, and a line feed. Closing the
 * connection ends the session.
 */
final class ShellDoor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ShellDoor.class);

    /** Operators are few; whoever finds the shell full has left sessions open. */
    private static final int MOST_SESSIONS = 8;

    private static final int MOST_LINE_CHARS = 65_536;

    private final CommandProcessor processor;
    private final Path socket;
    private final ServerSocketChannel server;
    private final Set<SocketChannel> open = ConcurrentHashMap.newKeySet();

    private ShellDoor(CommandProcessor processor, Path socket, ServerSocketChannel server) {
        this.processor = processor;
        this.socket = socket;
        this.server = server;
    }

    /** Opens the socket; it never is there with wider rights than it shall have. */
    static ShellDoor open(CommandProcessor processor, Path socket) throws IOException {
        Path folder = socket.toAbsolutePath().getParent();
        if (folder == null) throw new IOException("no folder for the socket " + socket);
        Files.createDirectories(folder);
        Path closet = folder.resolve(".s");
        Path fresh = closet.resolve("s");
        Files.deleteIfExists(fresh);
        Files.deleteIfExists(closet);
        Files.createDirectory(
                closet, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        try {
            server.bind(UnixDomainSocketAddress.of(fresh));
            Files.setPosixFilePermissions(fresh, PosixFilePermissions.fromString("rw-------"));
            Files.move(fresh, socket, StandardCopyOption.ATOMIC_MOVE);
            Files.delete(closet);
        } catch (IOException e) {
            server.close();
            throw e;
        }
        ShellDoor door = new ShellDoor(processor, socket, server);
        door.thread("wharf-shell", door::welcome);
        return door;
    }

    private void thread(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    private void welcome() {
        while (server.isOpen()) {
            try {
                SocketChannel client = server.accept();
                if (open.size() >= MOST_SESSIONS) {
                    client.close();
                    LOG.warn("shell full sessions={}", MOST_SESSIONS);
                } else {
                    open.add(client);
                    thread("wharf-shell-session", () -> serve(client));
                }
            } catch (ClosedChannelException e) {
                return;
            } catch (IOException e) {
                LOG.warn("shell socket failed reason={}", e.getMessage());
                return;
            }
        }
    }

    private void serve(SocketChannel client) {
        try (client;
                BufferedReader in = new BufferedReader(
                        new InputStreamReader(Channels.newInputStream(client), StandardCharsets.UTF_8));
                PrintStream out = new PrintStream(Channels.newOutputStream(client), true, StandardCharsets.UTF_8);
                CommandSession session = processor.createSession(new ByteArrayInputStream(new byte[0]), out, out)) {
            for (String line = in.readLine(); line != null && !out.checkError(); line = in.readLine()) {
                boolean well = line.length() <= MOST_LINE_CHARS && execute(session, line, out);
                out.flush();
                out.write(new byte[] {0, (byte) (well ? '0' : '1'), '\n'});
                out.flush();
            }
        } catch (IOException e) {
            LOG.debug("shell session ended reason={}", e.getMessage());
        } finally {
            open.remove(client);
        }
    }

    private static boolean execute(CommandSession session, String line, PrintStream out) {
        try {
            Object result = session.execute(line);
            if (result != null) out.println(session.format(result, Converter.INSPECT));
            return true;
        } catch (Exception e) {
            out.println(reason(e));
            return false;
        }
    }

    /** An operator gets the reason; where it is long, its beginning says enough. */
    private static String reason(Throwable e) {
        Throwable cause = e;
        while (cause.getCause() != null && cause.getCause() != cause) cause = cause.getCause();
        String message = cause.getMessage();
        return message == null
                ? cause.getClass().getSimpleName()
                : message.lines().findFirst().orElse("");
    }

    @Override
    public void close() throws IOException {
        server.close();
        for (SocketChannel client : open) client.close();
        Files.deleteIfExists(socket);
    }
}
