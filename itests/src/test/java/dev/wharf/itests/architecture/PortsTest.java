package dev.wharf.itests.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.spi.Driver;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Executable;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.net.URI;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Version;

/**
 * The ports as drivers see them, written down in {@code core-runtime/spi/api.txt}. There is no release to baseline against
 * yet, so the file is the baseline: whoever changes a port changes the file, and sees in the same commit what that means for
 * drivers that were built before. Once its first line names a release, a package that grows needs a higher minor version and
 * one that changes a higher major one. {@code -Dwharf.api.write=true} writes it anew.
 */
class PortsTest {
    private static final Path FILE = Path.of("../core-runtime/spi/api.txt");
    private static final String RELEASED = "# released: ";

    @Test
    void thePortsAreAsTheyAreWrittenDown() throws Exception {
        Map<String, Set<String>> now = api();
        List<String> old = Files.exists(FILE) ? Files.readAllLines(FILE) : List.of(RELEASED + "none");
        if (!old.get(0).equals(RELEASED + "none")) {
            assertVersionsGrow(parse(old), now);
        }
        String text = old.get(0) + "\n" + text(now);
        if (Boolean.getBoolean("wharf.api.write")) {
            Files.writeString(FILE, text);
            return;
        }
        assertThat(String.join("\n", old) + "\n")
                .as("ports of drivers; -Dwharf.api.write=true writes them down anew")
                .isEqualTo(text);
    }

    private static void assertVersionsGrow(Map<String, Set<String>> old, Map<String, Set<String>> now) {
        old.forEach((title, members) -> {
            String name = title.split(" ")[1];
            Version was = new Version(title.split(" ")[2]);
            String present = now.keySet().stream()
                    .filter(t -> t.split(" ")[1].equals(name))
                    .findFirst()
                    .orElseThrow(() -> new AssertionError("package " + name + " is gone"));
            Version is = new Version(present.split(" ")[2]);
            if (!now.get(present).containsAll(members)) {
                assertThat(is.getMajor()).as("major version of " + name).isGreaterThan(was.getMajor());
            } else if (!members.containsAll(now.get(present))) {
                assertThat(is).as("version of " + name).isGreaterThan(was);
            }
        });
    }

    private static Map<String, Set<String>> parse(List<String> lines) {
        Map<String, Set<String>> packages = new TreeMap<>();
        Set<String> members = new TreeSet<>();
        for (String line : lines) {
            if (line.startsWith("package ")) {
                members = new TreeSet<>();
                packages.put(line, members);
            } else if (!line.startsWith("#") && !line.isBlank()) {
                members.add(line.strip());
            }
        }
        return packages;
    }

    private static String text(Map<String, Set<String>> api) {
        StringBuilder text = new StringBuilder();
        api.forEach((title, members) -> {
            text.append('\n').append(title).append('\n');
            members.forEach(member -> text.append("  ").append(member).append('\n'));
        });
        return text.toString();
    }

    private static Map<String, Set<String>> api() throws Exception {
        URI at =
                Driver.class.getProtectionDomain().getCodeSource().getLocation().toURI();
        if (Files.isDirectory(Path.of(at))) {
            return api(Path.of(at));
        }
        try (FileSystem jar = FileSystems.newFileSystem(Path.of(at))) {
            return api(jar.getPath("/"));
        }
    }

    /** The version is only in what the bundle says that it exports. */
    private static String version(String exported, String name) {
        Matcher version = Pattern.compile("(?:^|,)" + Pattern.quote(name) + ";[^,]*?version=\"([^\"]+)\"")
                .matcher(exported.replaceAll("uses:=\"[^\"]*\";?", ""));
        assertThat(version.find()).as("exported version of " + name).isTrue();
        return version.group(1);
    }

    private static Map<String, Set<String>> api(Path root) throws Exception {
        String exported;
        try (InputStream in = Files.newInputStream(root.resolve("META-INF/MANIFEST.MF"))) {
            exported = new Manifest(in).getMainAttributes().getValue("Export-Package");
        }
        Map<String, Set<String>> packages = new TreeMap<>();
        for (Class<?> type : types(root)) {
            if (!Modifier.isPublic(type.getModifiers()) || !isReachable(type)) continue;
            String title = "package " + type.getPackageName() + " " + version(exported, type.getPackageName());
            Set<String> members = packages.computeIfAbsent(title, key -> new TreeSet<>());
            members.add(type.toGenericString()
                    + (type.getGenericSuperclass() == null || type.getSuperclass() == Object.class
                            ? ""
                            : " extends " + type.getGenericSuperclass().getTypeName())
                    + Arrays.stream(type.getGenericInterfaces())
                            .map(i -> " implements " + i.getTypeName())
                            .sorted()
                            .reduce("", String::concat));
            Stream.<Executable>concat(
                            Arrays.stream(type.getDeclaredMethods()), Arrays.stream(type.getDeclaredConstructors()))
                    .filter(e -> isOpen(e.getModifiers()) && !e.isSynthetic())
                    .forEach(e -> members.add(e.toGenericString()));
            for (Field field : type.getDeclaredFields()) {
                if (isOpen(field.getModifiers()) && !field.isSynthetic()) members.add(field.toGenericString());
            }
        }
        return packages;
    }

    private static boolean isReachable(Class<?> type) {
        return type.getDeclaringClass() == null
                || Modifier.isPublic(type.getDeclaringClass().getModifiers());
    }

    private static boolean isOpen(int modifiers) {
        return Modifier.isPublic(modifiers) || Modifier.isProtected(modifiers);
    }

    private static List<Class<?>> types(Path root) throws IOException, ClassNotFoundException {
        List<Class<?>> types = new ArrayList<>();
        try (Stream<Path> files = Files.walk(root)) {
            for (Path file : files.sorted().toList()) {
                String name = root.relativize(file).toString().replace('/', '.');
                if (name.endsWith(".class")
                        && name.startsWith("dev.wharf.spi.")
                        && !name.endsWith("package-info.class")) {
                    types.add(Class.forName(name.substring(0, name.length() - ".class".length())));
                }
            }
        }
        return types;
    }
}
