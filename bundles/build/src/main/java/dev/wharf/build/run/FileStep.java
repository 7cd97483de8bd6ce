package dev.wharf.build.run;

import dev.wharf.build.context.ContextException;
import dev.wharf.build.context.ContextFolder;
import dev.wharf.build.context.Copying;
import dev.wharf.build.context.GitAddress;
import dev.wharf.build.context.GitContext;
import dev.wharf.build.context.Mode;
import dev.wharf.build.context.Patterns;
import dev.wharf.build.context.Sources;
import dev.wharf.build.context.Sources.Source;
import dev.wharf.build.context.Unpacking;
import dev.wharf.build.dockerfile.DockerfileException;
import dev.wharf.build.dockerfile.Heredoc;
import dev.wharf.build.dockerfile.Instruction;
import dev.wharf.build.plan.Draft;
import dev.wharf.build.plan.Stages;
import dev.wharf.core.state.BuildStep;
import dev.wharf.model.Digest;
import dev.wharf.model.ImageId;
import dev.wharf.model.LayerId;
import dev.wharf.model.LayerSpec;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.LayerException;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Names;
import dev.wharf.oci.layer.Node;
import dev.wharf.oci.layer.Unpacker;
import dev.wharf.oci.layer.Unpacker.Owner;
import dev.wharf.spi.DriverException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A COPY, an ADD, or the directory of a WORKDIR: files put into an image without a process. */
final class FileStep {
    /** Parts of what is put that are remembered by their names; what is beyond them differs without a name. */
    private static final int MOST_INPUTS = 200;

    private final StageRun run;
    private final Instruction one;
    private final Draft draft;
    private final boolean add;

    FileStep(StageRun run, Instruction one) {
        this.run = run;
        this.one = one;
        this.draft = run.draft();
        this.add = one.word().equals("ADD");
    }

    /** One thing to be put. */
    private sealed interface Item {
        /** What it comes to, part by part. */
        Map<String, Digest> parts(Patterns leftOut, boolean owned) throws IOException;

        record Found(Sources sources, Source source, boolean unpacks) implements Item {
            @Override
            public Map<String, Digest> parts(Patterns leftOut, boolean owned) throws IOException {
                return sources.digests(source, leftOut, owned);
            }
        }

        record Text(String name, String content) implements Item {
            @Override
            public Map<String, Digest> parts(Patterns leftOut, boolean owned) {
                return Map.of("<<" + name, Digest.sha256(content));
            }
        }
    }

