package dev.wharf.shell;

import java.io.IOException;
import java.nio.file.Path;
import org.apache.felix.service.command.CommandProcessor;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens the shell's door in the exec root while there is a command processor. */
@Component(
        service = {},
        immediate = true)
public final class ShellComponent {
    private static final Logger LOG = LoggerFactory.getLogger(ShellComponent.class);

    private final ShellDoor door;

    @Activate
    public ShellComponent(BundleContext context, @Reference CommandProcessor processor) throws IOException {
        String execRoot = context.getProperty("wharf.exec.root");
        if (execRoot == null) throw new IOException("the framework property wharf.exec.root is not set");
        door = ShellDoor.open(processor, Path.of(execRoot).resolve("shell.sock"));
    }

    @Deactivate
    void close() {
        try {
            door.close();
        } catch (IOException e) {
            LOG.warn("shell socket left behind reason={}", e.getMessage());
        }
    }
}
