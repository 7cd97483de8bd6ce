package dev.wharf.plugins;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.ConfigurationPlugin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.AttributeDefinition;
import org.osgi.service.metatype.MetaTypeService;
import org.osgi.service.metatype.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between Config Admin and every component: a setting that is of the wrong type, out of its bounds or not among its
 * options, as its bundle's Metatype describes them, never arrives. The value before stays, or where there was none the usual
 * one, and the log says why.
 */
@Component(
        service = {ConfigurationPlugin.class, SettingsGuard.class},
        immediate = true,
        property = {
            // Config Admin takes changes from plugins of these ranks only (Configuration Admin specification, 104.9.2).
            "service.cmRanking:Integer=500",
            "osgi.command.scope=wharf",
            "osgi.command.function=settings"
        })
public final class SettingsGuard implements ConfigurationPlugin {
    private static final Logger log = LoggerFactory.getLogger(SettingsGuard.class);

    /** Keys that come with a configuration and are nobody's setting. */
    private static final List<String> OTHERS = List.of("service.", "felix.", "component.", "wharf.", ".");

    private final BundleContext context;
    private final MetaTypeService metatypes;

    /** The last settings of each PID that were let through. */
    private final Map<String, Map<String, Object>> good = new HashMap<>();

    /** What was refused of each PID, and why. */
    private final Map<String, List<String>> refused = new TreeMap<>();

    @Activate
    public SettingsGuard(BundleContext context, @Reference MetaTypeService metatypes) {
        this.context = context;
        this.metatypes = metatypes;
    }

    @Override
    public synchronized void modifyConfiguration(
            @Nullable ServiceReference<?> reference, Dictionary<String, Object> settings) {
        String pid = String.valueOf(settings.get("service.pid"));
        Optional<ObjectClassDefinition> described = definition(pid);
        if (described.isEmpty()) {
            return;
        }
        List<String> refusals = new ArrayList<>();
        Map<String, Object> before = good.getOrDefault(pid, Map.of());
        Set<String> known = new HashSet<>();
        for (AttributeDefinition option : described.get().getAttributeDefinitions(ObjectClassDefinition.ALL)) {
            String key = option.getID();
            known.add(key);
            Object value = settings.get(key);
            String why = value == null ? "" : trouble(option, value);
            if (!why.isEmpty()) {
                Object former = before.get(key);
                if (former == null) {
                    settings.remove(key);
                } else {
                    settings.put(key, former);
                }
                refusals.add(key + " = " + value + ": " + why + "; "
                        + (former == null ? "the usual value counts" : former + " stays"));
            }
        }
        for (String key : Collections.list(settings.keys())) {
            if (!known.contains(key) && known.stream().noneMatch(k -> isOf(k, key)) && OTHERS.stream().noneMatch(key::startsWith)) {
                refusals.add(key + ": there is no such setting");
            }
        }
        Map<String, Object> passed = new HashMap<>();
        Collections.list(settings.keys()).forEach(key -> passed.put(key, settings.get(key)));
        good.put(pid, passed);
        if (!refusals.equals(refused.getOrDefault(pid, List.of()))) {
            refusals.forEach(r -> log.warn("setting refused file={}.cfg setting={}", pid, r));
        }
        refused.put(pid, refusals);
    }

    /** Whether an option that is described with {@code HOST} for any host is this one for a certain host. */
    private static boolean isOf(String described, String key) {
        return described.endsWith(".HOST")
                && key.startsWith(described.substring(0, described.length() - "HOST".length()));
    }

    private Optional<ObjectClassDefinition> definition(String pid) {
        for (Bundle bundle : context.getBundles()) {
            var information = metatypes.getMetaTypeInformation(bundle);
            if (information != null && Arrays.asList(information.getPids()).contains(pid)) {
                return Optional.of(information.getObjectClassDefinition(pid, null));
            }
        }
        return Optional.empty();
    }

    /** Why a value may not be, in words; empty where it may. */
    private static String trouble(AttributeDefinition option, Object value) {
        List<Object> values = new ArrayList<>();
        if (value instanceof Object[] array) {
            values.addAll(Arrays.asList(array));
        } else if (value instanceof Collection<?> collection) {
            values.addAll(collection);
        } else if (option.getCardinality() != 0) {
            values.addAll(Arrays.asList(value.toString().split(",")));
        } else {
            values.add(value);
        }
        for (Object one : values) {
            String text = String.valueOf(one).strip();
            if (!isOf(option.getType(), text)) {
                return "expected " + word(option.getType());
            }
            String[] allowed = option.getOptionValues();
            if (allowed != null && allowed.length > 0 && !Arrays.asList(allowed).contains(text)) {
                return "expected one of " + Arrays.stream(allowed).collect(Collectors.joining(", "));
            }
            String said = option.validate(text);
            if (said != null && !said.isEmpty()) {
                return said.lines().findFirst().orElse(said);
            }
        }
        return "";
    }

    private static boolean isOf(int type, String text) {
        try {
            switch (type) {
                case AttributeDefinition.INTEGER -> Integer.parseInt(text);
                case AttributeDefinition.LONG -> Long.parseLong(text);
                case AttributeDefinition.DOUBLE -> Double.parseDouble(text);
                case AttributeDefinition.BOOLEAN -> {
                    return text.equals("true") || text.equals("false");
                }
                default -> {
                    return true;
                }
            }
            return true;
        } catch (NumberFormatException e) {
            return false;
        }
    }

    private static String word(int type) {
        return switch (type) {
            case AttributeDefinition.BOOLEAN -> "true or false";
            case AttributeDefinition.DOUBLE -> "a number";
            default -> "a whole number";
        };
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
