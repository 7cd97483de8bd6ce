package dev.wharf.oci.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.Digest;
import dev.wharf.model.ImageConfig;
import dev.wharf.model.Platform;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ImageConfigsTest {
    private static final Digest DIFF = Digest.sha256("tar");

    private static final String DOCKER = """
            {"architecture": "arm64", "variant": "v8", "os": "linux", "created": "2024-05-01T10:00:00.123456789Z",
             "author": "me", "docker_version": "24.0.7", "container": "abc",
             "container_config": {"Env": ["EVIL=1"], "Cmd": ["evil"]},
             "HostConfig": {"Privileged": true}, "SecurityOpt": ["seccomp=unconfined"],
             "config": {
               "Hostname": "", "User": "65534:65534", "AttachStdin": false,
               "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
               "Env": ["PATH=/bin", "LANG=C"],
               "Entrypoint": ["/entry"], "Cmd": ["serve", "--now"], "ArgsEscaped": true, "Image": "",
               "Volumes": {"/data": {}}, "WorkingDir": "/srv",
               "OnBuild": null, "Labels": {"b": "2", "a": "1"}, "StopSignal": "SIGQUIT", "Shell": ["/bin/bash", "-c"],
               "Healthcheck": {"Test": ["CMD-SHELL", "true"], "Interval": 30000000000, "Timeout": 1500000000,
                               "StartPeriod": 5000000000, "StartInterval": 1, "Retries": 3}},
             "rootfs": {"type": "layers", "diff_ids": ["%s"]},
             "history": [{"created": "2024-05-01T10:00:00Z", "created_by": "ADD x"},
                         {"created_by": "CMD", "comment": "c", "author": "a", "empty_layer": true}]}
            """.formatted(DIFF);

    @Test
    void aDockerConfigIsRead() throws Exception {
        ImageConfig config = parse(DOCKER);

        assertThat(config.platform()).isEqualTo(new Platform("linux", "arm64", "v8"));
        assertThat(config.created()).isEqualTo("2024-05-01T10:00:00.123456789Z");
        assertThat(config.user()).isEqualTo("65534:65534");
        assertThat(config.exposedPorts()).containsExactly("80/tcp", "53/udp");
        assertThat(config.env()).containsExactly("PATH=/bin", "LANG=C");
        assertThat(config.entrypoint()).containsExactly("/entry");
        assertThat(config.cmd()).containsExactly("serve", "--now");
        assertThat(config.volumes()).containsExactly("/data");
        assertThat(config.workingDir()).isEqualTo("/srv");
        assertThat(config.labels()).containsExactly(Map.entry("b", "2"), Map.entry("a", "1"));
        assertThat(config.stopSignal()).isEqualTo("SIGQUIT");
        assertThat(config.shell()).containsExactly("/bin/bash", "-c");
        assertThat(config.diffIds()).containsExactly(DIFF);
        assertThat(config.history())
                .containsExactly(
                        new ImageConfig.History("2024-05-01T10:00:00Z", "ADD x", "", "", false),
                        new ImageConfig.History("", "CMD", "a", "c", true));
    }

    @Test
    void theTimesOfAHealthcheckAreNanoseconds() throws Exception {
        var check = parse(DOCKER).healthcheck().orElseThrow();

        assertThat(check.interval()).isEqualTo(Duration.ofSeconds(30));
        assertThat(check.timeout()).isEqualTo(Duration.ofMillis(1500));
        assertThat(check.startPeriod()).isEqualTo(Duration.ofSeconds(5));
        assertThat(check.startInterval()).isEqualTo(Duration.ofNanos(1));
        assertThat(check.retries()).isEqualTo(3);
        assertThat(check.test()).containsExactly("CMD-SHELL", "true");
    }

    @Test
    void settingsForTheHostAreNotTakenFromAnImage() throws Exception {
        assertThat(parse(DOCKER).toString()).doesNotContain("EVIL", "evil", "seccomp", "Privileged");
    }

    @Test
    void whatIsWrittenIsReadAndIsTheSameEachTime() throws Exception {
        ImageConfig config = parse(DOCKER);

        assertThat(ImageConfigs.parse(ImageConfigs.write(config))).isEqualTo(config);
        assertThat(ImageConfigs.write(config)).isEqualTo(ImageConfigs.write(config));
    }

    @Test
    void aConfigOfLittleIsEnough() throws Exception {
        ImageConfig config = parse("{\"config\": null, \"rootfs\": {\"diff_ids\": null}}");

        assertThat(config.platform().os()).isEqualTo("linux");
        assertThat(config.platform().architecture()).isEqualTo(Platform.host().architecture());
        assertThat(config.cmd()).isEmpty();
        assertThat(config.healthcheck()).isEmpty();
        assertThat(config.history()).isEmpty();
    }

    @Test
    void aCommandWrittenAsOneStringIsOneWord() throws Exception {
        assertThat(parse(DOCKER.replace("[\"/entry\"]", "\"/entry\"")).entrypoint())
                .containsExactly("/entry");
    }

    /** Spring Boot's builder images say RootFS and History, and engines never told the cases apart. */
    @Test
    void namesOfFieldsAreReadInAnyCaseAndThoseOfLabelsAreNot() throws Exception {
        ImageConfig config = parse("""
                {"Config": {"env": ["A=1"], "Labels": {"config": "small", "Config": "great"}}, "Created": "1980-01-01T00:00:01Z",
                 "History": [{"Created_By": "x", "Empty_Layer": true}], "OS": "linux", "Architecture": "s390x",
                 "RootFS": {"Type": "layers", "Diff_IDs": ["%s"]}}""".formatted(DIFF));

        assertThat(config.env()).containsExactly("A=1");
        assertThat(config.labels()).containsExactly(Map.entry("config", "small"), Map.entry("Config", "great"));
        assertThat(config.created()).isEqualTo("1980-01-01T00:00:01Z");
        assertThat(config.history().get(0).createdBy()).isEqualTo("x");
        assertThat(config.history().get(0).emptyLayer()).isTrue();
        assertThat(config.platform().architecture()).isEqualTo("s390x");
        assertThat(config.diffIds()).containsExactly(DIFF);
    }

    @Test
    void brokenConfigsAreRefused() {
        assertRefused("{}", "no \"rootfs\"");
        assertRefused(DOCKER.replace("[\"PATH=/bin\", \"LANG=C\"]", "{\"PATH\": \"/bin\"}"), "\"Env\" is not a list");
        assertRefused(DOCKER.replace("\"LANG=C\"", "17"), "not a string");
        assertRefused(DOCKER.replace("LANG=C", "LANG=\\u0000"), "NUL");
        assertRefused(DOCKER.replace(DIFF.toString(), "md5:abc"), "unsupported digest algorithm");
        assertRefused(DOCKER.replace("\"Retries\": 3", "\"Retries\": 30000000000"), "out of range");
        assertRefused(DOCKER.replace("\"Interval\": 3", "\"Interval\": -3"), "negative");
        assertRefused(DOCKER.replace("\"type\": \"layers\"", "\"type\": \"base\""), "unsupported rootfs type");
        assertRefused(DOCKER.replace("\"container\"", "\"layers\""), "ambiguous");
        assertRefused(DOCKER.replace("\"container\"", "\"Rootfs\""), "\"rootfs\" in two spellings");
        assertRefused(" ".repeat(ImageConfigs.LIMIT_BYTES) + DOCKER, "too big");
        assertRefused(DOCKER.replace("[{\"created\"", "[null, {\"created\""), "not an object");
    }

    @Test
    void manyHealthyFieldsDoNotMakeTheHistoryEndless() {
        String line = "{\"created_by\": \"x\"},";
        assertRefused(DOCKER.replace("\"history\": [", "\"history\": [" + line.repeat(30_000)), "30002 elements");
    }

    private static ImageConfig parse(String document) throws DocumentException {
        return ImageConfigs.parse(document.getBytes(StandardCharsets.UTF_8));
    }

    private static void assertRefused(String document, String why) {
        assertThatThrownBy(() -> parse(document))
                .isInstanceOf(DocumentException.class)
                .hasMessageContaining(why);
    }
}
