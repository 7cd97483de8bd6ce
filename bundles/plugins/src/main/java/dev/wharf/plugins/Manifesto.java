package dev.wharf.plugins;

import dev.wharf.model.DriverId;
import dev.wharf.model.DriverKind;
import dev.wharf.model.DriverName;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.SAXException;

/**
 * What a bundle says of itself before any of it runs, so that one that cannot even be resolved is named in the journal by the
 * drivers it would have brought.
 *
 * @param implementation {@code bundle/version}
 */
record Manifesto(String implementation, List<DriverId> drivers) {
    private static final Map<String, DriverKind> PORTS = Map.of(
            "dev.wharf.spi.storage.StorageDriver", DriverKind.STORAGE,
            "dev.wharf.spi.network.NetworkDriver", DriverKind.NETWORK,
            "dev.wharf.spi.registry.RegistryBackend", DriverKind.REGISTRY,
            "dev.wharf.spi.runtime.OciRuntime", DriverKind.RUNTIME);

    Manifesto {
        drivers = List.copyOf(drivers);
    }

    /** Reads a jar; an {@link IOException} says why it is no bundle. */
    static Manifesto of(Path file) throws IOException {
        try (JarFile jar = new JarFile(file.toFile(), false)) {
            Manifest manifest = jar.getManifest();
            String name = header(manifest, "Bundle-SymbolicName")
                    .orElseThrow(() ->
                            new IOException("its manifest names no Bundle-SymbolicName, so it is no OSGi bundle"));
            List<DriverId> drivers = new ArrayList<>();
            for (String path : header(manifest, "Service-Component").orElse("").split(",")) {
                ZipEntry entry = jar.getEntry(path.strip());
                if (entry != null && !entry.isDirectory()) {
                    try (InputStream in = jar.getInputStream(entry)) {
                        drivers.addAll(drivers(in));
                    }
                }
            }
            return new Manifesto(
                    name.split(";")[0].strip() + "/"
                            + header(manifest, "Bundle-Version").orElse("0.0.0"),
                    drivers);
        }
    }

    private static Optional<String> header(Manifest manifest, String name) {
        return Optional.ofNullable(manifest).map(m -> m.getMainAttributes().getValue(name));
    }

    private static List<DriverId> drivers(InputStream description) throws IOException {
        try {
            DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
            factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            Document document = factory.newDocumentBuilder().parse(description);
            Optional<DriverName> name = elements(document, "property").stream()
                    .filter(p -> p.getAttribute("name").equals("wharf.name"))
                    .map(p -> p.getAttribute("value"))
                    .filter(v -> !v.isBlank())
                    .map(DriverName::new)
                    .findFirst();
            return name.isEmpty()
                    ? List.of()
                    : elements(document, "provide").stream()
                            .flatMap(p -> Optional.ofNullable(PORTS.get(p.getAttribute("interface"))).stream())
                            .map(kind -> new DriverId(kind, name.get()))
                            .toList();
        } catch (SAXException | ParserConfigurationException | IllegalArgumentException e) {
            throw new IOException("its component description cannot be read: " + e.getMessage(), e);
        }
    }

    private static List<Element> elements(Document document, String tag) {
        NodeList nodes = document.getElementsByTagName(tag);
        List<Element> elements = new ArrayList<>();
        for (int i = 0; i < nodes.getLength(); i++) {
            elements.add((Element) nodes.item(i));
        }
        return elements;
    }
}
