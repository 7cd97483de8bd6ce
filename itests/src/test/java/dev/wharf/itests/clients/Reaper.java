package dev.wharf.itests.clients;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.oci.make.ImageMaker.Packing;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The container that Testcontainers starts beside all others, to remove them when their program is gone. Its image cannot be
 * had here, so one of the same name does the same work: a script in Perl, with the interpreter that every Debian has.
 */
final class Reaper {
    /** The name that Testcontainers 2.0.5 asks for. */
    static final String NAME = "testcontainers/ryuk:0.14.0";

    private Reaper() {}

    /** Makes the image known to the agent, under the name by which it will be asked for. */
    static void offer(Daemon daemon) throws IOException, InterruptedException {
        Path work = Files.createTempDirectory("wharf-reaper");
        try {
            Path tar = work.resolve("layer.tar");
            Outcome.of(
                            "sh",
                            "-euc",
                            """
                            modules=$(/usr/bin/perl -MIO::Handle -e 'print $INC{"IO/Handle.pm"} =~ m{(.*)/IO/}')
                            cp "$2" /"$1"/reaper.pl
                            tar --create --dereference --file "$1/layer.tar" \\
                                --transform "s,^${1#/}/,," \\
                                /usr/bin/perl $(ldd /usr/bin/perl | grep -o '/[^ ]*') "$modules" "$1/reaper.pl"
                            """,
                            "sh",
                            work.toString(),
                            Scripts.path("reaper.pl").toString())
                    .outOrThrow();
            Path layout = Files.createDirectories(daemon.dataRoot().resolve("layouts/layout.local"))
                    .resolve("reaper");
            new ImageMaker()
                    .layer(Packing.GZIP, tar)
                    .env("REAPER_PATIENCE", "1")
                    .cmd("/usr/bin/perl", "/reaper.pl")
                    .into(new OciLayout(layout), "latest");
            daemon.docker("pull", "--quiet", "layout.local/reaper").outOrThrow();
            daemon.docker("tag", "layout.local/reaper", NAME).outOrThrow();
        } finally {
            Outcome.of("rm", "-rf", work.toString());
        }
    }
}
