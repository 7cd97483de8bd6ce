package dev.wharf.itests.images;

import dev.wharf.itests.daemon.Outcome;
import dev.wharf.oci.layout.OciLayout;
import dev.wharf.oci.make.BusyboxImage;
import dev.wharf.oci.make.ImageMaker;
import dev.wharf.oci.make.ImageMaker.Packing;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * The images that a well-known introduction to containers uses, made without a container engine: {@code busybox} from Debian's
 * static one, {@code ubuntu} by debootstrap, and {@code nginx} as one layer more on top of that. Those by debootstrap take a
 * minute and a network to make, so they are kept outside the build's folders.
 */
public final class Images {
    /** Raised when what is made changes, so that nothing made before is used. */
    private static final String EDITION = "1";

    private static final String SUITE = "bookworm";
    private static final String PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private Images() {}

    private static Path cache() {
        String given = System.getProperty("wharf.itests.cache", "");
        if (!given.isEmpty()) return Path.of(given);
        String xdg = System.getenv().getOrDefault("XDG_CACHE_HOME", "");
        Path base = xdg.isEmpty() ? Path.of(System.getProperty("user.home"), ".cache") : Path.of(xdg);
        return base.resolve("wharf-itests-" + EDITION);
    }

    private static String mirror() {
        return System.getProperty("wharf.itests.mirror", "http://deb.debian.org/debian");
    }

    /** A layout that holds the image under the tag {@code latest}. */
    public static Path busybox() throws IOException, InterruptedException {
        return once(
                "busybox",
                layout -> BusyboxImage.maker(Path.of("/bin/busybox"))
                        .label("org.wharf.test", "busybox")
                        .into(new OciLayout(layout), "latest"));
    }

    /** A Debian with a shell and ps, which is all that the introduction asks of its Ubuntu. */
    public static Path ubuntu() throws IOException, InterruptedException {
        return once(
                "ubuntu",
                layout -> new ImageMaker()
                        .layer(Packing.GZIP, baseTar())
                        .env("PATH", PATH)
                        .cmd("bash")
                        .into(new OciLayout(layout), "latest"));
    }

    /** The same with a web server that runs in the foreground. */
    public static Path nginx() throws IOException, InterruptedException {
        return once(
                "nginx",
                layout -> new ImageMaker()
                        .layer(Packing.GZIP, baseTar())
                        .layer(Packing.GZIP, nginxTar())
                        .env("PATH", PATH)
                        .expose("80/tcp")
                        .stopSignal("SIGQUIT")
                        .cmd("nginx", "-g", "daemon off;")
                        .into(new OciLayout(layout), "latest"));
    }

    private interface Making {
        void into(Path target) throws IOException, InterruptedException;
    }

