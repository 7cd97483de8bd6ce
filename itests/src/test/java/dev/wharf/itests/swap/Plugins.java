package dev.wharf.itests.swap;

import aQute.bnd.osgi.Builder;
import aQute.bnd.osgi.Jar;
import dev.wharf.itests.daemon.Daemon;
import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;

/** Bundles for a plugins folder, made by the test itself. */
final class Plugins {
    private static final String CANDIDATES = "dev.wharf.itests.swap.candidates";

    private final Path folder;
    private final Path workshop;

    /** @param home a distribution of the test's own */
    Plugins(Path home, Path workshop) {
        this.folder = home.resolve("plugins");
        this.workshop = workshop;
    }

    /** A bundle with one component; {@code headers} add to what the build tool writes. */
    Path candidate(Class<?> component, Map<String, String> headers) throws Exception {
        Path jar = workshop.resolve(component.getSimpleName() + ".jar");
        try (Builder builder = new Builder()) {
            builder.addClasspath(new File(component
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toURI()));
            for (String element : System.getProperty("java.class.path").split(File.pathSeparator)) {
                if (element.contains("dev.wharf") || element.contains("core-runtime")) {
                    builder.addClasspath(new File(element));
                }
            }
            builder.setProperty("Bundle-SymbolicName", "planted." + component.getSimpleName());
            builder.setProperty("Bundle-Version", "1.0.0");
            builder.setProperty("Private-Package", CANDIDATES);
            builder.setProperty("-dsannotations", component.getName());
            headers.forEach(builder::setProperty);
            try (Jar made = builder.build()) {
                if (!builder.getErrors().isEmpty()) throw new AssertionError(builder.getErrors());
                made.write(jar.toFile());
            }
        }
        return jar;
    }

    /** A shipped bundle with a further file in it: another file, another digest, the same driver. */
    Path variant(String name, String mark) throws IOException {
        Path jar = workshop.resolve(name);
        Files.copy(Daemon.distribution().resolve("plugins").resolve(name), jar, StandardCopyOption.REPLACE_EXISTING);
        try (FileSystem zip = FileSystems.newFileSystem(jar)) {
            Files.writeString(zip.getPath("variant.txt"), mark);
        }
        return jar;
    }

    /** Puts it there in one piece, as {@code mv} does. */
    void drop(Path jar, String name) throws IOException {
        Path near = Files.copy(jar, folder.resolve("." + name + ".tmp"), StandardCopyOption.REPLACE_EXISTING);
        Files.move(near, folder.resolve(name), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Writes it where it is to be, in three parts with a pause after each. */
    void drip(Path jar, String name, Duration pause) throws IOException, InterruptedException {
        byte[] whole = Files.readAllBytes(jar);
        try (OutputStream file = Files.newOutputStream(folder.resolve(name))) {
            for (int part = 0; part < 3; part++) {
                file.write(Arrays.copyOfRange(whole, whole.length * part / 3, whole.length * (part + 1) / 3));
                Thread.sleep(pause.toMillis());
            }
        }
    }

    /** Leaves the first half of a file, as a disk that is full does. */
    void damage(String name) throws IOException {
        Path file = folder.resolve(name);
        byte[] whole = Files.readAllBytes(file);
        Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    }

    void remove(String name) throws IOException {
        Files.deleteIfExists(folder.resolve(name));
    }
}
