package dev.wharf.linux.file;

import static dev.wharf.linux.libc.LibC.O_CLOEXEC;
import static dev.wharf.linux.libc.LibC.O_DIRECTORY;
import static dev.wharf.linux.libc.LibC.O_RDONLY;

import dev.wharf.linux.libc.CString;
import dev.wharf.linux.libc.Errno;
import dev.wharf.linux.libc.LibC;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Tree;
import java.io.IOException;
import java.nio.file.Path;
import org.osgi.service.component.annotations.Component;

/** Directories by their descriptors. Holds no state. */
@Component(service = Tree.class)
public final class LinuxTree implements Tree {
    private final LibC libc = LibC.get();

    @Override
    public Dir open(Path directory) throws IOException {
        return new LinuxDir(Errno.check(
                libc.open(CString.of(directory), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0), "open", directory));
    }
}
