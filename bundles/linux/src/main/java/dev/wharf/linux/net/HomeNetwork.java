package dev.wharf.linux.net;

import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.process.LinuxNamespaces;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The network namespace in which bridges and rules stand: the daemon's own, or another one that tests made. */
@Component(service = HomeNetwork.class)
public final class HomeNetwork {
    private final LinuxNamespaces namespaces;
    private final Optional<Path> namespace;

    @Activate
    public HomeNetwork(@Reference LinuxNamespaces namespaces) {
        this(namespaces, Optional.empty());
    }

    public HomeNetwork(LinuxNamespaces namespaces, Optional<Path> namespace) {
        this.namespaces = namespaces;
        this.namespace = namespace;
    }

    /** Runs {@code work} where sockets and files belong to this network. */
    <T> T call(Callable<T> work) throws Exception {
        return namespace.isPresent() ? namespaces.inNetwork(namespace.get(), work) : work.call();
    }

    /** Runs {@code work} inside a sandbox. */
    <T> T inSandbox(Path sandbox, Callable<T> work) throws Exception {
        return namespaces.inNetwork(sandbox, work);
    }

    /** Has the routing side of the kernel do something in this network. */
    <T> T converse(String what, Conversation<T> conversation) throws DriverException {
        return converse(what, Netlink::new, conversation);
    }

    /** Has the side of the kernel that {@code opener} opens do something in this network. */
    <T> T converse(String what, Callable<Netlink> opener, Conversation<T> conversation) throws DriverException {
        return attempt(
                what,
                () -> call(() -> {
                    try (Netlink netlink = opener.call()) {
                        return conversation.with(netlink);
                    }
                }));
    }

    /** What is said over a socket to the kernel, and what comes of it. */
    interface Conversation<T> {
        T with(Netlink netlink) throws Exception;
    }

    /** Runs an effect and turns what goes wrong into a failure. */
    static <T> T attempt(String what, Callable<T> effect) throws DriverException {
        try {
            return effect.call();
        } catch (DriverException | RuntimeException e) {
            throw e;
        } catch (NetlinkException e) {
            throw DriverException.failure(Errno.kind(e.errno()), String.valueOf(e.getMessage()), e);
        } catch (IOException e) {
            throw DriverException.failure(Errno.kind(e), "cannot " + what + ": " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "cannot " + what + ": interrupted", e);
        } catch (Exception e) {
            throw DriverException.failure(Failure.Kind.FAILED, "cannot " + what + ": " + e.getMessage(), e);
        }
    }
}
