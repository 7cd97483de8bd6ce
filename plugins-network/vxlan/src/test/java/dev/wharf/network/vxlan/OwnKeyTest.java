package dev.wharf.network.vxlan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OwnKeyTest {
    /** A pair that another implementation made. */
    private static final String SECRET = "WMkD2G2F4rCN7Y+SQuKke/ZiPyMRPjzsaWs+ItBZyGw=";

    private static final String PUBLIC = "IlEgnXW9gsMLDbULp9SpNoKt+6GQQbqSL9EOF482NVw=";

    @TempDir
    Path folder;

    @Test
    void aKeyIsMadeOnceAndReadByRootAlone() throws Exception {
        Path keys = folder.resolve("keys");
        OwnKey made = OwnKey.in(keys);

        OwnKey again = OwnKey.in(keys);

        assertThat(again.publicKey()).isEqualTo(made.publicKey());
        assertThat(again.secret()).isEqualTo(made.secret()).hasSize(32);
        assertThat(made.secret()[0] & 7).as("the low bits of a scalar").isZero();
        assertThat(made.secret()[31] & 0xc0).as("the high bits of a scalar").isEqualTo(0x40);
        assertThat(OwnKey.isKey(made.publicKey())).isTrue();
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keys.resolve("wireguard.key"))))
                .isEqualTo("rw-------");
        assertThat(Files.readString(keys.resolve("wireguard.pub"))).isEqualTo(made.publicKey() + "\n");
        assertThat(made.toString()).doesNotContain(Base64.getEncoder().encodeToString(made.secret()));
        assertThat(OwnKey.in(folder.resolve("other")).publicKey()).isNotEqualTo(made.publicKey());
    }

    @Test
    void thePublicKeyFollowsFromThePrivateOne() throws Exception {
        Files.writeString(folder.resolve("wireguard.key"), SECRET + "\n");
        Files.writeString(folder.resolve("wireguard.pub"), "of another key\n");

        assertThat(OwnKey.in(folder).publicKey()).isEqualTo(PUBLIC);
        assertThat(Files.readString(folder.resolve("wireguard.pub"))).isEqualTo(PUBLIC + "\n");
    }

    @Test
    void aDamagedKeyIsToldOfWithoutItsContentAndNotReplaced() throws Exception {
        Files.writeString(folder.resolve("wireguard.key"), SECRET.substring(4));

        assertThatThrownBy(() -> OwnKey.in(folder))
                .hasMessageContaining("wireguard.key is no key of 32 bytes")
                .hasMessageNotContaining(SECRET.substring(8, 16));
        assertThat(Files.readString(folder.resolve("wireguard.key"))).isEqualTo(SECRET.substring(4));
    }
}
