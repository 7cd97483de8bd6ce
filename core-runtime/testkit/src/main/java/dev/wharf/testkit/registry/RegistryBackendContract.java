package dev.wharf.testkit.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.RegistryBackend;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** The promises of {@link RegistryBackend}, one test per sentence; {@code emptyRepository} may be pushed to. */
public abstract class RegistryBackendContract extends RegistryReadingContract {
    @Override
    protected final void publish(Content content) throws DriverException {
        remote.push(content);
    }

    @Override
    protected final void publish(Reference reference, Descriptor manifest) throws DriverException {
        remote.tag(reference, manifest);
    }

    @Test
    void whatTheRepositoryHasAlreadyIsNotUploadedAgain() throws Exception {
        Image image = image("x");
        push(image);
        int opened = image.layer().opened();

        remote.push(image.layer());
        try (RegistryBackend.Remote again = backend.open(repository, credentials())) {
            again.push(image.layer());
        }

        assertThat(image.layer().opened()).isEqualTo(opened);
    }

    @Test
    void everyCallMayBeRepeated() throws Exception {
        Image image = image("x");
        for (int i = 0; i < 2; i++) {
            Descriptor manifest = push(image);
            remote.tag(tag("v"), manifest);
            assertSame(remote.resolve(tag("v")), manifest);
        }
        remote.close();
        remote.close();
    }

    @Test
    void anotherBackendCarriesOnWhereThisOneStopped() throws Exception {
        Image image = image("x");
        push(image);
        remote.close();

        try (RegistryBackend.Remote other = backend().open(repository, credentials())) {
            other.tag(tag("v"), image.manifest().descriptor());
            assertSame(other.resolve(tag("v")), image.manifest().descriptor());
        }
    }

    @Test
    void contentThatIsNotWhatItSaysIsNotTaken() throws Exception {
        byte[] bytes = "evil".getBytes(StandardCharsets.UTF_8);
        Descriptor announced = new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256("good"), bytes.length);

        assertThatThrownBy(() -> remote.push(content(announced, bytes))).isInstanceOf(DriverException.class);
        assertMissing(() -> remote.fetch(announced, 0), "");
    }
}
