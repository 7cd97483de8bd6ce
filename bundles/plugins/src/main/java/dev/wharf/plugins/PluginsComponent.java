package dev.wharf.plugins;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.PluginStore;
import java.nio.file.Path;
import java.time.Duration;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;

/** Watches the plugins folder while the framework runs. It begins without the agent, which waits for drivers itself. */
@Component(service = PluginStore.class, immediate = true)
public final class PluginsComponent implements PluginStore {
    private final PluginFolder folder;

    @Activate
    public PluginsComponent(BundleContext context) {
        folder = new PluginFolder(
                context,
                Path.of(property(context, "wharf.plugins.dir")),
                new Shelf(Path.of(property(context, "wharf.data.root")).resolve("plugins")),
                patience(context));
        folder.open();
    }

    private static String property(BundleContext context, String name) {
        String value = context.getProperty(name);
        if (value == null) {
            throw new IllegalStateException("the framework property " + name + " is not set");
        }
        return value;
    }

    /** As long as a driver has for an answer: {@code wharf.driver.interview}, such as {@code 10s}. */
    private static Duration patience(BundleContext context) {
        String text = context.getProperty("wharf.driver.interview");
        return text != null && text.matches("[1-9][0-9]{0,5}s")
                ? Duration.ofSeconds(Long.parseLong(text.substring(0, text.length() - 1)))
                : Duration.ofSeconds(10);
    }

    @Reference(cardinality = ReferenceCardinality.OPTIONAL, policy = ReferencePolicy.DYNAMIC, unbind = "removeAgent")
    void setAgent(Agent agent) {
        folder.tell(agent);
    }

    void removeAgent(Agent agent) {
        folder.forget(agent);
    }

    @Deactivate
    void close() {
        folder.close();
    }

    @Override
    public boolean bringBack(String implementation, boolean lasting) {
        return folder.bringBack(implementation, lasting);
    }
}
