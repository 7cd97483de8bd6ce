package dev.wharf.testkit.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.ContainerId;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Kernel;
import dev.wharf.spi.kernel.Mount;
import dev.wharf.spi.kernel.Sandbox;
import dev.wharf.spi.kernel.SandboxKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The promises of {@link Kernel}, one test per sentence. Needs root. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
public abstract class KernelContract {
    protected static final ContainerId WEB = new ContainerId("a1".repeat(32));
    private static final ContainerId DB = new ContainerId("b2".repeat(32));
    private static final SandboxKey SANDBOX = SandboxKey.of(WEB, 1);
    private static final VolumeSpec DATA =
            new VolumeSpec(new VolumeName("data"), VolumeSpec.LOCAL, Map.of(), Map.of(), false);

    protected Path dir;
    protected Kernel kernel;

    /** A kernel port over two empty directories; asked again for the same ones it is a daemon's next life. */
    protected abstract Kernel kernel(Path dataRoot, Path execRoot) throws Exception;

    @BeforeEach
    final void open(@TempDir Path empty) throws Exception {
        dir = empty;
        kernel = restarted();
    }

    @AfterEach
    final void cleanUp() throws Exception {
        for (ContainerId container : kernel.mountedRootfs().keySet()) {
            kernel.unmountRootfs(container);
        }
        for (Sandbox sandbox : kernel.sandboxes()) {
            kernel.removeSandbox(sandbox.key());
        }
        for (VolumeName volume : kernel.volumes().keySet()) {
            kernel.removeVolume(volume);
        }
    }

    @Test
    void theBootIdStaysTheSameWhileTheKernelRuns() throws Exception {
        assertThat(kernel.bootId()).isNotBlank().isEqualTo(restarted().bootId());
    }

    @Test
    void mountsAppearInOrderAtTheRootFileSystem() throws Exception {
        Path lower = directory("lower", "from-below");
        Path upper = directory("upper", "from-above");
        Path work = directory("work");

        Path root = kernel.mountRootfs(WEB, List.of(overlay(lower, upper, work), bindOf(directory("top", "on-top"))));

        assertThat(root.resolve("on-top")).exists();
        assertThat(root.resolve("from-below")).doesNotExist();
    }

    @Test
    void aWriteToAMountedOverlayLandsInItsUpperDirectory() throws Exception {
        Path upper = directory("upper");

        Path root = kernel.mountRootfs(WEB, List.of(overlay(directory("lower", "old"), upper, directory("work"))));
        Files.writeString(root.resolve("new"), "x");

        assertThat(root.resolve("old")).exists();
        assertThat(upper.resolve("new")).exists();
    }

    @Test
    void mountingWhatIsMountedChangesNothing() throws Exception {
        List<Mount> mounts = List.of(bindOf(directory("one", "inside")));
        Path root = kernel.mountRootfs(WEB, mounts);

        assertThat(kernel.mountRootfs(WEB, mounts)).isEqualTo(root);
        assertThat(restarted().mountRootfs(WEB, mounts)).isEqualTo(root);

        kernel.unmountRootfs(WEB);
        assertThat(root).doesNotExist();
    }

