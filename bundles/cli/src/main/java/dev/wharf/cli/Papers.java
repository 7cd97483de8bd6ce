package dev.wharf.cli;

import dev.wharf.cli.paper.Completions;
import dev.wharf.cli.paper.ManPages;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import picocli.CommandLine;

/**
 * Writes the manual pages and the completions that are shipped, from the commands themselves, and what a Debian package says of
 * its version; run by the build.
 *
 * <p>Arguments: the folder to write to, the version, the text that {@code wharfd --help} shows, and the time of the build.
 */
final class Papers {
    /** Where a gzip file says how hard its maker tried (RFC 1952, XFL), and that it could not have tried harder. */
    private static final int EFFORT = 8;

    private static final byte BEST = 2;

    private Papers() {}

    public static void main(String[] arguments) throws IOException {
        Path folder = Path.of(arguments[0]);
        String version = arguments[1];
        CommandLine line = Main.line(new Surroundings(
                new ByteArrayInputStream(new byte[0]),
                new ByteArrayOutputStream(),
                new ByteArrayOutputStream(),
                Map.of(),
                false,
                false));
        for (Map.Entry<String, String> page : ManPages.of(line, version).entrySet()) {
            write(folder.resolve("man/man1").resolve(page.getKey() + ".1.gz"), page.getValue());
        }
        String usage = Files.readString(Path.of(arguments[2])).replace("${project.version}", version);
        write(folder.resolve("man/man8/wharfd.8.gz"), ManPages.ofDaemon(usage, version));
        write(folder.resolve("doc/wharf/changelog.gz"), changes(version, Instant.parse(arguments[3])));
        write(folder.resolve("bash-completion/completions/wharf"), Completions.of(Completions.Shell.BASH, line));
        write(folder.resolve("zsh/vendor-completions/_wharf"), Completions.of(Completions.Shell.ZSH, line));
        write(folder.resolve("fish/vendor_completions.d/wharf.fish"), Completions.of(Completions.Shell.FISH, line));
    }

    /** In the form that Debian's tools read. */
    private static String changes(String version, Instant at) {
        String date = DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss Z", Locale.ROOT)
                .withZone(ZoneOffset.UTC)
                .format(at);
        return """
                wharf (%s) unstable; urgency=medium

                  * What changed is told by CHANGELOG.md beside this file.

                 -- Wharf <wharf@localhost>  %s
                """.formatted(version.replace('-', '~'), date);
    }

    private static void write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        Files.write(file, file.toString().endsWith(".gz") ? packed(bytes) : bytes);
    }

    /** As small as it can be, and saying so, as Debian wants it. */
    private static byte[] packed(byte[] bytes) throws IOException {
        ByteArrayOutputStream packed = new ByteArrayOutputStream();
        try (OutputStream out = new Smallest(packed)) {
            out.write(bytes);
        }
        byte[] file = packed.toByteArray();
        file[EFFORT] = BEST;
        return file;
    }

    private static final class Smallest extends GZIPOutputStream {
        Smallest(OutputStream to) throws IOException {
            super(to);
            def.setLevel(Deflater.BEST_COMPRESSION);
        }
    }
}
