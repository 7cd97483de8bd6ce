package dev.wharf.runtime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.spi.DriverException;
import java.util.List;
import org.junit.jupiter.api.Test;

class UsersTest {
    private static final Users IMAGE = Users.of("""
            root:x:0:0:root:/root:/bin/sh
            ann:x:1001:1002:Ann:/home/ann:/bin/sh
            nonsense
            half:x:twelve:13::/:
            1234:x:55:56:odd name:/home/odd:/bin/sh
            """, """
            root:x:0:root
            crew:x:1002:
            deck:x:1003:ann,root
            hold:x:1004:ann
            """);

    private static Users.Identity resolve(String user, String... additional) throws DriverException {
        return IMAGE.resolve(user, List.of(additional));
    }

    @Test
    void nobodyNamedIsRootWithItsGroups() throws DriverException {
        assertThat(resolve("")).isEqualTo(new Users.Identity(0, 0, List.of(0L, 1003L), "/root"));
    }

    @Test
    void aNameStandsForItsUidItsGroupAndTheGroupsThatNameIt() throws DriverException {
        assertThat(resolve("ann")).isEqualTo(new Users.Identity(1001, 1002, List.of(1003L, 1004L), "/home/ann"));
    }

    @Test
    void digitsAreAUidAndNeverAName() throws DriverException {
        assertThat(resolve("1234")).isEqualTo(new Users.Identity(1234, 0, List.of(), "/"));
        assertThat(resolve("55")).isEqualTo(new Users.Identity(55, 56, List.of(), "/home/odd"));
    }

    @Test
    void aGroupGivenIsTheOnlyOne() throws DriverException {
        assertThat(resolve("ann:deck")).isEqualTo(new Users.Identity(1001, 1003, List.of(), "/home/ann"));
        assertThat(resolve("7:8")).isEqualTo(new Users.Identity(7, 8, List.of(), "/"));
        assertThat(resolve(":hold").gid()).isEqualTo(1004);
    }

    @Test
    void additionalGroupsMayBeNamesOrNumbers() throws DriverException {
        assertThat(resolve("7:8", "deck", "99").groups()).containsExactly(1003L, 99L);
    }

    @Test
    void aNameThatTheImageDoesNotKnowIsRefused() {
        assertThatThrownBy(() -> resolve("bob"))
                .hasMessage("unable to find user bob: no matching entries in passwd file");
        assertThatThrownBy(() -> resolve("ann:nobodies"))
                .hasMessage("unable to find group nobodies: no matching entries in group file");
    }

    @Test
    void idsOutOfRangeAreRefused() {
        assertThatThrownBy(() -> resolve("4294967296")).hasMessageContaining("must be in range 0-2147483647");
        assertThatThrownBy(() -> resolve("99999999999999999999")).hasMessageContaining("must be in range");
        assertThatThrownBy(() -> resolve("0:2147483648")).hasMessageContaining("must be in range");
        assertThatThrownBy(() -> resolve("-1")).hasMessage("uids and gids must be in range 0-2147483647");
        assertThatThrownBy(() -> resolve("0:-1")).hasMessageContaining("must be in range");
    }

    @Test
    void anImageWithoutTheFilesKnowsNumbersOnly() throws DriverException {
        Users none = Users.of("", "");

        assertThat(none.resolve("", List.of())).isEqualTo(new Users.Identity(0, 0, List.of(), "/"));
        assertThat(none.resolve("5:6", List.of())).isEqualTo(new Users.Identity(5, 6, List.of(), "/"));
        assertThatThrownBy(() -> none.resolve("root", List.of())).hasMessageContaining("unable to find user root");
    }
}
