package dev.wharf.testkit.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Looks into a sparse file without reading all of it. */
final class FileChannelProbe {
    private FileChannelProbe() {}

    static void assertContent(Path file, long size, long at, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(file)) {
            assertThat(channel.size()).isEqualTo(size);
            ByteBuffer around = ByteBuffer.allocate(text.length() + 2);
            channel.read(around, at - 1);
            assertThat(new String(around.array(), StandardCharsets.UTF_8)).isEqualTo("\0" + text + "\0");
        }
    }
}
