package dev.wharf.launch;

import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;

/** The texts in the launcher's jar; the build has written its versions into them. */
final class Texts {
    private Texts() {}

    static String usage() {
        return read("usage.txt");
    }

    static String version() {
        return read("version.txt");
    }

    /** What the framework is told at every start. */
    static Map<String, String> framework() {
        try {
            return properties(read("framework.properties"));
        } catch (IOException e) {
            throw new UncheckedIOException("framework.properties in the launcher's jar is damaged", e);
        }
    }

    /** A text of {@code key = value} lines as a map that may be added to. */
    static Map<String, String> properties(String text) throws IOException {
        Properties properties = new Properties();
        properties.load(new StringReader(text));
        Map<String, String> map = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> map.put(name, properties.getProperty(name)));
        return map;
    }

    private static String read(String resource) {
        try (InputStream in = Texts.class.getResourceAsStream(resource)) {
            if (in == null) throw new IllegalStateException("the launcher's jar lacks " + resource);
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).stripTrailing();
        } catch (IOException e) {
            throw new UncheckedIOException("cannot read " + resource + " from the launcher's jar", e);
        }
    }
}
