package dev.wharf.log.chronicle;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import java.io.IOException;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The Chronicle journal as a service. It is opened when somebody first asks for it. */
@Component(service = EventJournal.class, property = "wharf.name=chronicle")
public final class ChronicleJournal extends RecordJournal {
    private static final Logger log = LoggerFactory.getLogger(ChronicleJournal.class);

    @Activate
    public ChronicleJournal(BundleContext context) throws IOException {
        super(open(context), new EventCodec());
    }

    private static ChronicleLog open(BundleContext context) throws IOException {
        Path directory = Path.of(context.getProperty("wharf.data.root"), "journal");
        try {
            return new ChronicleLog(new ChronicleLog.Options(
                    directory, context.getBundle().getVersion().toString()));
        } catch (IOException e) {
            log.error("journal cannot be opened: {}", e.getMessage());
            throw e;
        }
    }

    @Deactivate
    @Override
    public void close() throws IOException {
        super.close();
    }
}
