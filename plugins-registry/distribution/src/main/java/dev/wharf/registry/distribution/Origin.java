package dev.wharf.registry.distribution;

import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * A scheme, host and port: the boundary that credentials do not cross (RFC 6454).
 *
 * @param host in lower case, an IPv6 address in brackets
 */
record Origin(String scheme, String host, int port) {
    /**
     * Second-level names under which strangers register their own, as in {@code example.co.uk}. The public list has
     * thousands; these are the ones under country codes, where the parent of a host could be no site at all.
     */
    private static final Set<String> SHARED =
            Set.of("ac", "co", "com", "edu", "gob", "gov", "go", "ne", "net", "or", "org");

    static Origin of(URI uri) {
        String scheme = uri.getScheme().toLowerCase(Locale.ROOT);
        int port = uri.getPort() >= 0 ? uri.getPort() : scheme.equals("https") ? 443 : 80;
        return new Origin(scheme, uri.getHost().toLowerCase(Locale.ROOT), port);
    }

    boolean isSecure() {
        return scheme.equals("https");
    }

    /**
     * Whether {@code other} belongs to whoever runs this host: the same host, a part of it, or a sister under one parent, as
     * {@code auth.docker.io} is to {@code registry-1.docker.io}.
     */
    boolean sharesSiteWith(Origin other) {
        if (host.equals(other.host)) {
            return true;
        }
        if (isAddress() || other.isAddress()) {
            return false;
        }
        if (other.host.endsWith("." + host)) {
            return true;
        }
        int dot = host.indexOf('.');
        String parent = dot < 0 ? "" : host.substring(dot + 1);
        return isSite(parent) && (other.host.equals(parent) || other.host.endsWith("." + parent));
    }

    private static boolean isSite(String name) {
        List<String> labels = List.of(name.split("\\."));
        if (labels.size() < 2) {
            return false;
        }
        boolean country = labels.get(labels.size() - 1).length() == 2;
        return labels.size() > 2 || !country || !SHARED.contains(labels.get(0));
    }

    private boolean isAddress() {
        return host.startsWith("[") || host.matches("[0-9.]+");
    }

    @Override
    public String toString() {
        return scheme + "://" + host + ":" + port;
    }
}
