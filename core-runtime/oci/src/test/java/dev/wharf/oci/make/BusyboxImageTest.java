package dev.wharf.oci.make;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Reference;
import dev.wharf.oci.image.ImageConfigs;
import dev.wharf.oci.image.Manifest;
import dev.wharf.oci.layout.OciLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class BusyboxImageTest {
    private static final Path BUSYBOX = Path.of("/bin/busybox");

    @TempDir
    Path folder;

    @Test
    void theImageHasAShellAndTheFilesOfASystem() throws Exception {
        Assumptions.assumeTrue(Files.isExecutable(BUSYBOX), "busybox-static is not installed");
        OciLayout layout = new OciLayout(folder.resolve("busybox"));

        BusyboxImage.main(new String[] {BUSYBOX.toString(), layout.folder().toString()});

        Descriptor image = layout.resolve(Reference.parse("busybox")).orElseThrow();
        Manifest manifest = Manifest.parse(layout.read(image.digest(), Manifest.LIMIT_BYTES), image.mediaType());
        Set<String> names = new HashSet<>();
        try (TarArchiveInputStream tar = new TarArchiveInputStream(
                new GZIPInputStream(layout.open(manifest.layers().get(0).digest(), 0)))) {
            for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
                names.add(entry.getName());
                if (entry.isLink()) {
                    assertThat(entry.getMode() & 0777).as(entry.getName()).isEqualTo(0755);
                }
            }
        }
        assertThat(names).contains("bin/busybox", "bin/sh", "bin/ls", "etc/passwd", "etc/group", "tmp/", "proc/");
        var config = ImageConfigs.parse(layout.read(manifest.config().digest(), ImageConfigs.LIMIT_BYTES));
        assertThat(config.cmd()).containsExactly("sh");
        assertThat(config.env()).anyMatch(line -> line.startsWith("PATH="));
    }

    @Test
    void aProgramThatIsNoBusyboxIsRefused() {
        assertThatThrownBy(() -> BusyboxImage.maker(Path.of("/bin/true"))).isInstanceOf(IOException.class);
    }
}
