package dev.wharf.registry.layout;

import dev.wharf.spi.registry.RegistryBackend;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.Designate;

/**
 * Wires the backend into the framework. Configuration, PID {@code dev.wharf.registry.layout}, read live: {@code root}, a
 * directory, by default {@code <data root>/layouts}; {@code hosts}, separated by commas, none by default.
 */
@Component(
        service = RegistryBackend.class,
        configurationPid = "dev.wharf.registry.layout",
        property = {
            "wharf.name=layout",
            "wharf.formats=oci-layout 1",
            // Asked before the registries that can be reached by network, which would answer for everything.
            "service.ranking:Integer=100"
        })
@Designate(ocd = LayoutSettings.class)
public final class LayoutComponent extends LayoutBackend {
    private final BundleContext framework;
    private final AtomicReference<Settings> current;

    @Activate
    public LayoutComponent(BundleContext framework, Map<String, Object> configuration) {
        this(framework, new AtomicReference<>(settings(framework, configuration)));
    }

    private LayoutComponent(BundleContext framework, AtomicReference<Settings> current) {
        super(current::get);
        this.framework = framework;
        this.current = current;
    }

    /** Takes a changed configuration; calls that are on their way end under the old one. */
    @Modified
    public void changed(Map<String, Object> configuration) {
        current.set(settings(framework, configuration));
    }

    private static Settings settings(BundleContext framework, Map<String, Object> configuration) {
        String dataRoot = framework.getProperty("wharf.data.root");
        Object root = configuration.get("root");
        Path folder = root == null || root.toString().isBlank()
                ? Path.of(dataRoot == null ? "/var/lib/wharf" : dataRoot, "layouts")
                : Path.of(root.toString().strip());
        return new Settings(folder, words(configuration.get("hosts")));
    }

    /** A list as configuration has it: an array, a collection, or one text with commas. */
    private static Set<String> words(@Nullable Object value) {
        Set<String> words = new TreeSet<>();
        if (value instanceof Object[] array) {
            Arrays.stream(array).forEach(element -> words.addAll(words(element)));
        } else if (value instanceof Collection<?> collection) {
            collection.forEach(element -> words.addAll(words(element)));
        } else if (value != null) {
            Arrays.stream(value.toString().split("[,\\s]+"))
                    .filter(word -> !word.isEmpty())
                    .forEach(words::add);
        }
        return words;
    }
}