    @Test
    void aMountThatFailsLeavesNothingBehind() throws Exception {
        List<Mount> mounts = List.of(
                bindOf(directory("one")),
                new Mount("bind", dir.resolve("missing").toString(), List.of("bind")));

        assertThatThrownBy(() -> kernel.mountRootfs(WEB, mounts))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.MISSING));
        assertThat(kernel.mountedRootfs()).isEmpty();
    }

    @Test
    void aHundredAndTwentyLayersAreMountedThoughTheirNamesFillMoreThanAPage() throws Exception {
        StringBuilder lower = new StringBuilder();
        for (int i = 0; i < 120; i++) {
            Path layer = directory("layers/" + "l".repeat(150) + ",:" + i, "file-" + i);
            lower.append(i == 0 ? "" : ":")
                    .append(layer.toString().replace(":", "\\:").replace(",", "\\,"));
        }
        Mount mount = new Mount(
                "overlay",
                "overlay",
                List.of("lowerdir=" + lower, "upperdir=" + directory("upper"), "workdir=" + directory("work")));

        Path root = kernel.mountRootfs(WEB, List.of(mount));

        assertThat(root.resolve("file-0")).exists();
        assertThat(root.resolve("file-119")).exists();
    }

    @Test
    void aReadOnlyBindCannotBeWritten() throws Exception {
        Mount mount = new Mount("bind", directory("one").toString(), List.of("rbind", "ro", "nosuid"));

        Path root = kernel.mountRootfs(WEB, List.of(mount));

        assertThatThrownBy(() -> Files.createFile(root.resolve("new"))).hasMessageContaining("Read-only");
    }

    @Test
    void unmountingTakesEverythingUnderTheRootFileSystemAlong() throws Exception {
        Path one = directory("one");
        Path root = kernel.mountRootfs(WEB, List.of(bindOf(one)));
        Files.createDirectories(one.resolve("a/b"));
        mountTmpfs(root.resolve("a"));
        Files.createDirectories(root.resolve("a/b"));
        mountTmpfs(root.resolve("a/b"));

        kernel.unmountRootfs(WEB);
        kernel.unmountRootfs(WEB);

        assertThat(root).doesNotExist();
        assertThat(one).exists();
    }

    @Test
    void aRootFileSystemInUseIsBusyAndTheMessageSaysByWhom() throws Exception {
        Path root = kernel.mountRootfs(WEB, List.of(bindOf(directory("one"))));
        Process user = new ProcessBuilder("sh", "-c", "echo in; exec sleep 30")
                .directory(root.toFile())
                .start();
        assertThat(user.getInputStream().read()).isEqualTo('i');
        try {
            assertThatThrownBy(() -> kernel.unmountRootfs(WEB))
                    .isInstanceOfSatisfying(
                            DriverException.class,
                            e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.BUSY))
                    .hasMessageContaining("pid " + user.pid());
        } finally {
            user.destroyForcibly().waitFor();
        }
        kernel.unmountRootfs(WEB);
    }

    @Test
    void everyMountedRootFileSystemIsListedAlsoByTheNextLife() throws Exception {
        Path web = kernel.mountRootfs(WEB, List.of(bindOf(directory("one"))));
        Path db = kernel.mountRootfs(DB, List.of(bindOf(directory("two"))));

        assertThat(restarted().mountedRootfs()).containsOnly(Map.entry(WEB, web), Map.entry(DB, db));
    }

    @Test
    void aMissingBindSourceIsMadeOnlyWhenAsked() throws Exception {
        Path source = dir.resolve("source/deep");

        assertThatThrownBy(() -> kernel.ensureBindSource(source, false))
                .isInstanceOfSatisfying(
                        DriverException.class,
                        e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.MISSING))
                .hasMessageContaining("bind source path does not exist: " + source);
        kernel.ensureBindSource(source, true);
        kernel.ensureBindSource(source, false);

        assertThat(source).isDirectory();
        Path link = Files.createSymbolicLink(dir.resolve("link"), Path.of("/nowhere"));
        assertThatThrownBy(() -> kernel.ensureBindSource(link, true))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("mkdir " + link + ": file exists");
    }

    @Test
    void aSandboxHasNothingButLoWhichIsUp() throws Exception {
        Sandbox sandbox = kernel.createSandbox(SANDBOX);

        List<String> devices = inside(sandbox, "cat", "/proc/self/net/dev");
        assertThat(devices.stream()
                        .filter(line -> line.contains(":"))
                        .map(line -> line.strip().split(":")[0]))
                .containsExactly("lo");
        assertThat(inside(sandbox, "sh", "-c", "cat /proc/self/net/fib_trie"))
                .anyMatch(line -> line.contains("127.0.0.1"));
        assertThat(Files.readSymbolicLink(Path.of("/proc/self/ns/net")).toString())
                .isNotEqualTo("net:[" + Files.getAttribute(sandbox.path(), "unix:ino") + "]");
    }

    @Test
    void aNewDeviceInASandboxBelievesNoRouterAndSpeaksNoIpv6() throws Exception {
        Sandbox sandbox = kernel.createSandbox(SANDBOX);

        assertThat(inside(sandbox, "cat", "/proc/sys/net/ipv6/conf/default/accept_ra"))
                .containsExactly("0");
        assertThat(inside(sandbox, "cat", "/proc/sys/net/ipv6/conf/default/disable_ipv6"))
                .containsExactly("1");
    }

    @Test
    void settingsOfASandboxAreWrittenThereAndNowhereElse() throws Exception {
        Sandbox sandbox = kernel.createSandbox(SANDBOX);
        String here = Files.readString(Path.of("/proc/sys/net/ipv4/conf/lo/log_martians"));

        kernel.tune(sandbox, Map.of("ipv4/conf/lo/log_martians", "1"));

        assertThat(inside(sandbox, "cat", "/proc/sys/net/ipv4/conf/lo/log_martians"))
                .containsExactly("1");
        assertThat(Path.of("/proc/sys/net/ipv4/conf/lo/log_martians")).hasContent(here.strip());
        for (Map<String, String> wrong :
                List.of(Map.of("ipv4/conf/lo/none", "1"), Map.of("ipv4/conf/lo/log_martians", "some"))) {
            assertThatThrownBy(() -> kernel.tune(sandbox, wrong))
                    .isInstanceOfSatisfying(
                            DriverException.class,
                            e -> assertThat(e.failure().kind()).isEqualTo(Failure.Kind.INVALID));
        }
    }

    @Test
    void creatingASandboxAgainAnswersWithTheSame() throws Exception {
        Sandbox sandbox = kernel.createSandbox(SANDBOX);
        Object inode = Files.getAttribute(sandbox.path(), "unix:ino");

        assertThat(kernel.createSandbox(SANDBOX)).isEqualTo(sandbox);
        assertThat(restarted().createSandbox(SANDBOX)).isEqualTo(sandbox);
        assertThat(Files.getAttribute(sandbox.path(), "unix:ino")).isEqualTo(inode);
    }

    @Test
    void aSandboxThatACrashLeftHalfMadeIsMadeAnew() throws Exception {
        Sandbox sandbox = kernel.createSandbox(SANDBOX);
        kernel.removeSandbox(SANDBOX);
        Files.createFile(sandbox.path());

        assertThat(kernel.sandboxes()).isEmpty();
        assertThat(kernel.createSandbox(SANDBOX)).isEqualTo(sandbox);
        assertThat(kernel.sandboxes()).containsExactly(sandbox);
    }

    @Test
    void aRemovedSandboxIsGoneAndRemovingItAgainIsFine() throws Exception {
        Sandbox sandbox = kernel.createSandbox(SANDBOX);

        kernel.removeSandbox(SANDBOX);
        kernel.removeSandbox(SANDBOX);

        assertThat(sandbox.path()).doesNotExist();
        assertThat(kernel.sandboxes()).isEmpty();
    }

    @Test
    void everySandboxIsListedAlsoByTheNextLife() throws Exception {
        Sandbox web = kernel.createSandbox(SANDBOX);
        Sandbox db = kernel.createSandbox(SandboxKey.of(DB, 7));

        assertThat(restarted().sandboxes()).containsExactlyInAnyOrder(web, db);
    }

    @Test
    void aVolumeIsADirectoryThatStays() throws Exception {
        Path data = kernel.createVolume(DATA);
        Files.writeString(data.resolve("file"), "kept");

        assertThat(kernel.createVolume(DATA)).isEqualTo(data);
        assertThat(data.resolve("file")).hasContent("kept");
        assertThat(restarted().volumes()).containsOnly(Map.entry(DATA.name(), data));
    }

    @Test
    void aVolumeMayHaveADeviceOfItsOwnMountedWhileItIsUsed() throws Exception {
        VolumeSpec volume = device("tmpfs", "tmpfs", "size=1m,uid=1000");
        Path data = kernel.createVolume(volume);
        assertThat(kernel.mountedVolumes()).isEmpty();

        kernel.mountVolume(volume);
        kernel.mountVolume(volume);

        assertThat(Files.getFileStore(data).type()).isEqualTo("tmpfs");
        assertThat(Files.getAttribute(data, "unix:uid")).isEqualTo(1000);
        assertThat(restarted().mountedVolumes()).containsExactly(volume.name());
        assertThat(restarted().volumes()).containsKey(volume.name());

        kernel.unmountVolume(volume.name());
        kernel.unmountVolume(volume.name());

        assertThat(Files.getFileStore(data).type()).isNotEqualTo("tmpfs");
        assertThat(kernel.mountedVolumes()).isEmpty();
    }

    @Test
    void removingAVolumeUnmountsItsDeviceAndLeavesThatAlone() throws Exception {
        Path device = directory("device", "precious");
        VolumeSpec volume = device("none", device.toString(), "bind");
        Path data = kernel.createVolume(volume);
        kernel.mountVolume(volume);
        assertThat(data.resolve("precious")).exists();

        kernel.removeVolume(volume.name());

        assertThat(data).doesNotExist();
        assertThat(device.resolve("precious")).exists();
    }

    @Test
    void aDeviceThatCannotBeMountedIsAFailureInDockersWords() throws Exception {
        Path missing = dir.resolve("no/such");
        VolumeSpec volume = device("none", missing.toString(), "bind");
        Path data = kernel.createVolume(volume);

        assertThatThrownBy(() -> kernel.mountVolume(volume))
                .isInstanceOf(DriverException.class)
                .hasMessage(
                        "error while mounting volume '%1$s': failed to mount local volume: mount %2$s:%1$s, data:"
                                + " bind: no such file or directory",
                        data, missing);
        assertThat(kernel.mountedVolumes()).isEmpty();
    }

    @Test
    void aVolumeWhoseNameNoDirectoryCanHaveIsNotMadeAndGoneAlready() throws Exception {
        VolumeName name = new VolumeName("n".repeat(256));
        VolumeSpec volume = new VolumeSpec(name, VolumeSpec.LOCAL, Map.of(), Map.of(), false);

        assertThatThrownBy(() -> kernel.createVolume(volume))
                .isInstanceOf(DriverException.class)
                .hasMessageContaining("too long");
        kernel.removeVolume(name);
    }

    private static VolumeSpec device(String type, String device, String options) {
        return new VolumeSpec(
                new VolumeName("quick"),
                VolumeSpec.LOCAL,
                Map.of("type", type, "device", device, "o", options),
                Map.of(),
                false);
    }

    @Test
    void aPathInsideIsHeldWhateverIsPutThereLater() throws Exception {
        Path whole = directory("whole");
        directory("whole/sub", "meant");
        directory("outside", "precious");

        Path held = kernel.pin(WEB, 0, List.of(bindOf(whole)), "sub");
        Files.move(whole.resolve("sub"), whole.resolve("moved"));
        Files.createSymbolicLink(whole.resolve("sub"), dir.resolve("outside"));

        assertThat(held.resolve("meant")).exists();
        assertThat(held.resolve("precious")).doesNotExist();
        kernel.unpin(WEB);
        kernel.unpin(WEB);
        assertThat(held).doesNotExist();
        assertThat(whole.resolve("moved/meant")).exists();
    }

    @Test
    void aFileInsideCanBeHeldToo() throws Exception {
        Path whole = directory("whole");
        Files.writeString(whole.resolve("file"), "text");

        Path held = kernel.pin(WEB, 3, List.of(bindOf(whole)), "file");

        assertThat(held).hasContent("text");
        kernel.unpin(WEB);
        assertThat(whole.resolve("file")).hasContent("text");
    }

    @Test
    void noLinkLeadsOutOfWhatIsHeld() throws Exception {
        Path whole = directory("whole");
        directory("outside", "precious");
        directory("whole/real", "meant");
        Files.createSymbolicLink(whole.resolve("absolute"), dir.resolve("outside"));
        Files.createSymbolicLink(whole.resolve("up"), Path.of("../outside"));
        Files.createSymbolicLink(whole.resolve("fine"), Path.of("real"));

        for (String inside : List.of("absolute", "up", "../outside", "absolute/precious", "/etc")) {
            assertThatThrownBy(() -> kernel.pin(WEB, 0, List.of(bindOf(whole)), inside))
                    .as(inside)
                    .isInstanceOf(DriverException.class);
        }
        assertThatThrownBy(() -> kernel.pin(WEB, 0, List.of(bindOf(whole)), "missing"))
                .hasMessageContaining("cannot access path missing: no such file or directory");
        assertThat(kernel.pin(WEB, 0, List.of(bindOf(whole)), "fine").resolve("meant"))
                .exists();
        kernel.unpin(WEB);
    }

    @Test
    void whatAnAgentHeldThatDiedIsLetGoWithTheRootFileSystem() throws Exception {
        Path whole = directory("whole", "content");
        Path held = kernel.pin(WEB, 0, List.of(bindOf(whole)), "");
        Kernel next = restarted();
        assertThat(next.pin(WEB, 0, List.of(bindOf(whole)), "")).isEqualTo(held);

        next.unmountRootfs(WEB);

        assertThat(held).doesNotExist();
        assertThat(whole.resolve("content")).exists();
    }

    @Test
    void removingAVolumeFollowsNoLinkOutOfIt() throws Exception {
        Path outside = directory("outside", "precious");
        Path data = kernel.createVolume(DATA);
        Files.createSymbolicLink(data.resolve("link"), outside);

        kernel.removeVolume(DATA.name());
        kernel.removeVolume(DATA.name());

        assertThat(kernel.volumes()).isEmpty();
        assertThat(outside.resolve("precious")).exists();
    }

    @Test
    void anEmptyVolumeIsFilledWithWhatTheImageHas() throws Exception {
        Path source = directory("rootfs/var/lib/data", "plain");
        Path rootfs = dir.resolve("rootfs");
        Files.createDirectories(source.resolve("sub"));
        Files.writeString(source.resolve("sub/script"), "#!/bin/sh\n");
        Files.setPosixFilePermissions(source.resolve("sub/script"), PosixFilePermissions.fromString("rwxr-x--x"));
        Files.setAttribute(source.resolve("sub/script"), "unix:uid", 1234);
        Files.setAttribute(source.resolve("sub/script"), "unix:gid", 567);
        Files.setAttribute(source.resolve("sub/script"), "unix:mode", 04755);
        Files.setLastModifiedTime(source.resolve("sub/script"), FileTime.fromMillis(1_500_000_000_000L));
        Files.setAttribute(source.resolve("plain"), "user:note", ByteBuffer.wrap(new byte[] {1, 2}));
        Files.createLink(source.resolve("second"), source.resolve("plain"));
        Files.createSymbolicLink(source.resolve("link"), Path.of("/etc/passwd"));
        Files.setAttribute(source, "unix:uid", 42);
        Files.setPosixFilePermissions(source, PosixFilePermissions.fromString("rwxrwx---"));
        Path volume = kernel.createVolume(DATA);

        kernel.copyUp(rootfs, "/var/lib/data", volume);

        Path script = volume.resolve("sub/script");
        assertThat(Files.readString(script)).isEqualTo("#!/bin/sh\n");
        assertThat(Files.getAttribute(script, "unix:uid")).isEqualTo(1234);
        assertThat(Files.getAttribute(script, "unix:gid")).isEqualTo(567);
        assertThat((int) Files.getAttribute(script, "unix:mode") & 07777).isEqualTo(04755);
        assertThat(Files.getLastModifiedTime(script).toMillis()).isEqualTo(1_500_000_000_000L);
        assertThat((byte[]) Files.getAttribute(volume.resolve("plain"), "user:note"))
                .containsExactly(1, 2);
        assertThat(Files.isSameFile(volume.resolve("plain"), volume.resolve("second")))
                .isTrue();
        assertThat(Files.readSymbolicLink(volume.resolve("link"))).isEqualTo(Path.of("/etc/passwd"));
        assertThat(Files.getAttribute(volume, "unix:uid")).isEqualTo(42);
        assertThat(Files.getPosixFilePermissions(volume)).isEqualTo(PosixFilePermissions.fromString("rwxrwx---"));
    }

    @Test
    void aVolumeThatHoldsAnythingIsLeftAlone() throws Exception {
        directory("rootfs/data", "of-the-image");
        Path rootfs = dir.resolve("rootfs");
        Path volume = kernel.createVolume(DATA);
        Files.writeString(volume.resolve("of-the-user"), "x");

        kernel.copyUp(rootfs, "/data", volume);

        assertThat(volume.resolve("of-the-image")).doesNotExist();
        assertThat(volume.resolve("of-the-user")).exists();
    }

    @Test
    void whatIsCopiedUpIsFoundInsideTheRootFileSystemOnly() throws Exception {
        Path secret = directory("secret", "key");
        Path rootfs = directory("rootfs");
        Files.createSymbolicLink(rootfs.resolve("out"), secret);
        Files.createSymbolicLink(rootfs.resolve("up"), Path.of("../../../../../../../.." + secret));
        Path volume = kernel.createVolume(DATA);

        kernel.copyUp(rootfs, "/out", volume);
        kernel.copyUp(rootfs, "/up", volume);
        kernel.copyUp(rootfs, "/missing", volume);

        assertThat(volume).isEmptyDirectory();
    }

    @Test
    void nothingIsCopiedUpFromAFile() throws Exception {
        Path rootfs = directory("rootfs", "passwd");
        Path volume = kernel.createVolume(DATA);

        assertThatThrownBy(() -> kernel.copyUp(rootfs, "/passwd", volume))
                .isInstanceOf(DriverException.class)
                .hasMessage("cannot mount volume over existing file, file exists /passwd");
    }

    @Test
    void aDirectoryIsMadeInsideTheRootFileSystemOnly() throws Exception {
        Path outside = directory("outside");
        Path rootfs = directory("rootfs", "file");
        Files.createDirectories(rootfs.resolve("real"));
        Files.createSymbolicLink(rootfs.resolve("link"), Path.of("/real"));
        Files.createSymbolicLink(rootfs.resolve("out"), Path.of("../../../../../../../.." + outside));

        kernel.makeDirectory(rootfs, "/link/a/b");
        kernel.makeDirectory(rootfs, "/link/a/b");
        kernel.makeDirectory(rootfs, "/out/c");

        assertThat(rootfs.resolve("real/a/b")).isDirectory();
        assertThat(Files.getPosixFilePermissions(rootfs.resolve("real/a")))
                .isEqualTo(PosixFilePermissions.fromString("rwxr-xr-x"));
        assertThat(outside).isEmptyDirectory();
        assertThat(kernel.isDirectory(rootfs, "/link/a")).isTrue();
        assertThat(kernel.isDirectory(rootfs, "/file")).isFalse();
        assertThat(kernel.isDirectory(rootfs, "/file/below")).isFalse();
        assertThat(kernel.isDirectory(rootfs, "/none/at/all")).isFalse();
        assertThatThrownBy(() -> kernel.makeDirectory(rootfs, "/file/below"))
                .isInstanceOf(DriverException.class)
                .hasMessage("Cannot mkdir: /file/below is not a directory");
    }

    @Test
    void aCopyThatACrashCutOffBeginsAgain() throws Exception {
        directory("rootfs/data", "one");
        Path rootfs = dir.resolve("rootfs");
        Files.writeString(rootfs.resolve("data/two"), "x");
        Path volume = kernel.createVolume(DATA);
        for (Path beside : remains(volume)) {
            Files.createDirectories(beside);
            Files.writeString(beside.resolve("one"), "half");
        }

        kernel.copyUp(rootfs, "/data", volume);

        assertThat(volume.resolve("one")).isEmptyFile();
        assertThat(volume.resolve("two")).hasContent("x");
    }

    /** Where an interrupted copy of the implementation leaves its half-done work. */
    protected List<Path> remains(Path volume) {
        return List.of();
    }

    protected final Kernel restarted() throws Exception {
        return kernel(dir.resolve("data-root"), dir.resolve("exec-root"));
    }

    protected final Path directory(String name, String... files) throws IOException {
        Path directory = Files.createDirectories(dir.resolve(name));
        for (String file : files) {
            if (!Files.exists(directory.resolve(file), LinkOption.NOFOLLOW_LINKS)) {
                Files.createFile(directory.resolve(file));
            }
        }
        return directory;
    }

    private static Mount bindOf(Path source) {
        return new Mount("bind", source.toString(), List.of("rbind"));
    }

    private static Mount overlay(Path lower, Path upper, Path work) {
        return new Mount("overlay", "overlay", List.of("lowerdir=" + lower, "upperdir=" + upper, "workdir=" + work));
    }

    private static void mountTmpfs(Path target) throws Exception {
        run("mount", "-t", "tmpfs", "tmpfs", target.toString());
    }

    private static List<String> inside(Sandbox sandbox, String... command) throws Exception {
        String[] all = new String[command.length + 2];
        all[0] = "nsenter";
        all[1] = "--net=" + sandbox.path();
        System.arraycopy(command, 0, all, 2, command.length);
        return run(all);
    }

    private static List<String> run(String... command) throws Exception {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        List<String> lines =
                new String(process.getInputStream().readAllBytes()).lines().toList();
        assertThat(process.waitFor())
                .as("%s: %s", String.join(" ", command), lines)
                .isZero();
        return lines;
    }
}
