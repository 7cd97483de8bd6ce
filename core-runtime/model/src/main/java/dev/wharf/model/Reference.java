package dev.wharf.model;

import java.util.Optional;
import java.util.regex.Pattern;

/** Names an image in a repository: {@code host/path:tag} or {@code host/path@digest}; a bare name means {@code latest}. */
public record Reference(Repository repository, Optional<String> tag, Optional<Digest> digest) {
    private static final Pattern TAG = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]{0,127}");

    public Reference {
        tag.ifPresent(t -> {
            if (!TAG.matcher(t).matches()) {
                throw new IllegalArgumentException("invalid tag format");
            }
        });
        if (tag.isEmpty() && digest.isEmpty()) {
            tag = Optional.of("latest");
        }
    }

    /** Reads a reference as people write it. */
    public static Reference parse(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("invalid reference format: empty name");
        }
        String name = text;
        Optional<Digest> digest = Optional.empty();
        int at = name.indexOf('@');
        if (at >= 0) {
            digest = Optional.of(Digest.parse(name.substring(at + 1)));
            name = name.substring(0, at);
        }
        Optional<String> tag = Optional.empty();
        int colon = name.lastIndexOf(':');
        if (colon > name.lastIndexOf('/')) {
            tag = Optional.of(name.substring(colon + 1));
            name = name.substring(0, colon);
        }
        return new Reference(Repository.parse(name), tag, digest);
    }

    public static Reference of(Repository repository, String tag) {
        return new Reference(repository, Optional.of(tag), Optional.empty());
    }

    public static Reference of(Repository repository, Digest digest) {
        return new Reference(repository, Optional.empty(), Optional.of(digest));
    }

    /** The short form that people see, such as {@code ubuntu:22.04}. */
    public String familiar() {
        return repository.familiar() + suffix();
    }

    private String suffix() {
        return tag.map(t -> ":" + t).orElse("") + digest.map(d -> "@" + d).orElse("");
    }

    @Override
    public String toString() {
        return repository + suffix();
    }
}
