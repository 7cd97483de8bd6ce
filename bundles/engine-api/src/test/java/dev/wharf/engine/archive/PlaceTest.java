package dev.wharf.engine.archive;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import java.lang.reflect.Proxy;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PlaceTest {
    private static final Dir NOWHERE = (Dir) Proxy.newProxyInstance(
            Dir.class.getClassLoader(), new Class<?>[] {Dir.class}, (proxy, method, arguments) -> {
                throw new UnsupportedOperationException(method.getName());
            });

    @ParameterizedTest
    @CsvSource({
        "etc,/etc",
        "/etc/,/etc/",
        "/etc/.,/etc/.",
        "/a/../b,/b",
        "/../../etc,/etc",
        "a//b/./c,/a/b/c",
        "/,/",
        "/.,/.",
        "/./,/.",
        ".,/.",
        "/a/./,/a/.",
        "/..,/",
        "/a/..,/"
    })
    void aPathIsCleanedAsItIsWritten(String asked, String clean) {
        assertThat(Place.clean(asked)).isEqualTo(clean);
    }

    @ParameterizedTest
    @CsvSource({"/etc,etc", "/etc/,etc", "/etc/.,.", "/,/", "/a/b,b"})
    void theBaseIsWhatTheClientCallsIt(String path, String base) {
        Node node = new Node(1, 1, 0100644, 1, 0, 0, 0, 0, 0, 0, 0);
        assertThat(new Place(path, NOWHERE, "x", node).base()).isEqualTo(base);
    }

    /** Bits of Go's {@code io/fs.FileMode}. */
    @Test
    void modesAreSpelledAsGoSpellsThem() {
        assertThat(Place.goMode(0100644)).isEqualTo(0644);
        assertThat(Place.goMode(0040755)).isEqualTo(1L << 31 | 0755);
        assertThat(Place.goMode(0120777)).isEqualTo(1L << 27 | 0777);
        assertThat(Place.goMode(0041777)).isEqualTo(1L << 31 | 1L << 20 | 0777);
        assertThat(Place.goMode(0104755)).isEqualTo(1L << 23 | 0755);
        assertThat(Place.goMode(0102755)).isEqualTo(1L << 22 | 0755);
        assertThat(Place.goMode(0020666)).isEqualTo(1L << 26 | 1L << 21 | 0666);
        assertThat(Place.goMode(0060660)).isEqualTo(1L << 26 | 0660);
        assertThat(Place.goMode(0010644)).isEqualTo(1L << 25 | 0644);
        assertThat(Place.goMode(0140755)).isEqualTo(1L << 24 | 0755);
    }
}
