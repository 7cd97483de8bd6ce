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
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import picocli.CommandLine;

/**
 * Writes the manual pages and the completions that are shipped, from the commands themselves; run by the build.
 *
 * <p>Arguments: the folder to write to, the version, and the text that {@code wharfd --help} shows.
 */
final class Papers {
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
        write(folder.resolve("bash-completion/completions/wharf"), Completions.of(Completions.Shell.BASH, line));
        write(folder.resolve("zsh/vendor-completions/_wharf"), Completions.of(Completions.Shell.ZSH, line));
        write(folder.resolve("fish/vendor_completions.d/wharf.fish"), Completions.of(Completions.Shell.FISH, line));
    }

    private static void write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        if (file.toString().endsWith(".gz")) {
            try (OutputStream packed = new GZIPOutputStream(Files.newOutputStream(file))) {
                packed.write(bytes);
            }
        } else {
            Files.write(file, bytes);
        }
    }
}
