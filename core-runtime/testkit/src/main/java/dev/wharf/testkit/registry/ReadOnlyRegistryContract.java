package dev.wharf.testkit.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.wharf.model.Descriptor;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.RegistryBackend;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

/** The promises of a {@link RegistryBackend} that is only read from. */
public abstract class ReadOnlyRegistryContract extends RegistryReadingContract {
    @Test
    void whoeverPushesIsToldThatNothingIsTaken() throws Exception {
        Image image = image("x");
        Descriptor manifest = push(image);

        assertRefused(() -> remote.push(image("y").layer()));
        assertRefused(() -> remote.tag(tag("v"), manifest));
    }

    @Test
    void anotherBackendReadsTheSame() throws Exception {
        Descriptor manifest = push(image("x"));
        publish(tag("v"), manifest);

        try (RegistryBackend.Remote other = backend().open(repository, credentials())) {
            assertSame(other.resolve(tag("v")), manifest);
        }
        remote.close();
        remote.close();
    }

    private static void assertRefused(ThrowingCallable call) {
        Throwable thrown = catchThrowable(call);
        assertThat(thrown).isInstanceOf(DriverException.class);
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(Failure.Kind.UNSUPPORTED);
    }
}
