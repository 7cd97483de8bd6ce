package dev.wharf.jolokia;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.osgi.framework.Bundle;

/**
 * Loads Jolokia and what knows it from jars unpacked into the bundle's own files, over nothing but the JDK. Jolokia makes addresses out of the text of those
 * that a class loader gives it, which a bundle's do not survive. What was loaded goes with the annexe.
 */
final class Annexe extends URLClassLoader {
    private static final String JARS = "lib";
    private static final String DOOR = "dev.wharf.jolokia.door.";
    private static final String LOGGING = "org.slf4j.";

    private final ClassLoader bundle;

    private Annexe(URL[] jars, ClassLoader bundle) {
        super("jolokia", jars, ClassLoader.getPlatformClassLoader());
        this.bundle = bundle;
    }

    static Annexe open(Bundle bundle, Path scratch) throws IOException {
        Files.createDirectories(scratch);
        List<URL> jars = new ArrayList<>();
        for (String entry : Collections.list(bundle.getEntryPaths(JARS))) {
            Path jar = scratch.resolve(entry.substring(JARS.length() + 1));
            try (InputStream content = bundle.getEntry(entry).openStream()) {
                Files.copy(content, jar, StandardCopyOption.REPLACE_EXISTING);
            }
            jars.add(jar.toUri().toURL());
        }
        return new Annexe(jars.toArray(URL[]::new), Annexe.class.getClassLoader());
    }

    /** The door stands in the bundle's jar, but has to be loaded where Jolokia is. */
    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (name.startsWith(LOGGING)) {
            return bundle.loadClass(name);
        }
        if (!name.startsWith(DOOR)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> known = findLoadedClass(name);
            return known == null ? define(name) : known;
        }
    }

    /** What lies beside the door's classes lies in the bundle as well. */
    @Override
    public InputStream getResourceAsStream(String name) {
        return name.startsWith(DOOR.replace('.', '/'))
                ? bundle.getResourceAsStream(name)
                : super.getResourceAsStream(name);
    }

    private Class<?> define(String name) throws ClassNotFoundException {
        try (InputStream content = bundle.getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (content == null) {
                throw new ClassNotFoundException(name);
            }
            byte[] bytes = content.readAllBytes();
            return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }
}
