package dev.wharf.plugins;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Optional;
import org.apache.felix.fileinstall.ArtifactInstaller;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stands between the folder of settings and Config Admin: a file that is no settings is told of in a line that says what to do,
 * and what was before stays. File Install, which asks whoever has the highest ranking first, does the rest.
 */
@Component(service = ArtifactInstaller.class, immediate = true, property = "service.ranking:Integer=100")
public final class SettingsFiles implements ArtifactInstaller {
    private static final Logger log = LoggerFactory.getLogger(SettingsFiles.class);

    private final BundleContext context;

    @Activate
    public SettingsFiles(BundleContext context) {
        this.context = context;
    }

    private interface Handing {
        void over(ArtifactInstaller installer) throws Exception;
    }

    @Override
    public boolean canHandle(File file) {
        return file.getName().endsWith(".cfg") && !file.isDirectory();
    }

    @Override
    public void install(File file) {
        take(file, installer -> installer.install(file));
    }

    @Override
    public void update(File file) {
        take(file, installer -> installer.update(file));
    }

    @Override
    public void uninstall(File file) throws Exception {
        hand(file, installer -> installer.uninstall(file));
    }

    private void take(File file, Handing handing) {
        Optional<String> trouble;
        try {
            trouble = SettingsText.trouble(Files.readAllBytes(file.toPath()));
            if (trouble.isEmpty()) {
                hand(file, handing);
            }
        } catch (IOException e) {
            trouble = Optional.of("it cannot be read: " + e);
        } catch (Exception e) {
            trouble = Optional.of(String.valueOf(e.getMessage()));
        }
        trouble.ifPresent(why -> log.warn("settings refused, what was before stays file={} reason={}", file, why));
    }

    private void hand(File file, Handing handing) throws Exception {
        handing.over(fileInstall(file));
    }

    /** Whoever would have had the file without us. */
    private ArtifactInstaller fileInstall(File file) throws InvalidSyntaxException {
        for (ServiceReference<ArtifactInstaller> reference :
                context.getServiceReferences(ArtifactInstaller.class, null)) {
            ArtifactInstaller installer = context.getService(reference);
            if (installer != null && installer != this && installer.canHandle(file)) {
                return installer;
            }
        }
        throw new IllegalStateException("nobody takes settings");
    }
}
