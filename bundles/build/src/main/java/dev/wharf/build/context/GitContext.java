package dev.wharf.build.context;

import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.TarWriter;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.eclipse.jgit.api.FetchCommand;
import org.eclipse.jgit.api.Git;
import org.eclipse.jgit.api.errors.GitAPIException;
import org.eclipse.jgit.errors.ConfigInvalidException;
import org.eclipse.jgit.errors.MissingObjectException;
import org.eclipse.jgit.lib.BlobBasedConfig;
import org.eclipse.jgit.lib.Config;
import org.eclipse.jgit.lib.EmptyProgressMonitor;
import org.eclipse.jgit.lib.FileMode;
import org.eclipse.jgit.lib.ObjectId;
import org.eclipse.jgit.lib.ObjectLoader;
import org.eclipse.jgit.lib.Ref;
import org.eclipse.jgit.lib.Repository;
import org.eclipse.jgit.revwalk.RevCommit;
import org.eclipse.jgit.revwalk.RevWalk;
import org.eclipse.jgit.storage.file.FileBasedConfig;
import org.eclipse.jgit.storage.file.FileRepositoryBuilder;
import org.eclipse.jgit.transport.CredentialsProvider;
import org.eclipse.jgit.transport.RefSpec;
import org.eclipse.jgit.transport.TagOpt;
import org.eclipse.jgit.transport.UsernamePasswordCredentialsProvider;
import org.eclipse.jgit.treewalk.TreeWalk;
import org.eclipse.jgit.util.FS;
import org.eclipse.jgit.util.SystemReader;
import org.jspecify.annotations.Nullable;

/**
 * Makes a tar of what a commit holds, its submodules included. Nothing is ever checked out: objects are read where they were
 * fetched to, and what comes of a hostile repository is a tar that is unpacked with the same care as one from a client.
 */
public final class GitContext {
    private static final int PATIENCE_SECONDS = 60;
    private static final String WANTED = "refs/wharf/wanted";

    /** A repository may have others in it, and those again. */
    private static final int DEEPEST = 8;

    private static final int MOST_SUBMODULES = 100;

    static {
        SystemReader.setInstance(new Untouched(SystemReader.getInstance()));
    }

    private final Path folder;
    private final BooleanSupplier cancelled;
    private int repositories;

    /**
     * @param folder for what is fetched; the caller removes it
     * @param cancelled whether nobody waits for it any more
     */
    public GitContext(Path folder, BooleanSupplier cancelled) {
        this.folder = folder;
        this.cancelled = cancelled;
    }

