package dev.wharf.log.file;

import dev.wharf.core.journal.EventJournal;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import java.io.IOException;
import java.nio.file.Path;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The file journal as a service. It is opened when somebody first asks for it, and ranks behind other journals. */
@Component(
        service = EventJournal.class,
        property = {"wharf.name=file", Constants.SERVICE_RANKING + ":Integer=-100"})
public final class FileJournal extends RecordJournal {
    private static final Logger log = LoggerFactory.getLogger(FileJournal.class);

    @Activate
    public FileJournal(BundleContext context) throws IOException {
        super(open(context), new EventCodec());
    }

    private static FileLog open(BundleContext context) throws IOException {
        Path directory = Path.of(context.getProperty("wharf.data.root"), "journal");
        try {
            return new FileLog(new FileLog.Options(
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
