package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.ContainerSpec.Namespace;
import dev.wharf.spi.runtime.RuntimeSpec;
import dev.wharf.testkit.runtime.RuntimeSpecs;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostFilesTest {
    @TempDir
    Path directory;

    private HostFiles host(String resolv) throws IOException {
        Path file = directory.resolve("resolv.conf");
        Files.writeString(file, resolv);
        return new HostFiles(file, directory.resolve("systemd-resolv.conf"), directory.resolve("hosts"));
    }

    private static RuntimeSpecs box() {
        return RuntimeSpecs.of(Path.of("/"), "true").sandbox(Namespace.PRIVATE);
    }

    @Test
    void hostsBeginWithTheMachineItself() throws IOException {
        RuntimeSpec spec = box().host("10.88.0.7", "box", "0123456789ab")
                .host("10.88.0.9", "db")
                .build();

        assertThat(new HostFiles().hosts(spec))
                .startsWith("127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n")
                .endsWith("10.88.0.7\tbox 0123456789ab\n10.88.0.9\tdb\n");
    }

    @Test
    void whoSharesTheHostsNetworkKnowsTheNamesThatItKnows() throws IOException {
        Files.writeString(directory.resolve("hosts"), "127.0.0.1 localhost\n10.9.9.9 depot\n");
        RuntimeSpec spec = RuntimeSpecs.of(Path.of("/"), "true")
                .sandbox(Namespace.HOST)
                .host("10.1.1.1", "extra")
                .build();

        assertThat(host("").hosts(spec)).isEqualTo("127.0.0.1 localhost\n10.9.9.9 depot\n10.1.1.1\textra\n");
    }

    @Test
    void hostsThatNameTheMachineThemselvesAreTakenAsTheyAre() throws IOException {
        RuntimeSpec spec = box().host("127.0.0.1", "localhost", "mine").build();

        assertThat(new HostFiles().hosts(spec)).isEqualTo("127.0.0.1\tlocalhost mine\n");
    }

    @Test
    void resolversOfTheHostAreTakenButForThoseThatOnlyTheHostCanReach() throws IOException {
        HostFiles files =
                host("# written by hand\nsearch a.example b.example\nnameserver 127.0.0.1\nnameserver 10.0.0.2\n"
                        + "nameserver ::1\noptions ndots:2 rotate\n");

        assertThat(files.resolv(box().build()))
                .isEqualTo("nameserver 10.0.0.2\nsearch a.example b.example\noptions ndots:2 rotate\n");
    }

    @Test
    void aContainerInTheHostsNetworkAsksWhomTheHostAsks() throws IOException {
        HostFiles files = host("nameserver 127.0.0.1\n");

        assertThat(files.resolv(box().sandbox(Namespace.HOST).build())).isEqualTo("nameserver 127.0.0.1\n");
    }

    @Test
    void behindSystemdItsOwnUpstreamsAreAsked() throws IOException {
        HostFiles files = host("nameserver 127.0.0.53\nsearch lan\n");
        Files.writeString(directory.resolve("systemd-resolv.conf"), "nameserver 192.168.1.1\nsearch lan\n");

        assertThat(files.resolv(box().build())).isEqualTo("nameserver 192.168.1.1\nsearch lan\n");
    }

    @Test
    void withoutAnyReachableResolverThereIsALastResort() throws IOException {
        assertThat(host("nameserver 127.0.0.1\n").resolv(box().build()))
                .isEqualTo("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
        assertThat(new HostFiles(directory.resolve("none"), directory.resolve("none"), directory.resolve("none"))
                        .resolv(box().build()))
                .isEqualTo("nameserver 8.8.8.8\nnameserver 8.8.4.4\n");
    }

    @Test
    void whatTheCreatorSaidTakesThePlaceOfTheHosts() throws IOException {
        HostFiles files = host("nameserver 10.0.0.2\nsearch lan\noptions rotate\n");
        RuntimeSpec spec = box().nameservers("10.9.9.9")
                .dns(List.of("example.org"), List.of("timeout:1"))
                .build();

        assertThat(files.resolv(spec)).isEqualTo("nameserver 10.9.9.9\nsearch example.org\noptions timeout:1\n");
        assertThat(files.resolv(box().dns(List.of("."), List.of()).build()))
                .isEqualTo("nameserver 10.0.0.2\noptions rotate\n");
    }

    @Test
    void filesAreWrittenInPlaceSoThatABindSeesTheNewest() throws IOException {
        HostFiles files = host("nameserver 10.0.0.2\n");
        files.write(box().hostname("one", "").build(), directory);
        Object before = Files.getAttribute(directory.resolve("hostname"), "unix:ino");

        files.write(box().hostname("two", "").build(), directory);

        assertThat(Files.getAttribute(directory.resolve("hostname"), "unix:ino"))
                .isEqualTo(before);
        assertThat(directory.resolve("hostname")).hasContent("two");
    }

    @Test
    void namesOfContainersAreAskedForAsTheyAreBeforeAnySearchDomain() throws IOException {
        HostFiles files = host("search a.example\nnameserver 10.0.0.2\n");

        assertThat(files.resolv(box().nameservers("127.0.0.11").build()))
                .isEqualTo("nameserver 127.0.0.11\nsearch a.example\noptions ndots:0\n");
        assertThat(files.resolv(box().nameservers("127.0.0.11")
                        .dns(List.of("."), List.of("ndots:3"))
                        .build()))
                .isEqualTo("nameserver 127.0.0.11\noptions ndots:3\n");
    }

    @Test
    void whatRunsIsToldOfNewAddressesAndKeepsItsOwnWords() throws IOException {
        HostFiles files = host("nameserver 10.0.0.2\n");
        RuntimeSpec before = box().host("127.0.0.1", "localhost")
                .host("10.88.0.7", "box")
                .host("10.89.0.7", "box")
                .build();
        RuntimeSpec after = box().host("127.0.0.1", "localhost")
                .host("10.88.0.7", "box")
                .host("10.90.0.7", "box")
                .nameservers("127.0.0.11")
                .build();
        Path keep = Files.createDirectory(directory.resolve("keep"));
        files.write(before, keep);
        Path hosts = keep.resolve(HostFiles.HOSTS);
        Files.writeString(hosts, Files.readString(hosts) + "10.1.1.1\tmine\n");

        files.amend(before.whereabouts(), after.whereabouts(), keep);
        files.amend(before.whereabouts(), after.whereabouts(), keep);

        assertThat(Files.readAllLines(hosts))
                .containsExactly("127.0.0.1\tlocalhost", "10.88.0.7\tbox", "10.1.1.1\tmine", "10.90.0.7\tbox");
        assertThat(keep.resolve(HostFiles.RESOLV)).hasContent("nameserver 127.0.0.11\noptions ndots:0\n");
    }

    @Test
    void resolversThatSomebodyInsideChoseStay() throws IOException {
        HostFiles files = host("nameserver 10.0.0.2\n");
        RuntimeSpec before = box().build();
        Path keep = Files.createDirectory(directory.resolve("keep"));
        files.write(before, keep);
        Files.writeString(keep.resolve(HostFiles.RESOLV), "nameserver 10.1.1.1\n");

        files.amend(
                before.whereabouts(), box().nameservers("127.0.0.11").build().whereabouts(), keep);

        assertThat(keep.resolve(HostFiles.RESOLV)).hasContent("nameserver 10.1.1.1\n");
    }
}
