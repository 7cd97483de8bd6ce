package dev.wharf.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ValuesTest {
    @ParameterizedTest
    @CsvSource({
        "linux/amd64, linux/amd64, true",
        "linux/arm64, linux/arm64/v8, true",
        "linux/arm64/v8, linux/arm64, true",
        "linux/arm/v6, linux/arm/v7, false",
        "linux/amd64, linux/arm64, false",
        "linux/amd64, windows/amd64, false",
        "arm64, linux/arm64/v8, true"
    })
    void aPlatformAcceptsWhatRunsThere(String asked, String offered, boolean accepts) {
        assertThat(Platform.parse(asked).accepts(Platform.parse(offered))).isEqualTo(accepts);
    }

    @ParameterizedTest
    @CsvSource({
        "linux/amd64, linux/amd64/v3, true",
        "linux/amd64, linux/386, true",
        "linux/amd64, linux/arm64, false",
        "linux/amd64, windows/amd64, false",
        "linux/arm64/v8, linux/arm64, true",
        "linux/arm64/v8, linux/arm/v7, true",
        "linux/riscv64, linux/386, false"
    })
    void aHostRunsImagesOfItsOwnProcessorsAndOfTheirNarrowOnes(String host, String offered, boolean runs) {
        assertThat(Platform.parse(host).runs(Platform.parse(offered))).isEqualTo(runs);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "a/b/c/d", "linux/a\nb", "foobar"})
    void whatIsNoPlatformIsRefused(String text) {
        assertThatThrownBy(() -> Platform.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void theDigestOfNothingIsTheOneThatEverybodyKnows() {
        assertThat(Digest.sha256(new byte[0]))
                .hasToString("sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "sha256", "sha256:", "sha256:ABCD", "sha1:da39", "sha256:../../x", "sha512:00"})
    void whatIsNoDigestIsRefused(String text) {
        assertThatThrownBy(() -> Digest.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "../x", "a/b", ".hidden", "a b", "\u00e4"})
    void aVolumeNameIsSafeInAPath(String text) {
        assertThatThrownBy(() -> new VolumeName(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "abc", "ABCDEF", "zz"})
    void anIdentifierIsHexadecimalAndWhole(String text) {
        assertThatThrownBy(() -> new ContainerId(text)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new NetworkId(text)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new ExecId(text)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PullId(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void subjectsOfDifferentKindsNeverShareATextForm() {
        String hex = "ab".repeat(32);
        List<SubjectId> subjects = List.of(
                new ContainerId(hex),
                new NetworkId(hex),
                new ImageId(new Digest("sha256", hex)),
                new LayerId(new Digest("sha256", hex)),
                new PullId(hex.substring(32)),
                new VolumeName(hex),
                new DriverId(DriverKind.STORAGE, new DriverName("overlay")),
                new ServiceName("ab"),
                new DocumentKey("group/ab"),
                new SubjectId.HostItself());
        assertThat(subjects.stream().map(SubjectId::text).distinct()).hasSize(subjects.size());
    }

    @ParameterizedTest
    @CsvSource({
        "0, tcp, 0, 0",
        "65536, tcp, 0, 0",
        "80, icmp, 0, 0",
        "80, tcp, 9, 8",
        "80, tcp, 80, 65536",
        "80, tcp, -1, 5"
    })
    void aPortThatCannotBeIsRefused(int port, String protocol, int first, int last) {
        assertThatThrownBy(() -> new PortWish(port, protocol, "", first, last))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void whatAValueHoldsCannotBeChangedBehindItsBack() {
        List<String> aliases = new ArrayList<>(List.of("web"));
        NetworkWish wish = new NetworkWish(new NetworkId("ab".repeat(32)), aliases, List.of(), "", "", "", 0, Map.of());
        aliases.add("other");
        assertThat(wish.aliases()).containsExactly("web");
        assertThatThrownBy(() -> wish.aliases().add("x")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void changingOnePartOfASpecificationLeavesTheRest() {
        ContainerSpec spec = Specs.plain();
        ContainerSpec changed = spec.withRestartPolicy(new RestartPolicy(RestartPolicy.Kind.ALWAYS, 0))
                .withResources(Resources.UNLIMITED)
                .withNetworking(spec.networking().withNetworks(spec.networking().networks()));
        assertThat(changed.withRestartPolicy(spec.restartPolicy())).isEqualTo(spec);
    }

    @Test
    void aHostnameOfTwoLinesIsRefused() {
        assertThatThrownBy(() -> Specs.named("a\nb")).isInstanceOf(IllegalArgumentException.class);
    }
}
