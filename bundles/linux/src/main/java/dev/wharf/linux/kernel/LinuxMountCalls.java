package dev.wharf.linux.kernel;

import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.MountCalls;
import java.io.IOException;
import java.nio.file.Path;
import org.osgi.service.component.annotations.Component;

/** Mounts for others. Holds no state. */
@Component(service = MountCalls.class)
public final class LinuxMountCalls implements MountCalls {
    private final Mounter mounter = new Mounter();

    @Override
    public void mount(Mount mount, Path target) throws IOException {
        mounter.mount(mount, target);
    }

    @Override
    public void unmount(Path target) throws IOException {
        mounter.unmountAll(target);
    }
}
