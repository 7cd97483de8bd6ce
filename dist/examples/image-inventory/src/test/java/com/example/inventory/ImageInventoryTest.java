package com.example.inventory;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.TopologyTestDriver;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ImageInventoryTest {
    private static final Instant EARLY = Instant.parse("2026-05-01T10:00:00Z");
    private static final Instant LATE = Instant.parse("2026-05-01T11:00:00Z");

    private final TopologyTestDriver driver = new TopologyTestDriver(ImageInventory.topology("wharf"), settings());
    private final TestInputTopic<String, byte[]> states =
            driver.createInputTopic("wharf.state", new StringSerializer(), new ByteArraySerializer());
    private final TestOutputTopic<String, Inventory> images = driver.createOutputTopic(
            "wharf.images", new StringDeserializer(), Json.serde(Inventory.class).deserializer());

    private static Properties settings() {
        Properties settings = new Properties();
        settings.put(StreamsConfig.APPLICATION_ID_CONFIG, "test");
        settings.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "nowhere:1");
        return settings;
    }

    @AfterEach
    void close() {
        driver.close();
    }

    /** As much of a container's state as the inventory reads, in the shape of the contract. */
    private void container(String host, String id, String image, Instant startedAt, boolean runs) {
        String process = runs
                ? "{\"certainty\":\"PRESENT\",\"last\":{\"init\":{\"pid\":7},\"generation\":1,\"started\":true}}"
                : "{\"certainty\":\"ABSENT\"}";
        states.pipeInput(
                host + "/container:" + id,
                ("{\"type\":\"container.recorded\",\"v\":1,\"data\":{\"state\":{\"id\":\"" + id + "\",\"name\":\"c-" + id
                                + "\",\"spec\":{\"image\":\"sha256:00\",\"imageReference\":\"" + image
                                + "\"},\"startedAt\":\"" + startedAt + "\",\"process\":" + process + "}}}")
                        .getBytes(StandardCharsets.UTF_8));
    }

    private Inventory newest(String image) {
        return images.readKeyValuesToMap().get(image);
    }

    @Test
    void anImageIsWhereContainersOfItRunSinceTheFirstOfThemWasStarted() {
        container("one", "a", "nginx", LATE, true);
        container("one", "b", "nginx", EARLY, true);
        container("two", "c", "nginx", LATE, true);
        container("two", "d", "redis", LATE, true);
        Map<String, Inventory> all = images.readKeyValuesToMap();
        assertThat(all).containsOnlyKeys("nginx", "redis");
        assertThat(all.get("nginx").hosts()).containsOnlyKeys("one", "two");
        assertThat(all.get("nginx").since("one")).isEqualTo(EARLY);
        assertThat(all.get("nginx").since("two")).isEqualTo(LATE);
        assertThat(all.get("nginx").hosts().get("one"))
                .containsEntry("a", new Inventory.Container("c-a", LATE));
    }

    @Test
    void whatStopsOrGoesIsTakenOut() {
        container("one", "a", "nginx", EARLY, true);
        container("two", "b", "nginx", EARLY, true);
        container("one", "a", "nginx", EARLY, false);
        assertThat(newest("nginx").hosts()).containsOnlyKeys("two");
        states.pipeInput("two/container:b", null);
        assertThat(newest("nginx")).as("nothing is left of it").isNull();
    }

    @Test
    void aContainerThatIsMadeAnewFromAnotherImageChangesSides() {
        container("one", "a", "nginx:1", EARLY, true);
        images.readKeyValuesToMap();
        container("one", "a", "nginx:2", LATE, true);
        Map<String, Inventory> all = images.readKeyValuesToMap();
        assertThat(all.get("nginx:1")).isNull();
        assertThat(all.get("nginx:2").since("one")).isEqualTo(LATE);
    }

    @Test
    void otherSubjectsDoNotCount() {
        states.pipeInput("one/volume:data", "{\"type\":\"volume.recorded\"}".getBytes(StandardCharsets.UTF_8));
        states.pipeInput("one/image:sha256:00", null);
        assertThat(images.isEmpty()).isTrue();
    }
}
