package dev.wharf.build.context;

import java.net.URI;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a context is in a git repository, as {@code docker build} spells it: an address, and after {@code #} what of it.
 *
 * @param repository the address of the repository, with credentials where there are any
 * @param ref a branch, a tag or a commit; empty for what the repository calls HEAD
 * @param folder the directory that is the context; empty for the top
 */
public record GitAddress(String repository, String ref, String folder) {
    private static final Pattern SPELLED = Pattern.compile("([^#]+)(?:#([^:]*)(?::(.*))?)?");

    /** Whether Docker takes {@code text} for a repository, whatever the transport. */
    public static boolean isOne(String text) {
        return text.matches("(git://|github\\.com/|git@|ssh://).*") || text.matches("https?://[^#]+\\.git(#.*)?");
    }

    /** Whether what ADD takes is one, and no path of the context. */
    public static boolean isSource(String text) {
        return isOne(text) && !text.startsWith("github.com/");
    }

    /** A ContextException says what is wrong with it. */
    public static GitAddress parse(String text) throws ContextException {
        Matcher parts = SPELLED.matcher(text);
        if (!parts.matches()) {
            throw new ContextException("the address of a git repository is written URL#REF:FOLDER");
        }
        String repository = parts.group(1);
        if (repository.startsWith("github.com/")) {
            repository = "https://" + repository;
        }
        if (!repository.matches("(git|https?)://.+")) {
            throw new ContextException("files are taken from git by git:// and http(s)://, which need no keys of the"
                    + " agent's own; clone " + repository + " and send its files, as docker build does by itself");
        }
        try {
            URI.create(repository);
        } catch (IllegalArgumentException e) {
            throw new ContextException("the address of the git repository is no URL");
        }
        String ref = Optional.ofNullable(parts.group(2)).orElse("");
        if (ref.startsWith("-") || ref.contains("..") || ref.matches(".*[\\s~^:?*\\[\\\\].*")) {
            throw new ContextException("invalid git ref: " + ref);
        }
        return new GitAddress(
                repository,
                ref,
                Sources.relative(Optional.ofNullable(parts.group(3)).orElse("")));
    }

    /** The address of a repository that this one names as its part, where that may be relative. */
    String resolve(String part) {
        if (!part.startsWith("./") && !part.startsWith("../")) {
            return part;
        }
        String base = repository.endsWith("/") ? repository : repository + "/";
        return URI.create(base).resolve(part).toString();
    }

    /** The address without credentials. */
    public String shown() {
        return repository.replaceFirst("://[^/@]*@", "://");
    }

    @Override
    public String toString() {
        return shown() + "#" + ref + ":" + folder;
    }
}
