package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.ContainerId;
import dev.wharf.spi.kernel.Descriptors;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LogKeeperTest {
    private static final ContainerId WEB = new ContainerId("a".repeat(64));

    @TempDir
    Path directory;

    /** What is looked at just then would be made anew in a directory that is being removed. */
    @Test
    void noFileOfALogIsMadeOnceItsContainerIsForgotten() throws Exception {
        Places places = new Places(directory.resolve("exec"), directory.resolve("data"));
        Files.createDirectories(places.keep(WEB));
        new LogSettings("json-file", 10, 2, false, Map.of(), "", Map.of()).write(places.keep(WEB));
        Files.writeString(places.keep(WEB).resolve("log.1"), "full");
        Descriptors none = (Descriptors) Proxy.newProxyInstance(
                getClass().getClassLoader(), new Class<?>[] {Descriptors.class}, (proxy, method, arguments) -> {
                    throw new UnsupportedOperationException(method.getName());
                });
        AtomicReference<LogKeeper> keeper = new AtomicReference<>();
        try (FileWatch watch = new FileWatch();
                LogKeeper made = new LogKeeper(places, none, watch, container -> {
                    keeper.get().forget(container);
                    return false;
                })) {
            keeper.set(made);
            made.keep(WEB);
            made.look(WEB);
            assertThat(places.log(WEB)).doesNotExist();
        }
    }
}
