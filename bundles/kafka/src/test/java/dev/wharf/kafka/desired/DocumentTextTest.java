package dev.wharf.kafka.desired;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.model.DocumentKey;
import dev.wharf.model.PortWish;
import dev.wharf.model.RestartPolicy;
import dev.wharf.model.ServiceSpec;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DocumentTextTest {
    private static final DocumentKey GROUP = new DocumentKey("group/shop");

    private static DocumentText read(DocumentKey key, String text) throws DocumentText.MalformedException {
        return DocumentText.read(key, text.getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void everythingThatCanBeSaidIsRead() throws Exception {
        DocumentText text = read(GROUP, """
                {"v": 1, "selector": {"role": "web"},
                 "networks": {"shop": {"driver": "vxlan", "subnet": "10.9.0.0/16"}},
                 "volumes": {"data": {}},
                 "services": {"web": {"image": "busybox", "command": ["httpd"], "env": {"A": "b"}, "replicas": 3,
                   "ports": ["127.0.0.1:8080-8089:80"], "networks": ["shop"], "volumes": ["data:/data:ro"],
                   "health": {"test": ["CMD", "true"], "interval": "500ms", "retries": 2},
                   "restart": "on-failure:3", "memory": "64m", "cpus": 0.5, "labels": {"a": "b"},
                   "update": {"parallelism": 2, "order": "start-first", "gate": "2m", "settle": "1s",
                              "maxFailures": 1, "onFailure": "pause"}}}}
                """);
        assertThat(text.networks().get(0).driver().value()).isEqualTo("overlay");
        assertThat(text.volumes().get(0).name().value()).isEqualTo("data");
        ServiceSpec web = text.services().get(0);
        assertThat(web.env()).containsExactly("A=b");
        assertThat(web.ports()).containsExactly(new PortWish(80, "tcp", "127.0.0.1", 8080, 8089));
        assertThat(web.volumes()).containsExactly(new ServiceSpec.Volume("data", "/data", true));
        assertThat(web.health().orElseThrow().interval()).isEqualTo(Duration.ofMillis(500));
        assertThat(web.restart()).isEqualTo(new RestartPolicy(RestartPolicy.Kind.ON_FAILURE, 3));
        assertThat(web.memoryBytes()).isEqualTo(64 << 20);
        assertThat(web.nanoCpus()).isEqualTo(500_000_000);
        assertThat(web.update())
                .isEqualTo(new ServiceSpec.Update(2, true, Duration.ofMinutes(2), Duration.ofSeconds(1), 1, false));
    }

    @Test
    void aGroupIsChosenByLabelsAndAHostByItsNameOrId() throws Exception {
        DocumentText group = read(GROUP, "{\"v\":1,\"selector\":{\"role\":\"web\"},\"services\":{}}");
        assertThat(group.chooses(GROUP, "id", "name", Map.of("role", "web", "zone", "a")))
                .isTrue();
        assertThat(group.chooses(GROUP, "id", "name", Map.of("role", "db"))).isFalse();
        DocumentKey host = new DocumentKey("host/name");
        DocumentText own = read(host, "{\"v\":1,\"services\":{}}");
        assertThat(own.chooses(host, "id", "name", Map.of())).isTrue();
        assertThat(own.chooses(host, "name", "other", Map.of())).isTrue();
        assertThat(own.chooses(host, "id", "other", Map.of())).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{ | not JSON",
                "[] | must be an object",
                "{} | v must be 1",
                "{'v':2} | v must be 1",
                "{'v':1,'v':1} | twice",
                "{'v':1} {} | not JSON",
                "{'v':1,'service':{}} | service is not known; known are networks, selector, services, v, volumes",
                "{'v':1,'services':{'web':{}}} | services.web.image is missing",
                "{'v':1,'services':{'Web':{'image':'a'}}} | invalid service name",
                "{'v':1,'services':{'web':{'image':'a','imag':'b'}}} | services.web.imag is not known",
                "{'v':1,'services':{'web':{'image':'A B'}}} | services.web",
                "{'v':1,'services':{'web':{'image':'a','replicas':-1}}} | from 0 to 1000",
                "{'v':1,'services':{'web':{'image':'a','replicas':'3'}}} | must be a whole number",
                "{'v':1,'services':{'web':{'image':'a','command':[80]}}} | put number 1 in quotes",
                "{'v':1,'services':{'web':{'image':'a','replicas':2,'ports':['80:80']}}} | give a range such as 80-81",
                "{'v':1,'services':{'web':{'image':'a','ports':['80']}}} | which is not",
                "{'v':1,'services':{'web':{'image':'a','volumes':['/etc']}}} | which is not SOURCE:TARGET",
                "{'v':1,'services':{'web':{'image':'a','volumes':['x:/a/../b']}}} | invalid mount path",
                "{'v':1,'services':{'web':{'image':'a','restart':'often'}}} | restart must be",
                "{'v':1,'services':{'web':{'image':'a','health':{'test':['true']}}}} | must begin with CMD",
                "{'v':1,'services':{'web':{'image':'a','memory':'lots'}}} | must be a size",
                "{'v':1,'services':{'web':{'image':'a','cpus':-1}}} | must be a number",
                "{'v':1,'services':{'web':{'image':'a','update':{'gate':'soon'}}}} | must be a time",
                "{'v':1,'services':{'web':{'image':'a','update':{'order':'any'}}}} | must be one of",
                "{'v':1,'services':{'web':{'image':'a','labels':{'dev.wharf.service':'x'}}}} | is no label for you",
                "{'v':1,'networks':{'host':{}}} | that is no name for a network",
                "{'v':1,'services':{'web':{'image':'a','env':{'A=B':'c'}}}} | env has a name that is empty or has a =",
                "{'v':1,'services':{'web':{'image':'a','networks':['host','x']}}} | must have host or none alone",
                "{'v':1,'networks':{'a':{'subnet':'10.77'}}} | networks.a.subnet must be a subnet such as",
                "{'v':1,'networks':{'a':{'subnet':'10.77.0.1/16'}}} | networks.a.subnet must be 10.77.0.0/16, not",
                "{'v':1,'networks':{'a':{'subnet':'10.77.0.0/16'},'b':{'subnet':'10.77.9.0/24'}}} | networks.b.subnet"
                        + " 10.77.9.0/24 overlaps 10.77.0.0/16 of network a"
            })
    void whatIsWrongIsRefusedWithItsPlace(String text, String reason) {
        assertThatThrownBy(() -> read(GROUP, text.replace('\'', '"')))
                .isInstanceOf(DocumentText.MalformedException.class)
                .hasMessageContaining(reason);
    }

    /** A refusal is published, and what stands in the wrong place may be a secret. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "canary",
                "{'v':1,'services':{'web':{'image':'a','env':[canary]}}}",
                "{'v':1,'services':{'web':{'image':'a','env':['canary']}}}",
                "{'v':1,'services':{'web':{'image':'a','env':[{'A':'canary'}]}}}",
                "{'v':1,'services':{'web':{'image':'a','env':{'=canary':'x'}}}}"
            })
    void whatCannotBeReadIsNotRepeated(String text) {
        assertThatThrownBy(() -> read(GROUP, text.replace('\'', '"')))
                .isInstanceOf(DocumentText.MalformedException.class)
                .hasMessageNotContaining("canary");
    }
}
