package dev.wharf.log.file;

import dev.wharf.log.codec.record.JournalHome;
import dev.wharf.log.codec.record.LogKind;
import java.io.IOException;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** The file journal as a service, where the settings choose it. */
@Component(service = {})
public final class FileJournal {
    private final JournalHome home;

    @Activate
    public FileJournal(BundleContext context) {
        home = JournalHome.open(
                LogKind.FILE, context, (directory, writer) -> new FileLog(new FileLog.Options(directory, writer)));
    }

    @Deactivate
    void close() throws IOException {
        home.close();
    }
}
