package dev.wharf.oci.make;

import dev.wharf.model.Descriptor;
import dev.wharf.oci.layout.OciLayout;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;

/**
 * A small image around one static busybox: its applets under {@code /bin}, the few files that a Linux system expects, a page
 * for its web server in {@code /var/www}, and a shell to start with.
 */
public final class BusyboxImage {
    private static final Pattern APPLET = Pattern.compile("[A-Za-z0-9_.\\[-]{1,64}");

    private BusyboxImage() {}

    /** {@code BusyboxImage <static busybox> <layout folder> [tag]} writes the image and prints its manifest's digest. */
    public static void main(String[] args) {
        if (args.length < 2 || args.length > 3) {
            System.err.println("usage: BusyboxImage <static busybox> <layout folder> [tag]");
            System.exit(2);
        }
        try {
            Descriptor manifest =
                    maker(Path.of(args[0])).into(new OciLayout(Path.of(args[1])), args.length > 2 ? args[2] : "latest");
            System.out.println(manifest.digest());
        } catch (IOException e) {
            System.err.println("cannot make an image from " + args[0] + ": " + e.getMessage());
            System.exit(1);
        }
    }

    /** The image of {@code busybox}, which is run once to ask for its applets; more may be added to it. */
    public static ImageMaker maker(Path busybox) throws IOException {
        byte[] program = Files.readAllBytes(busybox);
        List<String> applets = applets(busybox);
        return new ImageMaker()
                .created(Files.getLastModifiedTime(busybox).toInstant())
                .layer(layer -> fill(layer, program, applets))
                .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
                .cmd("sh");
    }

    private static void fill(LayerMaker layer, byte[] program, List<String> applets) {
        layer.directory("bin", 0755).file("bin/busybox", 0755, program);
        for (String applet : applets) {
            layer.hardLink("bin/" + applet, "bin/busybox");
        }
        layer.directory("dev", 0755)
                .directory("etc", 0755)
                .file("etc/passwd", 0644, """
                        root:x:0:0:root:/root:/bin/sh
                        daemon:x:1:1:daemon:/usr/sbin:/bin/false
                        www-data:x:33:33:www-data:/var/www:/bin/false
                        nobody:x:65534:65534:nobody:/nonexistent:/bin/false
                        """)
                .file("etc/group", 0644, """
                        root:x:0:
                        daemon:x:1:
                        tty:x:5:
                        www-data:x:33:
                        users:x:100:
                        nogroup:x:65534:
                        """)
                .file("etc/nsswitch.conf", 0644, "hosts: files dns\n")
                .directory("home", 0755)
                .directory("proc", 0555)
                .directory("root", 0700)
                .directory("run", 0755)
                .directory("sys", 0555)
                .directory("tmp", 01777)
                .directory("usr", 0755)
                .directory("usr/bin", 0755)
                .symlink("usr/bin/env", "../../bin/env")
                .directory("var", 0755)
                .directory("var/tmp", 01777)
                .directory("var/www", 0755)
                .file("var/www/index.html", 0644, "<h1>Hello from a Wharf container</h1>\n");
    }

    private static List<String> applets(Path busybox) throws IOException {
        Process process = new ProcessBuilder(busybox.toString(), "--list")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
            List<String> applets = lines.lines()
                    .filter(name -> APPLET.matcher(name).matches())
                    .filter(name -> !name.equals("busybox") && !name.startsWith("."))
                    .toList();
            if (!applets.contains("sh")) {
                throw new IOException("it names no shell among its applets; is it a busybox?");
            }
            return applets;
        } finally {
            process.destroy();
        }
    }
}
