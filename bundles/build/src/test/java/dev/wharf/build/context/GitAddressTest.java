package dev.wharf.build.context;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class GitAddressTest {
    @Test
    void whatDockerTakesForARepositoryIsOne() {
        assertThat(GitAddress.isOne("git://host/x")).isTrue();
        assertThat(GitAddress.isOne("github.com/moby/moby")).isTrue();
        assertThat(GitAddress.isSource("github.com/moby/moby")).isFalse();
        assertThat(GitAddress.isSource("https://host/x.git#v1")).isTrue();
        assertThat(GitAddress.isOne("https://host/x.git")).isTrue();
        assertThat(GitAddress.isOne("https://host/x.git#v1:dir")).isTrue();
        assertThat(GitAddress.isOne("git@host:x.git")).isTrue();
        assertThat(GitAddress.isOne("https://host/x.tar.gz")).isFalse();
        assertThat(GitAddress.isOne("https://host/x#y.git")).isFalse();
    }

    @Test
    void anAddressHasARefAndAFolder() throws Exception {
        assertThat(GitAddress.parse("https://host/x.git")).isEqualTo(new GitAddress("https://host/x.git", "", ""));
        assertThat(GitAddress.parse("https://host/x.git#v1")).isEqualTo(new GitAddress("https://host/x.git", "v1", ""));
        assertThat(GitAddress.parse("https://host/x.git#:a/b/"))
                .isEqualTo(new GitAddress("https://host/x.git", "", "a/b"));
        assertThat(GitAddress.parse("github.com/a/b#main:c"))
                .isEqualTo(new GitAddress("https://github.com/a/b", "main", "c"));
    }

    @Test
    void whatWouldReachFurtherIsRefused() {
        for (String harmful : new String[] {
            "ssh://host/x.git",
            "git@host:x.git",
            "file:///etc/x.git",
            "https://host/x.git#--upload-pack=evil",
            "https://host/x.git#a..b",
            "https://host/x.git#main:../../etc"
        }) {
            assertThatThrownBy(() -> GitAddress.parse(harmful)).as(harmful).isInstanceOf(ContextException.class);
        }
    }

    @Test
    void credentialsAreNotShown() throws Exception {
        assertThat(GitAddress.parse("https://user:word@host/x.git").toString())
                .doesNotContain("word")
                .contains("https://host/x.git");
    }

    @Test
    void aPartMayBeNamedFromTheWhole() throws Exception {
        GitAddress whole = GitAddress.parse("https://host/a/whole.git");

        assertThat(whole.resolve("../part.git")).isEqualTo("https://host/a/part.git");
        assertThat(whole.resolve("https://other/part.git")).isEqualTo("https://other/part.git");
    }
}
