package dev.wharf.registry.distribution;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The proxies that the environment names, in the form that other command-line programs read too. */
final class Proxies extends ProxySelector {
    private static final Logger log = LoggerFactory.getLogger(Proxies.class);

    private static final List<Proxy> DIRECT = List.of(Proxy.NO_PROXY);

    private final Map<String, String> environment;

    /** Reads {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY}, each also in lower case. */
    Proxies(Map<String, String> environment) {
        this.environment = Map.copyOf(environment);
    }

    @Override
    public List<Proxy> select(URI uri) {
        String proxy = value(uri.getScheme().equals("https") ? "HTTPS_PROXY" : "HTTP_PROXY");
        if (proxy.isEmpty() || uri.getHost() == null || isExempt(uri)) {
            return DIRECT;
        }
        try {
            URI at = URI.create(proxy.contains("://") ? proxy : "http://" + proxy);
            int port = at.getPort() >= 0 ? at.getPort() : 80;
            return List.of(new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(at.getHost(), port)));
        } catch (IllegalArgumentException e) {
            // The text may hold a password, so it is not repeated.
            log.warn("proxy ignored reason=\"the environment's proxy is no address\"");
            return DIRECT;
        }
    }

    private boolean isExempt(URI uri) {
        String host = uri.getHost().toLowerCase(Locale.ROOT);
        if (Settings.isLoopback(host)) {
            return true;
        }
        for (String entry : value("NO_PROXY").split(",")) {
            String name = entry.strip().toLowerCase(Locale.ROOT);
            String suffix = name.startsWith("*.") ? name.substring(1) : name.startsWith(".") ? name : "." + name;
            if (name.equals("*")
                    || name.equals(host)
                    || name.equals(host + ":" + uri.getPort())
                    || (suffix.length() > 1 && host.endsWith(suffix))) {
                return true;
            }
        }
        return false;
    }

    private String value(String name) {
        return environment.getOrDefault(name, environment.getOrDefault(name.toLowerCase(Locale.ROOT), ""));
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        log.debug("proxy unreachable address={}", address, e);
    }
}
