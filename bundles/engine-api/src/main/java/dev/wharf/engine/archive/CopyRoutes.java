package dev.wharf.engine.archive;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.command.ContainerCommand;
import dev.wharf.core.state.Container;
import dev.wharf.engine.containers.ContainerLookup;
import dev.wharf.engine.containers.Leaving;
import dev.wharf.engine.containers.Notes;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.Problem;
import dev.wharf.engine.http.Request;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.model.MountSpec;
import dev.wharf.oci.archive.Packed;
import dev.wharf.oci.image.DocumentException;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.LayerException;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.Packer;
import dev.wharf.oci.layer.Unpacker;
import dev.wharf.oci.layer.Unpacker.Guest;
import dev.wharf.oci.layer.Unpacker.Owner;
import dev.wharf.spi.DriverException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.Comparator;
import java.util.Map;
import java.util.Optional;

/** {@code /containers/{id}/archive}: copies between a container and its client, as tars. */
public final class CopyRoutes implements Routes {
    private static final String STAT = "X-Docker-Container-Path-Stat";

    /** NAME_MAX of limits.h. */
    private static final int LONGEST_NAME = 255;

    private final ContainerFiles files;

    /** Two that replaced each other's files would meet what is half made. Docker has them come one after the other, too. */
    private final Turns turns = new Turns();

    public CopyRoutes(Trees trees) {
        this.files = new ContainerFiles(trees);
    }

    @Override
    public void addTo(Router router) {
        router.head("/containers/{name}/archive", this::stat)
                .get("/containers/{name}/archive", this::get)
                .upload("PUT", "/containers/{name}/archive", this::put);
    }

    private static String path(Request request) {
        String path =
                request.query().value("path").orElseThrow(() -> Problem.invalid("bad parameter: path cannot be empty"));
        if (path.indexOf('\0') >= 0) {
            throw Problem.invalid("bad parameter: path has a NUL byte in it");
        }
        for (String name : path.split("/")) {
            if (name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME) {
                throw Problem.invalid(
                        "bad parameter: path has a file name of more than " + LONGEST_NAME + " bytes in it");
            }
        }
        return path;
    }

    /** What went wrong with a path is the client's to know. */
    private static Problem told(IOException e, String path, String container) {
        if (e instanceof NoSuchFileException) {
            return Problem.missing("Could not find the file " + path + " in container " + container);
        }
        if (e instanceof NotDirectoryException) {
            return Problem.invalid("not a directory: " + path);
        }
        if (e instanceof FileSystemLoopException
                || e instanceof LayerException
                || e instanceof DocumentException
                || e instanceof EOFException) {
            return Problem.invalid(String.valueOf(e.getMessage()));
        }
        String why = e instanceof FileSystemException f && f.getReason() != null ? f.getReason() : e.getMessage();
        return new Problem(500, "copying " + path + ": " + why);
    }

    // ---- out of the container

    private Answer stat(Agent agent, Request request) {
        Container c = ContainerLookup.get(agent.host(), request.name());
        String path = path(request);
        return Answer.later(request.work(Leaving.aware(agent, c, () -> {
            try {
                return files.visit(agent, c, root -> {
                    try (Place place = Place.find(root, path)) {
                        return Answer.empty(200).with(STAT, place.stat(root));
                    }
                });
            } catch (IOException e) {
                throw told(e, path, request.name());
            }
        })));
    }

    private Answer get(Agent agent, Request request) {
        Container c = ContainerLookup.get(agent.host(), request.name());
        String path = path(request);
        TarAnswer answer = new TarAnswer(request);
        return answer.after(Leaving.aware(agent, c, () -> {
            try {
                return files.visit(agent, c, root -> {
                    Place place = Place.find(root, path);
                    String header;
                    try {
                        header = place.stat(root);
                    } catch (IOException | RuntimeException e) {
                        place.close();
                        throw e;
                    }
                    agent.submit(new ContainerCommand.Note(c.id(), "archive-path", Map.of()), request.cause());
                    // The packer closes the directory that the place holds.
                    String as = place.node().isDirectory() ? place.base() : place.name();
                    try (InputStream tar = Packer.part(place.dir(), place.name(), as)) {
                        answer.send(Map.of(STAT, header), tar);
                    }
                    return c;
                });
            } catch (IOException e) {
                throw told(e, path, request.name());
            }
        }));
    }

    // ---- into the container

    private Answer put(Agent agent, Request request) {
        Container c = ContainerLookup.get(agent.host(), request.name());
        String path = path(request);
        boolean keepsKinds = request.query().flag("noOverwriteDirNonDir", false);
        boolean own = request.query().flag("copyUIDGID", false);
        return Answer.later(request.transfer(Leaving.aware(agent, c, () -> {
                    try {
                        return files.visit(agent, c, root -> {
                            String below = destination(root, path);
                            refuseReadOnly(c, "/" + below);
                            Optional<Owner> owner =
                                    own && !c.spec().command().user().isEmpty()
                                            ? Optional.of(new Accounts(root)
                                                    .of(c.spec().command().user()))
                                            : Optional.empty();
                            turns.take(
                                    c.id(), () -> unpack(root, new Guest(below, keepsKinds, owner), request.stream()));
                            return Answer.empty(200);
                        });
                    } catch (IOException e) {
                        throw told(e, path, request.name());
                    }
                }))
                .thenCompose(
                        Notes.first(agent, request, new ContainerCommand.Note(c.id(), "extract-to-dir", Map.of()))));
    }

    private static void unpack(Dir root, Guest guest, InputStream body) throws IOException {
        InputStream tar = Packed.unpack(body);
        try (Unpacker unpacker = new Unpacker(root, guest, Limits.DEFAULT)) {
            unpacker.unpack(tar);
        } finally {
            Packed.done(tar);
        }
    }

    /** The directory to unpack into, every link followed, as a path without links. */
    private static String destination(Dir root, String path) throws IOException {
        try (Dir dir = root.resolve(Place.clean(path))) {
            String found = Place.pathIn(root, dir);
            return found.startsWith("/") ? found.substring(1) : found;
        } catch (NotDirectoryException e) {
            throw Problem.invalid("extraction point is not a directory");
        }
    }

    /** A root file system that is only read takes nothing, but volumes on it do. */
    private static void refuseReadOnly(Container c, String path) throws DriverException {
        Optional<MountSpec> over = c.spec().mounts().stream()
                .filter(m -> path.equals(m.target()) || path.startsWith(m.target() + "/"))
                .max(Comparator.comparingInt(m -> m.target().length()));
        if (over.isPresent() && over.get().readOnly()) {
            throw Problem.invalid("mounted volume is marked read-only");
        }
        if (over.isEmpty() && c.spec().security().readOnlyRootfs()) {
            throw Problem.invalid("container rootfs is marked read-only");
        }
    }
}
