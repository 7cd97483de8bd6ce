package dev.wharf.plugins;

import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.BundleWiring;

/** Finds threads that a bundle started and left running. */
final class Threads {
    private Threads() {}

    /** The packages whose classes a bundle has itself. */
    static Set<String> ownPackages(Bundle bundle) {
        BundleWiring wiring = bundle.adapt(BundleWiring.class);
        Set<String> packages = new HashSet<>();
        if (wiring != null) {
            for (String path : wiring.listResources(
                    "/", "*.class", BundleWiring.LISTRESOURCES_RECURSE | BundleWiring.LISTRESOURCES_LOCAL)) {
                int slash = path.lastIndexOf('/');
                packages.add(slash < 0 ? "" : path.substring(0, slash).replace('/', '.'));
            }
        }
        return packages;
    }

    /**
     * The threads whose outermost code is of these packages, after they were given some time and then interrupted.
     *
     * @param others threads that are somebody else's, whatever they run: of a newer bundle with classes of the same names
     */
    static List<Thread> leftBehind(Set<String> packages, Set<Thread> others, Duration patience) {
        if (packages.isEmpty()) {
            return List.of();
        }
        List<Thread> left = await(packages, others, patience);
        left.forEach(Thread::interrupt);
        return left.isEmpty() ? left : await(packages, others, patience);
    }

    private static List<Thread> await(Set<String> packages, Set<Thread> others, Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        while (true) {
            List<Thread> left = running(packages, others);
            if (left.isEmpty() || System.nanoTime() > end) {
                return left;
            }
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return left;
            }
        }
    }

    private static List<Thread> running(Set<String> packages, Set<Thread> others) {
        return Thread.getAllStackTraces().entrySet().stream()
                .filter(t -> t.getKey().isAlive() && !others.contains(t.getKey()) && begunBy(t, packages))
                .map(Map.Entry::getKey)
                .toList();
    }

    /** Whether the outermost frame that is not the JDK's is of one of the packages. */
    private static boolean begunBy(Map.Entry<Thread, StackTraceElement[]> thread, Set<String> packages) {
        StackTraceElement[] frames = thread.getValue();
        for (int i = frames.length - 1; i >= 0; i--) {
            String name = frames[i].getClassName();
            if (!name.startsWith("java.") && !name.startsWith("jdk.") && !name.startsWith("sun.")) {
                int dot = name.lastIndexOf('.');
                return packages.contains(dot < 0 ? "" : name.substring(0, dot));
            }
        }
        return false;
    }
}
