package dev.wharf.launch;

import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.osgi.framework.Bundle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Links the classes that were only loaded, for {@code wharf-install-cds}: of what loaders such as the bundles' have loaded the JVM
 * archives only what is linked (linking_required in HotSpot's metaspaceShared.cpp), and a sixth of what a start loads is not, as it is
 * only named or caught.
 */
final class Linking {
    private static final Logger log = LoggerFactory.getLogger(Linking.class);

    /** A line that {@code -Xlog:class+load:file=FILE:none} writes of a class that came out of a file. */
    private static final Pattern LOADED = Pattern.compile("(\\S+) source: file:\\S*/(\\S+)");

    private Linking() {}

    /** Links every class named in {@code loaded}, in the bundle that it came out of: the JVM archives none that two have. */
    static void link(List<Bundle> bundles, Path loaded) {
        int linked = 0;
        try {
            for (String line : Files.readAllLines(loaded)) {
                Matcher matcher = LOADED.matcher(line);
                if (matcher.matches()) {
                    linked += link(bundles, matcher.group(1), matcher.group(2));
                }
            }
        } catch (IOException e) {
            log.warn("cannot read which classes were loaded file={} reason={}", loaded, Reason.of(e));
        }
        log.info("classes are linked count={}", linked);
    }

    private static int link(List<Bundle> bundles, String name, String jar) {
        String file = name.replace('.', '/') + ".class";
        int linked = 0;
        for (Bundle bundle : bundles) {
            if (bundle.getBundleId() != 0
                    && bundle.getLocation().endsWith("/" + jar)
                    && bundle.getEntry(file) != null) {
                try {
                    // Asked for its methods, the JVM links a class, and initializes nothing.
                    Method[] methods = bundle.loadClass(name).getDeclaredMethods();
                    log.trace("linked class={} methods={}", name, methods.length);
                    linked++;
                } catch (ClassNotFoundException | LinkageError e) {
                    log.debug("not linked class={} reason={}", name, e.toString());
                }
            }
        }
        return linked;
    }
}
