package dev.wharf.launch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** The daemon's front gate: options in, a running framework out, and an exit status at the end. */
public final class Wharfd {
    private static final int OK = 0;
    private static final int FAILED = 1;
    private static final int MISUSED = 2;

    private Wharfd() {}

    /** Runs the daemon until it is told to stop, and ends the process. */
    public static void main(String[] words) {
        // Not System.exit: the framework has stopped in good order by now, and nothing else is worth waiting for.
        Runtime.getRuntime().halt(run(words));
    }

    private static int run(String[] words) {
        try {
            Options options = Options.parse(words);
            return switch (options.wish()) {
                case HELP -> print(Texts.usage());
                case VERSION -> print("wharfd " + Texts.version());
                case SERVE -> serve(options);
            };
        } catch (Misuse e) {
            System.err.println("wharfd: " + e.getMessage() + " (wharfd --help shows the options)");
            return MISUSED;
        } catch (CannotStart e) {
            System.err.println("wharfd: " + e.getMessage());
            return FAILED;
        } catch (RuntimeException | Error e) {
            // A fault of our own: without this the bundles' threads would keep a process that nobody leads any more.
            e.printStackTrace();
            return FAILED;
        }
    }

    private static int print(String text) {
        System.out.println(text);
        System.out.flush();
        return OK;
    }

    private static int serve(Options options) throws CannotStart {
        if (!isRoot()) {
            throw new CannotStart("must run as root: it mounts filesystems and makes namespaces; try sudo wharfd");
        }
        try (Claim data = Claim.alone(options.dataRoot(), "--data-root");
                Claim exec = Claim.on(options.execRoot(), "--exec-root");
                PidFile pid = PidFile.write(options.pidFile())) {
            return new House(options).live();
        }
    }

    private static boolean isRoot() {
        try {
            return Files.getAttribute(Path.of("/proc/self"), "unix:uid").equals(0);
        } catch (IOException e) {
            return false; // No /proc: whoever we are, nothing will work here.
        }
    }
}