    /** Writes the tar to {@code file}, and answers with the commit it is of. */
    public String bring(GitAddress address, Path file) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 64 << 10)) {
            String commit = write(address, address.folder(), "", out, 0);
            out.write(new byte[TarWriter.END_BYTES]);
            return commit;
        }
    }

    private String write(GitAddress address, String from, String to, OutputStream out, int depth) throws IOException {
        if (depth > DEEPEST || repositories > MOST_SUBMODULES) {
            throw new ContextException("the git repository " + address.shown() + " has too many submodules");
        }
        Path place = folder.resolve("git" + repositories++);
        try (Repository repository = new FileRepositoryBuilder()
                .setFS(FS.DETECTED)
                .setBare()
                .setGitDir(place.toFile())
                .build()) {
            repository.create(true);
            ObjectId id;
            try {
                id = fetch(repository, address);
            } catch (GitAPIException e) {
                throw new ContextException("cannot fetch " + (address.ref().isEmpty() ? "HEAD" : address.ref())
                        + " of git repository " + address.shown() + ": " + e.getMessage());
            }
            try (RevWalk walk = new RevWalk(repository)) {
                RevCommit commit = walk.parseCommit(id);
                tar(repository, commit, address, from, to, out, depth);
            } catch (MissingObjectException | org.eclipse.jgit.errors.IncorrectObjectTypeException e) {
                throw new ContextException(
                        "git repository " + address.shown() + " does not hold what it says: " + e.getMessage());
            }
            return id.name();
        }
    }

    // ---- fetching

    private ObjectId fetch(Repository repository, GitAddress address) throws GitAPIException, IOException {
        CredentialsProvider who = credentials(address);
        // Asked from a repository: a server of plain files is read into one.
        Map<String, Ref> there = new Git(repository)
                .lsRemote()
                .setRemote(address.repository())
                .setCredentialsProvider(who)
                .setTimeout(PATIENCE_SECONDS)
                .callAsMap();
        String ref = address.ref().isEmpty() ? "HEAD" : address.ref();
        for (String name : List.of(ref, "refs/tags/" + ref, "refs/heads/" + ref)) {
            if (there.containsKey(name) && (name.startsWith("refs/") || name.equals("HEAD"))) {
                command(repository, address, who, name + ":" + WANTED)
                        .setDepth(1)
                        .call();
                return wanted(repository, address);
            }
        }
        if (!ref.matches("[0-9a-f]{7,40}")) {
            throw new ContextException("git repository " + address.shown() + " has no branch and no tag " + ref);
        }
        if (ref.length() == ObjectId.zeroId().name().length()) {
            try {
                command(repository, address, who, ref + ":" + WANTED)
                        .setDepth(1)
                        .call();
            } catch (GitAPIException e) {
                // Not every server gives out a commit that no branch ends with; so all that lead to it are asked for.
            }
            ObjectId found = commit(repository, ref);
            if (found != null) {
                return found;
            }
        }
        command(repository, address, who, "refs/heads/*:refs/wharf/heads/*", "refs/tags/*:refs/wharf/tags/*")
                .call();
        ObjectId found = commit(repository, ref);
        if (found == null) {
            throw new ContextException("git repository " + address.shown() + " has no commit " + ref);
        }
        return found;
    }

    private static @Nullable ObjectId commit(Repository repository, String name) throws IOException {
        try {
            return repository.resolve(name + "^{commit}");
        } catch (MissingObjectException e) {
            return null;
        }
    }

    private FetchCommand command(Repository repository, GitAddress address, CredentialsProvider who, String... specs) {
        return new Git(repository)
                .fetch()
                .setRemote(address.repository())
                .setCredentialsProvider(who)
                .setRefSpecs(List.of(specs).stream().map(RefSpec::new).toArray(RefSpec[]::new))
                .setTagOpt(TagOpt.NO_TAGS)
                .setTimeout(PATIENCE_SECONDS)
                .setProgressMonitor(new EmptyProgressMonitor() {
                    @Override
                    public boolean isCancelled() {
                        return isOver();
                    }
                });
    }

    /** Nobody waits, or the disk is nearly full. */
    private boolean isOver() {
        return cancelled.getAsBoolean()
                || Thread.currentThread().isInterrupted()
                || folder.toFile().getUsableSpace() < (256L << 20);
    }

    private static ObjectId wanted(Repository repository, GitAddress address) throws IOException {
        ObjectId found = commit(repository, WANTED);
        if (found == null) {
            throw new ContextException("git repository " + address.shown() + " holds no commit there");
        }
        return found;
    }

    private static CredentialsProvider credentials(GitAddress address) {
        String user = Optional.ofNullable(URI.create(address.repository()).getUserInfo())
                .orElse("");
        int colon = user.indexOf(':');
        return colon < 0
                ? new UsernamePasswordCredentialsProvider(user, "")
                : new UsernamePasswordCredentialsProvider(user.substring(0, colon), user.substring(colon + 1));
    }

    // ---- writing

    private void tar(
            Repository repository,
            RevCommit commit,
            GitAddress address,
            String from,
            String to,
            OutputStream out,
            int depth)
            throws IOException {
        Map<String, String> submodules = submodules(repository, commit);
        try (TreeWalk walk = new TreeWalk(repository)) {
            walk.addTree(tree(repository, commit, address, from));
            walk.setRecursive(false);
            while (walk.next()) {
                if (isOver()) {
                    throw new ContextException("the build was cancelled, or the disk is full");
                }
                String path = to + walk.getPathString();
                FileMode mode = walk.getFileMode(0);
                if (mode.equals(FileMode.TREE)) {
                    out.write(header(Entry.Kind.DIRECTORY, path + "/", "", 0755, 0, commit));
                    walk.enterSubtree();
                } else if (mode.equals(FileMode.GITLINK)) {
                    out.write(header(Entry.Kind.DIRECTORY, path + "/", "", 0755, 0, commit));
                    String whole = from.isEmpty() ? walk.getPathString() : from + "/" + walk.getPathString();
                    if (submodules.containsKey(whole)) {
                        GitAddress part = GitAddress.parse(address.resolve(submodules.get(whole)) + "#"
                                + walk.getObjectId(0).name());
                        write(part, "", path + "/", out, depth + 1);
                    }
                } else {
                    file(repository.open(walk.getObjectId(0)), mode, path, commit, out);
                }
            }
        }
    }

    private static ObjectId tree(Repository repository, RevCommit commit, GitAddress address, String from)
            throws IOException {
        if (from.isEmpty()) {
            return commit.getTree();
        }
        try (TreeWalk walk = TreeWalk.forPath(repository, from, commit.getTree())) {
            if (walk == null || !walk.getFileMode(0).equals(FileMode.TREE)) {
                throw new ContextException("git repository " + address.shown() + " has no directory " + from);
            }
            return walk.getObjectId(0);
        }
    }

    private static void file(ObjectLoader blob, FileMode mode, String path, RevCommit commit, OutputStream out)
            throws IOException {
        if (mode.equals(FileMode.SYMLINK)) {
            // A target is never long; one that is would be refused where the tar is read.
            String target = new String(blob.getBytes(64 << 10), java.nio.charset.StandardCharsets.UTF_8);
            out.write(header(Entry.Kind.SYMBOLIC_LINK, path, target, 0777, 0, commit));
            return;
        }
        int permissions = mode.equals(FileMode.EXECUTABLE_FILE) ? 0755 : 0644;
        out.write(header(Entry.Kind.FILE, path, "", permissions, blob.getSize(), commit));
        blob.copyTo(out);
        out.write(new byte[TarWriter.padding(blob.getSize())]);
    }

    private static byte[] header(Entry.Kind kind, String name, String target, int mode, long size, RevCommit commit) {
        return TarWriter.header(
                new Entry(kind, name, target, mode, 0, 0, size, commit.getCommitTime(), 0, 0, 0, Map.of()));
    }

    /** Addresses of submodules by their paths. */
    private static Map<String, String> submodules(Repository repository, RevCommit commit) throws IOException {
        Map<String, String> all = new HashMap<>();
        try {
            Config modules = new BlobBasedConfig(null, repository, commit, ".gitmodules");
            for (String name : modules.getSubsections("submodule")) {
                String path = modules.getString("submodule", name, "path");
                String address = modules.getString("submodule", name, "url");
                if (path != null && address != null) {
                    all.put(path, address);
                }
            }
        } catch (java.io.FileNotFoundException e) {
            // It has none.
        } catch (ConfigInvalidException e) {
            throw new ContextException("the .gitmodules of the git repository cannot be read: " + e.getMessage());
        }
        return all;
    }

    /** What git is configured to do on this host is meant for people who work here, and not for builds. */
    private static final class Untouched extends SystemReader.Delegate {
        Untouched(SystemReader host) {
            super(host);
        }

        @Override
        public FileBasedConfig openUserConfig(Config parent, FS fs) {
            return new Nothing(parent, fs);
        }

        @Override
        public FileBasedConfig openSystemConfig(Config parent, FS fs) {
            return new Nothing(parent, fs);
        }

        @Override
        public FileBasedConfig openJGitConfig(Config parent, FS fs) {
            return new Nothing(parent, fs);
        }
    }

    /** A configuration that says nothing and is in no file. */
    private static final class Nothing extends FileBasedConfig {
        Nothing(Config parent, FS fs) {
            super(parent, null, fs);
        }

        @Override
        public void load() {
            // There is no file.
        }

        @Override
        public void save() {
            // Nor shall there be one, for what JGit measures of the file systems of this host.
        }

        @Override
        public boolean isOutdated() {
            return false;
        }
    }
}
