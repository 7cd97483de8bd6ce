package dev.wharf.engine.http;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A version of the Engine API, {@code 1.minor}. Wharf serves 1.24, below which no client in use goes, to 1.51, the newest one
 * that its conformance runs are made with; a bare path means the newest.
 */
public record ApiVersion(int minor) implements Comparable<ApiVersion> {
    public static final ApiVersion OLDEST = new ApiVersion(24);
    public static final ApiVersion NEWEST = new ApiVersion(51);

    /** Other majors are kept apart by more minors than there will ever be. */
    private static final int MAJOR_STEP = 10_000;

    private static final Pattern FORM = Pattern.compile("([0-9]{1,4})(?:\\.([0-9]{1,4}))?(?:\\.[0-9]+)*");

    /** Reads {@code 1.43}; any major version but 1 is newer or older than everything. */
    static Optional<ApiVersion> parse(String text) {
        Matcher form = FORM.matcher(text);
        if (!form.matches()) {
            return Optional.empty();
        }
        int major = Integer.parseInt(form.group(1));
        int minor = form.group(2) == null ? 0 : Integer.parseInt(form.group(2));
        return Optional.of(new ApiVersion((major - 1) * MAJOR_STEP + minor));
    }

    /** Whether this is version {@code 1.minor} or newer. */
    public boolean atLeast(int wanted) {
        return minor >= wanted;
    }

    @Override
    public int compareTo(ApiVersion other) {
        return Integer.compare(minor, other.minor);
    }

    /** The version as a client wrote it. */
    String text() {
        int major = Math.floorDiv(minor, MAJOR_STEP) + 1;
        return major + "." + Math.floorMod(minor, MAJOR_STEP);
    }

    @Override
    public String toString() {
        return text();
    }
}
