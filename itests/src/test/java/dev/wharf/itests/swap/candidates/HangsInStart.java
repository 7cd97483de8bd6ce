package dev.wharf.itests.swap.candidates;

import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;

/** A bundle that is never done with its start. */
public class HangsInStart implements BundleActivator {
    @Override
    public void start(BundleContext context) {
        Backend.hang();
    }

    @Override
    public void stop(BundleContext context) {
        // Never gets that far.
    }
}
