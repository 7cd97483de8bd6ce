package dev.wharf.engine.archive;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.state.Container;
import dev.wharf.spi.DriverException;
import java.io.IOException;
import java.util.regex.Pattern;

/** Whether a container's own passwd(5) and group(5) know a user, as they are now. */
public final class KnownUsers {
    private static final Pattern NUMBERS = Pattern.compile("[0-9]*(:[0-9]*)?");

    private final ContainerFiles files;

    public KnownUsers(Trees trees) {
        this.files = new ContainerFiles(trees);
    }

    /** Whether it takes a look into files to know a user: one of numbers need not be known to any. */
    public static boolean isNamed(String user) {
        return !NUMBERS.matcher(user).matches();
    }

    /** 400 where a name is in neither file. */
    public void check(Agent agent, Container c, String user) throws IOException, DriverException {
        files.visit(agent, c, root -> new Accounts(root).of(user));
    }
}
