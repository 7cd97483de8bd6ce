package dev.wharf.cli.support;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MaskTest {
    private static final String SECRET = "hunter2-hunter2";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "login password=hunter2-hunter2 user=me",
                "login password: hunter2-hunter2",
                "login password=a,b;c&hunter2-hunter2",
                "login password=a\\hunter2-hunter2",
                "login password=\"two words \\\" hunter2-hunter2\" user=me",
                "login {\\\"password\\\":\\\"two words, hunter2-hunter2\\\"}",
                "redis-server --requirepass hunter2-hunter2",
                "run --password 'two words hunter2-hunter2'",
                "|2 greeting=hunter2-hunter2 b=two hunter2-hunter2 /bin/sh -c make",
                "clone https://hunter2-hunter2@git.example/repository.git",
                "GET https://store.example/blob?se=2026&sig=hunter2-hunter2&x=1",
                "sh -c 'run --password hunter2-hunter2 --fast'",
                "run --api-key=hunter2-hunter2",
                "GET https://me:hunter2-hunter2@registry.example/v2/",
                "Authorization: Bearer hunter2-hunter2",
                "x-registry-auth: hunter2-hunter2",
                "docker run -e DATABASE_URL=hunter2-hunter2 web",
                "export GREETING='hunter2-hunter2 and more'",
                "{\\\"clientSecret\\\":\\\"hunter2-hunter2\\\"}",
                "-----BEGIN PRIVATE KEY-----\nhunter2-hunter2\n-----END PRIVATE KEY-----"
            })
    void aSecretLeavesATextWhereverSecretsStand(String text) {
        assertThat(Mask.text(text)).doesNotContain(SECRET).contains(Mask.MASKED);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "container started id=3f5d name=web pid=4711",
                "tls.authorities = /etc/wharf/ca.pem",
                "36 25 0:32 / /run/wharf/rootfs rw,relatime - overlay overlay rw,lowerdir=/a:/b,upperdir=/c",
                "docker-image://busybox@sha256:4711",
                "bypassed=no user=me",
                "author: somebody"
            })
    void whatIsNoSecretStays(String text) {
        assertThat(Mask.text(text)).isEqualTo(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{\"Config\":{\"Env\":[\"PATH=/bin\",\"A=hunter2-hunter2\"]}}",
                "{\"spec\":{\"environment\":{\"a\":\"hunter2-hunter2\"}}}",
                "{\"Labels\":{\"db.password\":\"hunter2-hunter2\"}}",
                "{\"Args\":[\"--token\",\"hunter2-hunter2\"]}",
                "{\"Cmd\":[\"sh\",\"-c\",\"KEYWORD=hunter2-hunter2 run\"]}",
                "{\"Options\":{\"auth\":[\"hunter2-hunter2\"]}}",
                "{\"env\":[{\"name\":\"a\",\"value\":\"hunter2-hunter2\"}]}"
            })
    void aSecretLeavesJsonWhereverSecretsStand(String json) throws IOException {
        assertThat(Mask.json(json)).doesNotContain(SECRET).contains(Mask.MASKED);
    }

    @Test
    void jsonKeepsItsShapeAndTheNamesOfVariables() throws IOException {
        String json =
                "{\"Env\":[\"PATH=/bin\"],\"Pid\":4711,\"Name\":\"web\",\"Up\":true,\"None\":null,\"Ports\":[80,443]}";

        assertThat(Mask.json(json))
                .isEqualTo("{\"Env\":[\"PATH=***\"],\"Pid\":4711,\"Name\":\"web\",\"Up\":true,\"None\":null,"
                        + "\"Ports\":[80,443]}\n");
    }

    @Test
    void severalDocumentsStayALineEach() throws IOException {
        assertThat(Mask.json("{\"a\":1}\n{\"b\":2}\n")).isEqualTo("{\"a\":1}\n{\"b\":2}\n");
    }

    @Test
    void whatFollowsASecretStays() {
        assertThat(Mask.text("mount -o user=me,password=hunter2,uid=7 //host/share"))
                .isEqualTo("mount -o user=me,password=***,uid=7 //host/share");
        assertThat(Mask.text("|1 token=hunter2 /bin/sh -c make all")).isEqualTo("|1 *** /bin/sh -c make all");
    }

    @Test
    void aSecretLeavesSettingsHoweverTheyAreWritten() {
        assertThat(Mask.settings("sasl.password: hunter2\nsasl.password hunter2\n# sasl.password = hunter2\nport=9\n"))
                .isEqualTo("sasl.password: ***\nsasl.password ***\n# sasl.password = ***\nport=9\n");
        assertThat(Mask.settings("sasl.password = one\\\n  hunter2\nport=9\n"))
                .isEqualTo("sasl.password = ***\nport=9\n");
        assertThat(Mask.settings("jaas = Login required \\\n username=\"me\" password=\"a;b hunter2\";\n"))
                .isEqualTo("jaas = Login required  username=\"me\" password=***;\n");
    }

    @Test
    void settingsLoseSecretsAndKeepThePathsOfFilesThatHoldThem() {
        assertThat(Mask.settings(
                        "# by hand\nsasl.password = hunter2-hunter2\nsasl.password.file = /etc/wharf/kafka\nport=9\n"))
                .isEqualTo("# by hand\nsasl.password = ***\nsasl.password.file = /etc/wharf/kafka\nport=9\n");
    }
}
