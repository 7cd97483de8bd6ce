package dev.wharf.shell;

import java.util.Arrays;
import org.apache.felix.service.command.Converter;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;

/** Knows bundles by what an operator calls them, so that {@code stop 47} and {@code update dev.wharf.network.bridge} work. */
@Component(service = Converter.class, property = "osgi.converter.classes=org.osgi.framework.Bundle")
public final class BundleConverter implements Converter {
    private final BundleContext context;

    @Activate
    public BundleConverter(BundleContext context) {
        this.context = context;
    }

    /** The bundle with that number, or the one that was installed last of those with that symbolic name. */
    @Override
    public @Nullable Object convert(Class<?> desired, Object said) {
        if (desired != Bundle.class) {
            return null;
        }
        String text = said.toString();
        return Arrays.stream(context.getBundles())
                .filter(b -> text.equals(b.getSymbolicName()) || text.equals(Long.toString(b.getBundleId())))
                .reduce((before, last) -> last)
                .orElse(null);
    }

    @Override
    public @Nullable CharSequence format(Object target, int level, Converter escape) {
        return null;
    }
}
