package dev.wharf.plugins;

import dev.wharf.core.agent.Refusals;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.cm.ConfigurationPlugin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between Config Admin and every component: a setting that is of the wrong type, out of its bounds or not among its
 * options, as its bundle's Metatype describes them, never arrives. The value before stays, or where there was none the usual
 * one, and the log says why.
 */
@Component(
        service = {ConfigurationPlugin.class, ConfigurationListener.class, Refusals.class, SettingsGuard.class},
        immediate = true,
        property = {
            // Config Admin takes changes from plugins of these ranks only (Configuration Admin specification, 104.9.2).
            "service.cmRanking:Integer=500",
            "osgi.command.scope=wharf",
            "osgi.command.function=settings"
        })
public final class SettingsGuard implements ConfigurationPlugin, ConfigurationListener, Refusals {
    private static final Logger log = LoggerFactory.getLogger(SettingsGuard.class);

    /** Keys that come with a configuration and are nobody's setting. */
    private static final List<String> OTHERS = List.of("service.", "felix.", "component.", "wharf.", ".");

    private final BundleContext context;

    /** The last settings of each PID that were let through. */
    private final Map<String, Map<String, Object>> good = new HashMap<>();

    /** What was refused of each PID, and why. */
    private final Map<String, List<String>> refused = new TreeMap<>();

    /** The bundle that describes each PID. */
    private final Map<String, String> owners = new HashMap<>();

    @Activate
    public SettingsGuard(BundleContext context) {
        this.context = context;
    }

    @Override
    public synchronized void modifyConfiguration(
            @Nullable ServiceReference<?> reference, Dictionary<String, Object> settings) {
        String pid = String.valueOf(settings.get("service.pid"));
        List<Option> options = options(pid);
        if (options.isEmpty()) {
            return;
        }
        List<String> refusals = new ArrayList<>();
        Map<String, Object> before = good.getOrDefault(pid, Map.of());
        Set<String> known = new HashSet<>();
        for (String key : Collections.list(settings.keys())) {
            Optional<Option> option = options.stream().filter(o -> o.isOf(key)).findFirst();
            if (option.isEmpty()) {
                if (OTHERS.stream().noneMatch(key::startsWith)) {
                    refusals.add(key + ": there is no such setting");
                }
                continue;
            }
            known.add(key);
            Object value = settings.get(key);
            Optional<String> trouble = option.get().trouble(value);
            if (trouble.isPresent()) {
                Object former = before.get(key);
                if (former == null) {
                    settings.remove(key);
                } else {
                    settings.put(key, former);
                }
                refusals.add(key + " = " + option.get().shown(value) + ": " + trouble.get() + "; "
                        + (former == null
                                ? "the usual value counts"
                                : option.get().shown(former) + " stays"));
            }
        }
        Map<String, Object> passed = new HashMap<>();
        for (String key : known) {
            Object value = settings.get(key);
            if (value != null) {
                passed.put(key, value);
            }
        }
        good.put(pid, passed);
        if (!refusals.equals(refused.getOrDefault(pid, List.of()))) {
            refusals.forEach(r -> log.warn("setting refused file={}.cfg setting={}", pid, r));
        }
        refused.put(pid, refusals);
    }

    /** What the bundle of the PID that was installed last says of its settings. */
    private List<Option> options(String pid) {
        List<Option> options = List.of();
        for (Bundle bundle : context.getBundles()) {
            List<Option> own = Option.of(bundle, pid);
            if (!own.isEmpty()) {
                options = own;
                owners.put(pid, bundle.getSymbolicName());
            }
        }
        return options;
    }

    /** The file of a PID went, and what was wrong with it. */
    @Override
    public synchronized void configurationEvent(ConfigurationEvent event) {
        if (event.getType() == ConfigurationEvent.CM_DELETED) {
            good.remove(event.getPid());
            refused.remove(event.getPid());
        }
    }

    @Override
    public synchronized List<String> of(String bundle) {
        return refused.entrySet().stream()
                .filter(one -> bundle.equals(owners.get(one.getKey())))
                .flatMap(one -> one.getValue().stream())
                .toList();
    }

    /** What the shell prints for {@code wharf:settings}. */
    public synchronized String settings() {
        StringBuilder text = new StringBuilder();
        good.forEach((pid, settings) -> {
            text.append(pid).append(": ").append(settings.size()).append(" settings read\n");
            refused.getOrDefault(pid, List.of())
                    .forEach(r -> text.append("  refused ").append(r).append('\n'));
        });
        return text.isEmpty() ? "no settings were read" : text.toString().stripTrailing();
    }
}
