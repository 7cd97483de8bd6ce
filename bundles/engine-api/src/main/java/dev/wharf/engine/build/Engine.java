package dev.wharf.engine.build;

import dev.wharf.build.run.Job;
import dev.wharf.build.run.Offers;
import dev.wharf.build.run.Site;
import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.Entropy;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.state.Image;
import dev.wharf.engine.archive.Trees;
import dev.wharf.engine.containers.Creation;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.images.ImageLookup;
import dev.wharf.model.ContainerSpec;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import dev.wharf.model.Reference;
import dev.wharf.oci.layer.Tree;
import dev.wharf.spi.kernel.Hashing;
import dev.wharf.spi.registry.Credentials;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;

/** This engine, as a build sees it that somebody asked for. */
record Engine(
        Agent agent,
        Supplier<Cause> causes,
        BuildQuery query,
        Offers offers,
        Function<Reference, Credentials> logins,
        Trees trees,
        Hashing hashing,
        Path root,
        Path memoryRoot,
        String name)
        implements Site {
    @Override
    public Cause cause() {
        return causes.get();
    }

    @Override
    public Tree tree() {
        return trees;
    }

    @Override
    public Path folder() {
        return root.resolve("running").resolve(name);
    }

    @Override
    public Path caches() {
        return root.resolve("caches");
    }

    @Override
    public Path memory() throws IOException {
        try {
            return makeMemory();
        } catch (NoSuchFileException e) {
            // Another build that ended just took the empty folder above away.
            return makeMemory();
        }
    }

    private Path makeMemory() throws IOException {
        return Files.createDirectories(
                memoryRoot.resolve(name),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }

    @Override
    public ContainerSpec container(Job job) {
        return new Creation(agent.host(), job.id(), query.container(job), Entropy.fresh()).spec();
    }

    @Override
    public Optional<Image> image(String name) {
        try {
            return ImageLookup.find(agent.host(), name).map(ImageLookup.Found::image);
        } catch (Problem e) {
            // What is no name of an image is told by whoever tries to pull it.
            return Optional.empty();
        }
    }

    @Override
    public Credentials credentials(Reference image) {
        return logins.apply(image);
    }

    @Override
    public DriverName storage() {
        return agent.host()
                .preferred(DriverKind.STORAGE)
                .orElseThrow(() -> Problem.unavailable("no storage driver serves; see wharf driver ls"));
    }
}
