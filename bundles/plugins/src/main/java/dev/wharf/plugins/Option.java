package dev.wharf.plugins;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigDecimal;
import java.net.URL;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import java.util.Optional;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.osgi.framework.Bundle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * One option of a bundle, as its Metatype description has it (OSGi Compendium 105). The few attributes that are needed are
 * read here rather than by a bundle of the framework's, which would come with a log service of its own.
 *
 * @param key as in the file; one that ends with {@code .HOST} is an option for each host
 * @param allowed the only values there are, or none for any
 */
record Option(String key, String type, boolean several, String min, String max, List<String> allowed) {
    private static final Logger log = LoggerFactory.getLogger(Option.class);
    private static final String ANY = "HOST";

    Option {
        allowed = List.copyOf(allowed);
    }

    /** The options of a PID that a bundle describes. */
    static List<Option> of(Bundle bundle, String pid) {
        List<Option> options = new ArrayList<>();
        Enumeration<URL> files = bundle.findEntries("OSGI-INF/metatype", "*.xml", false);
        for (URL file : files == null ? List.<URL>of() : Collections.list(files)) {
            try (InputStream in = file.openStream()) {
                DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
                factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
                options.addAll(of(factory.newDocumentBuilder().parse(in).getDocumentElement(), pid));
            } catch (IOException | SAXException | ParserConfigurationException e) {
                log.warn("settings of a bundle cannot be read file={} reason={}", file, e.toString());
            }
        }
        return options;
    }

    private static List<Option> of(Element description, String pid) {
        if (elements(description, "Designate").stream()
                .noneMatch(d -> d.getAttribute("pid").equals(pid))) {
            return List.of();
        }
        return elements(description, "AD").stream()
                .map(ad -> new Option(
                        ad.getAttribute("id"),
                        ad.getAttribute("type"),
                        !ad.getAttribute("cardinality").isEmpty()
                                && !ad.getAttribute("cardinality").equals("0"),
                        ad.getAttribute("min"),
                        ad.getAttribute("max"),
                        elements(ad, "Option").stream()
                                .map(o -> o.getAttribute("value"))
                                .toList()))
                .toList();
    }

    private static List<Element> elements(Element parent, String tag) {
        NodeList nodes = parent.getElementsByTagName(tag);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }

    /** Whether a key in a file is this option. */
    boolean isOf(String written) {
        return written.equals(key)
                || (key.endsWith("." + ANY) && written.startsWith(key.substring(0, key.length() - ANY.length())));
    }

    /** A value for people; secrets stay secret. */
    String shown(Object value) {
        return type.equals("Password") ? "(secret)" : String.valueOf(value);
    }

    /** Why a value may not be, in words. */
    Optional<String> trouble(Object value) {
        List<Object> values = new ArrayList<>();
        if (value instanceof Object[] array) {
            values.addAll(Arrays.asList(array));
        } else if (value instanceof Collection<?> collection) {
            values.addAll(collection);
        } else if (several) {
            values.addAll(Arrays.asList(value.toString().split(",", -1)));
        } else {
            values.add(value);
        }
        return values.stream()
                .flatMap(one -> trouble(String.valueOf(one).strip()).stream())
                .findFirst();
    }

    private Optional<String> trouble(String text) {
        if (!allowed.isEmpty() && !allowed.contains(text)) {
            return Optional.of("expected one of " + String.join(", ", allowed));
        }
        return switch (type) {
            case "Integer", "Long", "Short", "Byte" -> number(text);
            case "Double", "Float" ->
                fits(text, "[-+]?[0-9]+([.][0-9]+)?", "expected a number").or(() -> bounds(new BigDecimal(text)));
            case "Boolean" -> fits(text, "true|false", "expected true or false");
            default -> Optional.empty();
        };
    }

    private static Optional<String> fits(String text, String form, String otherwise) {
        return text.matches(form) ? Optional.empty() : Optional.of(otherwise);
    }

    private Optional<String> number(String text) {
        try {
            return bounds(BigDecimal.valueOf(type.equals("Long") ? Long.parseLong(text) : Integer.parseInt(text)));
        } catch (NumberFormatException e) {
            return Optional.of("expected a whole number");
        }
    }

    private Optional<String> bounds(BigDecimal number) {
        if (!min.isEmpty() && number.compareTo(new BigDecimal(min)) < 0) {
            return Optional.of("expected at least " + min);
        }
        return !max.isEmpty() && number.compareTo(new BigDecimal(max)) > 0
                ? Optional.of("expected at most " + max)
                : Optional.empty();
    }
}