    void run() throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        List<String> words = new ArrayList<>();
        for (String word : one.words()) {
            words.add(word.startsWith("<<") && !one.heredocs().isEmpty() ? word : draft.expand(one, word));
        }
        if (one.flag("checksum").isPresent()
                && !words.stream().limit(words.size() - 1).allMatch(Download::isElsewhere)) {
            throw DockerfileException.at(one, "checksum requires HTTP(S) or Git sources");
        }
        String written = words.remove(words.size() - 1);
        if (written.isEmpty()) {
            throw DockerfileException.at(one, one.word() + " failed: no destination was specified");
        }
        Optional<String> from = one.flag("from");
        Optional<Sources> folder = from.flatMap(run::folder);
        if (folder.isPresent()) {
            take(folder.get(), words, written, Optional.empty());
        } else if (from.isPresent()) {
            fromElsewhere(from.get(), words, written);
        } else {
            take(run.shared().context(), words, written, Optional.empty());
        }
    }

    // ---- where from

    private void fromElsewhere(String from, List<String> words, String written)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Optional<Integer> stage = Stages.stageOf(
                one, from, run.shared().stages().names(), run.stage().index());
        ImageId image;
        if (stage.isPresent()) {
            StageRun.Made made = run.shared().others().stage(stage.get());
            image = made.holder()
                    .orElseThrow(() -> new BuildException("COPY failed: stage " + from + " holds no files"));
        } else {
            image = run.image(from, run.shared().order().platform(), false).id();
        }
        // The layers say what is there, so that files need not be looked at to know that nothing changed.
        String layers = run.shared()
                .site()
                .agent()
                .host()
                .image(image)
                .map(i -> i.layers().stream().map(LayerSpec::diffId).toList().toString())
                .orElse(image.value());
        Digest quick = draft.next("from " + layers + " " + flags() + " " + words + " " + written);
        if (run.shared().order().cacheFrom().isEmpty()) {
            Optional<BuildStep> known = run.known(quick, "");
            if (known.isPresent()) {
                run.use(known.get().key(), known.get(), Map.of());
                return;
            }
        }
        visit(image, root -> {
            Sources sources = new Sources(
                    run.shared().site().tree(),
                    run.shared().site().agent().streams().files(),
                    run.shared().site().hashing(),
                    root);
            try {
                take(sources, words, written, Optional.of(quick));
            } catch (ContextException e) {
                throw new ContextException(String.valueOf(e.getMessage()).replace(Sources.ABSENT, "in " + from + ": "));
            }
            return root;
        });
    }

    interface Visit {
        Path at(Path root)
                throws BuildException, DockerfileException, DriverException, IOException, InterruptedException;
    }

    /** Looks into an image by a container that never runs. */
    void visit(ImageId image, Visit visit)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Job job = Job.still(image);
        run.shared().hands().create(job);
        try {
            inside(job, visit);
        } finally {
            run.shared().hands().dismiss(job.id());
        }
    }

    /** Carries what went wrong out of a visit, which has no other way for it. */
    private static final class Carried extends RuntimeException {
        private static final long serialVersionUID = 1L;

        private final transient Exception what;

        Carried(Exception what) {
            super("", what, false, false);
            this.what = what;
        }
    }

    private void inside(Job job, Visit visit)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        try {
            run.shared().site().agent().streams().rootfs(job.id(), root -> {
                try {
                    return visit.at(root);
                } catch (BuildException | DockerfileException | InterruptedException e) {
                    throw new Carried(e);
                }
            });
        } catch (Carried e) {
            if (e.what instanceof BuildException known) {
                throw known;
            }
            if (e.what instanceof DockerfileException known) {
                throw known;
            }
            throw (InterruptedException) e.what;
        }
    }

    // ---- what

    private String flags() throws DockerfileException {
        StringBuilder text = new StringBuilder();
        for (Instruction.Flag flag : one.flags()) {
            text.append(flag.name())
                    .append('=')
                    .append(draft.expand(one, flag.value().orElse("")))
                    .append(' ');
        }
        return text.toString();
    }

    private void take(Sources sources, List<String> words, String written, Optional<Digest> quick)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Patterns leftOut;
        try {
            List<String> excluded = new ArrayList<>();
            for (String pattern : one.flags("exclude")) {
                excluded.add(draft.expand(one, pattern));
            }
            leftOut = Patterns.parse(excluded);
        } catch (IllegalArgumentException e) {
            throw DockerfileException.at(one, String.valueOf(e.getMessage()));
        }
        List<Item> items = items(sources, words);
        items.removeIf(i -> i instanceof Item.Found f
                && !f.source().directory()
                && leftOut.leavesOut(f.source().base()));
        if (items.isEmpty() && !run.byBuildkit()) {
            throw DockerfileException.at(one, one.word() + " failed: no source files were specified");
        }
        boolean intoDirectory = written.endsWith("/") || written.equals(".");
        if (items.size() > 1 && !intoDirectory) {
            throw DockerfileException.at(
                    one,
                    "When using " + one.word()
                            + " with more than one source file, the destination must be a directory and end with a /");
        }
        String chown = one.flag("chown").isPresent()
                ? draft.expand(one, one.flag("chown").orElse(""))
                : "";
        Map<String, Digest> parts = new LinkedHashMap<>();
        for (Item item : items) {
            parts.putAll(item.parts(leftOut, keepsOwners(chown)));
        }
        StringBuilder all = new StringBuilder();
        parts.forEach(
                (name, digest) -> all.append(name).append(' ').append(digest).append('\n'));
        String kind = items.size() != 1
                ? "multi:"
                : items.get(0) instanceof Item.Found f && f.source().directory() ? "dir:" : "file:";
        String told = draft.toldFiles(one.word() + " " + (chown.isEmpty() ? "" : "--chown=" + chown + " ") + kind
                + Digest.sha256(all.toString()).hex() + " in " + written + " ");
        Optional<Mode> mode = mode();
        Digest key = draft.next(told + "\n" + mode + one.isSet("parents") + one.flags("exclude")
                + (chown.isEmpty() ? "" : run.shared().order().rules()));
        Destination to = new Destination(draft.absolute(written), intoDirectory);
        Map<String, String> inputs = new LinkedHashMap<>();
        parts.entrySet().stream()
                .limit(MOST_INPUTS)
                .forEach(part ->
                        inputs.put(Names.show(part.getKey()), part.getValue().toString()));
        run.layered(key, told, inputs, () -> make(root -> put(items, root, to, chown, mode, leftOut)));
        quick.ifPresent(other -> run.shared().cache().alias(other, key));
    }

    private Optional<Mode> mode() throws DockerfileException {
        if (one.flag("chmod").isEmpty()) {
            return Optional.empty();
        }
        String text = draft.expand(one, one.flag("chmod").orElse(""));
        try {
            return Optional.of(Mode.parse(text));
        } catch (IllegalArgumentException e) {
            throw DockerfileException.at(one, "invalid chmod parameter: " + e.getMessage());
        }
    }

    private List<Item> items(Sources sources, List<String> words)
            throws BuildException, DockerfileException, IOException, InterruptedException {
        List<Item> items = new ArrayList<>();
        Iterator<Heredoc> heredocs = one.heredocs().iterator();
        for (String word : words) {
            if (word.startsWith("<<") && heredocs.hasNext()) {
                Heredoc document = heredocs.next();
                items.add(new Item.Text(
                        document.name(),
                        document.expands() ? draft.expandBody(one, document.content()) : document.content()));
            } else if (add && GitAddress.isSource(word)) {
                items.add(repository(word));
            } else if (add && Download.isAddress(word)) {
                items.add(address(word));
            } else {
                boolean mayUnpack = add && !one.flag("unpack").orElse("").equals("false");
                // To BuildKit a path begins at the root of what it is from, and climbs no higher.
                String path = run.byBuildkit() && word.startsWith("..") ? "/" + word : word;
                for (Source source : sources.find(path, one.isSet("parents"))) {
                    boolean tar = mayUnpack && !source.directory() && sources.read(source, Unpacking::isTar);
                    items.add(new Item.Found(sources, source, tar));
                }
            }
        }
        return items;
    }

    /** What a commit holds is brought into a folder of its own, and is a folder like others from there on. */
    private Item repository(String address) throws BuildException, DockerfileException, IOException {
        if (one.isSet("keep-git-dir")) {
            throw DockerfileException.at(
                    one, "ADD --keep-git-dir is not served: files are read from a commit, and nothing is checked out");
        }
        Path folder = downloads();
        Path tar = folder.resolve("tar");
        String commit =
                new GitContext(folder, Thread.currentThread()::isInterrupted).bring(GitAddress.parse(address), tar);
        String checksum = one.flag("checksum").map(String::strip).orElse("");
        if (!commit.startsWith(checksum)) {
            throw DockerfileException.at(one, "expected checksum to match " + checksum + ", got " + commit);
        }
        ContextFolder files = new ContextFolder(run.shared().site().tree(), folder.resolve("files"));
        try (InputStream in = Files.newInputStream(tar)) {
            files.receive(in);
        }
        Sources sources = sources(files.folder());
        return new Item.Found(sources, sources.find("/", false).get(0), false);
    }

    private Path downloads() throws IOException {
        return Files.createTempDirectory(
                Files.createDirectories(run.shared().site().folder().resolve("downloads")), "");
    }

    private Sources sources(Path folder) throws BuildException {
        return new Sources(
                run.shared().site().tree(), filesOf(), run.shared().site().hashing(), folder);
    }

    /** A file from elsewhere is brought into a folder of its own, and is a file like others from there on. */
    private Item address(String address) throws BuildException, DockerfileException, IOException, InterruptedException {
        String name = Download.name(address);
        Path folder = downloads();
        String file = name.isEmpty() ? "index" : name;
        try {
            Download.bring(address, folder.resolve(file), one.flag("checksum").map(String::strip));
        } catch (BuildException e) {
            throw new BuildException("ADD failed: " + e.getMessage());
        }
        Files.setPosixFilePermissions(
                folder.resolve(file), java.nio.file.attribute.PosixFilePermissions.fromString("rw-------"));
        boolean unpacks = one.flag("unpack").isPresent() && one.isSet("unpack");
        return new Item.Found(sources(folder), new Source(file, name, false, ""), unpacks);
    }

    private dev.wharf.spi.kernel.FileCalls filesOf() throws BuildException {
        try {
            return run.shared().site().agent().streams().files();
        } catch (DriverException e) {
            throw new BuildException(e.failure().message());
        }
    }

    // ---- where to

    private record Destination(String path, boolean directory) {}

    private interface Change {
        void in(Path root)
                throws BuildException, DockerfileException, DriverException, IOException, InterruptedException;
    }

    /** What a change makes of the image so far, as a layer. */
    private Optional<LayerSpec> make(Change change)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        Job job = Job.still(run.footing());
        Hands hands = run.shared().hands();
        Optional<LayerId> top = draft.top();
        hands.create(job);
        try {
            inside(job, root -> {
                change.in(root);
                return root;
            });
            return hands.layer(job.id(), top, run.epoch(), false, 0);
        } finally {
            hands.dismiss(job.id());
        }
    }

    /** @param whose the user whose it becomes; empty for root */
    Optional<LayerSpec> makeDirectory(String path, String whose)
            throws BuildException, DockerfileException, DriverException, IOException, InterruptedException {
        return make(root -> {
            try (Dir dir = run.shared().site().tree().open(root)) {
                makeDirectory(dir, path, Accounts.owner(dir, whose, true));
            }
        });
    }

    static void makeDirectory(Dir root, String path, Owner owner) throws IOException {
        new Copying(Optional.of(owner), Optional.empty(), Patterns.NONE)
                .make(root, Copying.follow(root, path), owner, owner)
                .close();
    }

    private void put(List<Item> items, Path rootfs, Destination to, String chown, Optional<Mode> mode, Patterns leftOut)
            throws BuildException, DriverException, IOException {
        try (Dir root = run.shared().site().tree().open(rootfs)) {
            Copying copying = new Copying(owner(root, chown), mode, leftOut);
            for (Item item : items) {
                put(item, root, to, copying);
            }
        } catch (LayerException | EOFException e) {
            throw new ContextException(String.valueOf(e.getMessage()));
        }
    }

    /** The client's files are root's; those of other stages and images stay whose they are. */
    private boolean keepsOwners(String chown) {
        return chown.isEmpty() && one.flag("from").isPresent();
    }

    private Optional<Owner> owner(Dir root, String chown) throws IOException {
        return keepsOwners(chown) ? Optional.empty() : Optional.of(Accounts.owner(root, chown, run.byBuildkit()));
    }

    private void put(Item item, Dir root, Destination to, Copying copying) throws IOException {
        String path = to.path();
        if (item instanceof Item.Found found && !found.source().kept().isEmpty()) {
            path = path + "/" + found.source().kept();
        }
        path = Copying.follow(root, path);
        if (item instanceof Item.Found found && found.unpacks()) {
            Optional<Owner> owner =
                    run.byBuildkit() && one.flag("chown").isPresent() ? copying.owner() : Optional.empty();
            copying.make(root, path, Copying.ROOT, owner.orElse(Copying.ROOT)).close();
            String below = path.substring(1);
            found.sources().read(found.source(), in -> {
                try (Unpacker unpacker = new Unpacker(root, new Unpacker.Guest(below, false, owner), Limits.DEFAULT)) {
                    return unpacker.unpack(Unpacking.unpack(in));
                }
            });
            return;
        }
        boolean whole = item instanceof Item.Found f && f.source().directory();
        boolean parents = one.flag("parents").filter(v -> !v.equals("false")).isPresent();
        if (whole && !parents) {
            // Docker's classic builder gives --chown's owner to what it copies and the directory it copies into, not
            // above.
            Item.Found found = (Item.Found) item;
            boolean made = !isDirectory(root, path);
            try (Dir target = copying.make(root, path, Copying.ROOT, copying.maker())) {
                copying.put(found.sources(), found.source(), target, ".");
            }
            if (made) {
                finish(root, path, found, copying);
            }
            return;
        }
        String name = item instanceof Item.Found f ? f.source().base() : ((Item.Text) item).name();
        if (to.directory() || parents || isDirectory(root, path)) {
            if (name.isEmpty()) {
                throw new ContextException("cannot determine filename from url; name the file in the destination");
            }
            // What a link there leads to is written, inside of the image, as Docker does.
            path = Copying.follow(root, path.equals("/") ? "/" + name : path + "/" + name);
        }
        int slash = path.lastIndexOf('/');
        try (Dir parent = copying.make(root, path.substring(0, slash), copying.maker(), copying.maker())) {
            place(item, copying, parent, path.substring(slash + 1));
        }
    }

    /** A directory that was made for what is in another has the mode that was asked for, and with BuildKit that one's time. */
    private void finish(Dir root, String path, Item.Found found, Copying copying) throws IOException {
        int slash = path.lastIndexOf('/');
        String name = path.substring(slash + 1);
        try (Dir parent = root.resolve(slash == 0 ? "." : path.substring(0, slash))) {
            if (copying.mode().isPresent()) {
                parent.chmod(name, copying.mode().get().of(0755, true));
            }
            if (run.byBuildkit()) {
                Node from = found.sources().node(found.source());
                parent.setTimes(name, from.modifiedSeconds(), from.modifiedNanos());
            }
        }
    }

    private static void place(Item item, Copying copying, Dir dir, String name) throws IOException {
        if (item instanceof Item.Found found) {
            copying.put(found.sources(), found.source(), dir, name);
        } else {
            copying.write(((Item.Text) item).content(), dir, name);
        }
    }

    private static boolean isDirectory(Dir root, String path) {
        try (Dir dir = root.resolve(path)) {
            return dir.look(".").isPresent();
        } catch (IOException e) {
            return false;
        }
    }
}
