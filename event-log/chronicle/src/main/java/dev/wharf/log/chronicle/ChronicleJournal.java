package dev.wharf.log.chronicle;

import dev.wharf.log.codec.record.JournalHome;
import dev.wharf.log.codec.record.LogKind;
import java.io.IOException;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** The Chronicle journal as a service, where the settings choose it. */
@Component(service = {})
public final class ChronicleJournal {
    private final JournalHome home;

    @Activate
    public ChronicleJournal(BundleContext context) {
        home = JournalHome.open(
                LogKind.CHRONICLE,
                context,
                (directory, writer) -> new ChronicleLog(new ChronicleLog.Options(directory, writer)));
    }

    @Deactivate
    void close() throws IOException {
        home.close();
    }
}
