package dev.wharf.oci.layer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LayerTarTest {
    private static Entry entry(Entry.Kind kind, String name, String target, int size) {
        return new Entry(kind, name, target, 0755, 0, 0, size, 1000, 0, 0, 0, Map.of());
    }

    /** A tar of directories ({@code a/}), links ({@code a -> b}), files of one byte ({@code a=}) and empty ones ({@code a}). */
    private static InputStream tar(String... names) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        for (String name : names) {
            int arrow = name.indexOf(" -> ");
            if (name.endsWith("/")) {
                out.writeBytes(TarWriter.header(entry(Entry.Kind.DIRECTORY, name, "", 0)));
            } else if (arrow > 0) {
                out.writeBytes(TarWriter.header(
                        entry(Entry.Kind.SYMBOLIC_LINK, name.substring(0, arrow), name.substring(arrow + 4), 0)));
            } else if (name.endsWith("=")) {
                out.writeBytes(TarWriter.header(entry(Entry.Kind.FILE, name.substring(0, name.length() - 1), "", 1)));
                out.write('!');
                out.writeBytes(new byte[TarHeader.BLOCK - 1]);
            } else {
                out.writeBytes(TarWriter.header(entry(Entry.Kind.FILE, name, "", 0)));
            }
        }
        out.writeBytes(new byte[TarWriter.END_BYTES]);
        return new ByteArrayInputStream(out.toByteArray());
    }

    private static List<String> kept(String... names) throws IOException {
        LayerTar tar = new LayerTar(tar(names), Optional.empty(), true);
        TarReader reader = new TarReader(tar, Limits.DEFAULT);
        List<String> kept = new ArrayList<>();
        for (Optional<Entry> next = reader.next(); next.isPresent(); next = reader.next()) {
            kept.add(next.get().name());
        }
        reader.finish();
        assertThat(tar.leftOut()).hasSize(names.length - kept.size());
        return kept;
    }

    @Test
    void whatIsInEveryContainerIsLeftOut() throws IOException {
        assertThat(kept(".dockerenv", "dev/", "etc/", "etc/hosts", "etc/mtab -> /proc/mounts", "proc/", "sys/", "x="))
                .containsExactly("x");
        assertThat(kept(".dockerenv", "etc/", "etc/hostname", "etc/hosts", "etc/resolv.conf"))
                .isEmpty();
    }

    @Test
    void whatWasLeftOutIsToldEachDirectoryAfterWhatIsInIt() throws IOException {
        LayerTar tar = new LayerTar(tar(".dockerenv", "etc/", "etc/hosts", "x="), Optional.empty(), true);
        tar.transferTo(java.io.OutputStream.nullOutputStream());

        assertThat(tar.leftOut()).containsExactly(".dockerenv", "etc/hosts", "etc/");
        assertThat(tar.isRedated()).isFalse();
    }

    @Test
    void whatWasPutThereStays() throws IOException {
        assertThat(kept("etc/", "etc/hosts=", "etc/mtab -> /elsewhere"))
                .containsExactly("etc/", "etc/hosts", "etc/mtab");
        assertThat(kept(".dockerenv", "etc/", "proc/", "x"))
                .as("the directory itself was changed")
                .containsExactly("etc/", "x");
        assertThat(kept("dev/", "dev/pipe", "etc/", "etc/hosts", "etc/passwd="))
                .containsExactly("dev/", "dev/pipe", "etc/", "etc/passwd");
    }

    @Test
    void anOwnerOrAModeOfADirectoryIsNotLostBesideWhatIsLeftOut() throws IOException {
        for (Entry changed : List.of(
                new Entry(Entry.Kind.DIRECTORY, "etc/", "", 0755, 1001, 1001, 0, 1000, 0, 0, 0, Map.of()),
                new Entry(Entry.Kind.DIRECTORY, "etc/", "", 0700, 0, 0, 0, 1000, 0, 0, 0, Map.of()))) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            out.writeBytes(TarWriter.header(changed));
            tar("etc/hosts").transferTo(out);

            TarReader reader = new TarReader(
                    new LayerTar(new ByteArrayInputStream(out.toByteArray()), Optional.empty(), true), Limits.DEFAULT);

            assertThat(reader.next()).contains(changed);
            assertThat(reader.next()).isEmpty();
        }
    }

    @Test
    void whatHoldsNothingIsNoLayer() throws IOException {
        assertThat(LayerTar.unlessEmpty(tar())).isEmpty();
        assertThat(LayerTar.unlessEmpty(new LayerTar(tar("etc/", "etc/hosts"), Optional.empty(), true)))
                .isEmpty();
        assertThat(LayerTar.unlessEmpty(tar("x")).orElseThrow().readAllBytes()).isEqualTo(tar("x").readAllBytes());
    }

    @Test
    void aFileAtTheTopKeepsItsContentHoweverItIsRead() throws IOException {
        byte[] whole = tar("x=").readAllBytes();

        InputStream looked = LayerTar.unlessEmpty(new LayerTar(tar("x="), Optional.empty(), true))
                .orElseThrow();
        assertThat(looked.readAllBytes()).isEqualTo(whole);

        InputStream asked = new LayerTar(tar("x="), Optional.empty(), true);
        ByteArrayOutputStream read = new ByteArrayOutputStream();
        byte[] room = new byte[100];
        for (int step = asked.read(room); step >= 0; step = asked.read(room)) {
            read.write(room, 0, step);
            assertThat(asked.read(room, 0, 0)).isZero();
        }
        assertThat(read.toByteArray()).isEqualTo(whole);
    }

    @Test
    void nothingIsYoungerThanTheEpoch() throws IOException {
        TarReader reader = new TarReader(new LayerTar(tar("x"), Optional.of(500L), false), Limits.DEFAULT);

        assertThat(reader.next().orElseThrow().modifiedSeconds()).isEqualTo(500);
    }
}
