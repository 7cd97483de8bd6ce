package dev.wharf.model;

import java.util.regex.Pattern;

/**
 * Where images of one name are kept: a registry host with an optional port, and a path (OCI distribution spec, "Pulling
 * manifests", the {@code <name>} grammar). Docker's short forms are expanded when parsed and folded by {@link #familiar}.
 */
public record Repository(String host, String path) {
    /** The host that a name without one stands for, and its short form. */
    public static final String DEFAULT_HOST = "docker.io";

    private static final Pattern HOST = Pattern.compile(
            "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[0-9a-fA-F:]+\\])(?::[0-9]{1,5})?");
    private static final Pattern PATH =
            Pattern.compile("[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*");

    /** Checked before any pattern, whose depth grows with what it reads. */
    private static final int LONGEST = 255;

    public Repository {
        if (host.length() > LONGEST) {
            throw new IllegalArgumentException("invalid reference format: registry host is too long");
        }
        Checks.matching(HOST, host, "registry host");
        if (path.length() > LONGEST || !PATH.matcher(path).matches()) {
            String why = path.equals(path.toLowerCase(java.util.Locale.ROOT))
                    ? ""
                    : ": repository name (" + path + ") must be lowercase";
            throw new IllegalArgumentException("invalid reference format" + why);
        }
    }

    /** Reads a repository as people write it: {@code ubuntu}, {@code team/app} or {@code host:5000/team/app}. */
    public static Repository parse(String text) {
        int slash = text.indexOf('/');
        String first = slash < 0 ? "" : text.substring(0, slash);
        boolean hasHost = first.indexOf('.') >= 0 || first.indexOf(':') >= 0 || first.equals("localhost");
        String host = hasHost ? first : DEFAULT_HOST;
        String path = hasHost ? text.substring(slash + 1) : text;
        if (host.equals("index.docker.io")) {
            host = DEFAULT_HOST;
        }
        return new Repository(host, host.equals(DEFAULT_HOST) && path.indexOf('/') < 0 ? "library/" + path : path);
    }

    /** The short form that people see. */
    public String familiar() {
        if (!host.equals(DEFAULT_HOST)) {
            return toString();
        }
        return path.startsWith("library/") ? path.substring("library/".length()) : path;
    }

    @Override
    public String toString() {
        return host + "/" + path;
    }
}