    /** Makes something at a place of its own and moves it in place whole, once for all who ask. */
    private static Path once(String name, Making making) throws IOException, InterruptedException {
        Path cache = Files.createDirectories(cache());
        Path made = cache.resolve(name);
        try (FileChannel file = FileChannel.open(
                        cache.resolve(name + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                var lock = file.lock()) {
            if (lock.isValid() && Files.exists(made)) return made;
            Path fresh = cache.resolve(name + ".new");
            run("rm", "-rf", fresh.toString());
            making.into(fresh);
            Files.move(fresh, made);
            return made;
        }
    }

    private static Path baseTar() throws IOException, InterruptedException {
        return once("ubuntu.tar", tar -> tar(baseTree(), tar));
    }

    private static Path baseTree() throws IOException, InterruptedException {
        return once("ubuntu.tree", tree -> {
            run("debootstrap", "--variant=minbase", "--include=procps", SUITE, tree.toString(), mirror());
            slim(tree);
        });
    }

    /** Installs nginx in an overlay over the base; what the overlay holds afterwards is the layer. */
    private static Path nginxTar() throws IOException, InterruptedException {
        return once("nginx.tar", tar -> {
            Path work = Files.createTempDirectory("wharf-nginx");
            try {
                run("sh", "-euc", """
                        cd "$1"
                        mkdir upper work merged
                        mount -t overlay overlay -o "lowerdir=$2,upperdir=upper,workdir=work" merged
                        trap 'umount merged' EXIT
                        cp /etc/resolv.conf merged/etc/resolv.conf
                        printf '#!/bin/sh\\nexit 101\\n' > merged/usr/sbin/policy-rc.d
                        chmod +x merged/usr/sbin/policy-rc.d
                        chroot merged apt-get update -q
                        DEBIAN_FRONTEND=noninteractive chroot merged apt-get install -q -y --no-install-recommends nginx-light
                        rm -f merged/usr/sbin/policy-rc.d merged/etc/resolv.conf
                        ln -sf /dev/stdout merged/var/log/nginx/access.log
                        ln -sf /dev/stderr merged/var/log/nginx/error.log
                        """, "sh", work.toString(), baseTree().toString());
                slim(work.resolve("upper"));
                // What apt removed of the base stays visible in the image; nothing minds.
                run("find", work.resolve("upper").toString(), "-type", "c", "-delete");
                tar(work.resolve("upper"), tar);
            } finally {
                run("rm", "-rf", work.toString());
            }
        });
    }

    /** A Debian that boots, with what the package of Wharf depends on: folders to stack, the topmost first. */
    public static List<Path> debian() throws IOException, InterruptedException {
        Path base = baseTree();
        Path upper = once("debian.upper", fresh -> {
            Path work = Files.createTempDirectory("wharf-debian");
            try {
                run("sh", "-euc", """
                        cd "$1"
                        mkdir upper work merged
                        mount -t overlay overlay -o "lowerdir=$2,upperdir=upper,workdir=work" merged
                        mount -t proc proc merged/proc
                        trap 'umount merged/proc; umount merged' EXIT
                        cp /etc/resolv.conf merged/etc/resolv.conf
                        printf '#!/bin/sh\\nexit 101\\n' > merged/usr/sbin/policy-rc.d
                        chmod +x merged/usr/sbin/policy-rc.d
                        # Where the links of Java's manual pages go; without it Java is not installed.
                        mkdir -p merged/usr/share/man/man1
                        chroot merged apt-get update -q
                        DEBIAN_FRONTEND=noninteractive chroot merged apt-get install -q -y --no-install-recommends \\
                            systemd systemd-sysv default-jre-headless crun runc conmon libnftables1 nftables iproute2
                        rm -f merged/usr/sbin/policy-rc.d merged/etc/resolv.conf
                        """, "sh", work.toString(), base.toString());
                run(
                        "sh",
                        "-euc",
                        "cd $1; rm -rf var/cache/apt/* var/lib/apt/lists/*",
                        "sh",
                        work.resolve("upper").toString());
                run("cp", "--archive", work.resolve("upper").toString(), fresh.toString());
            } finally {
                run("rm", "-rf", work.toString());
            }
        });
        return List.of(upper, base);
    }

    /** Takes out what only costs time to move. */
    private static void slim(Path tree) throws IOException, InterruptedException {
        run("sh", "-euc", """
                cd "$1"
                rm -rf usr/share/doc usr/share/man usr/share/locale usr/share/info
                rm -rf var/cache/apt/* var/lib/apt/lists/* var/log/*.log var/log/apt
                """, "sh", tree.toString());
    }

    private static void tar(Path tree, Path into) throws IOException, InterruptedException {
        run(
                "tar",
                "--create",
                "--numeric-owner",
                "--xattrs",
                "--sort=name",
                "--file",
                into.toString(),
                "--directory",
                tree.toString(),
                ".");
    }

    private static void run(String... command) throws IOException, InterruptedException {
        Outcome outcome = Outcome.of(List.of(command), Map.of("LC_ALL", "C"), PATIENCE);
        if (outcome.status() != 0) {
            throw new IOException("cannot make an image: " + command[0] + " ended with " + outcome.status() + "\n"
                    + outcome.out() + outcome.err());
        }
    }
}
