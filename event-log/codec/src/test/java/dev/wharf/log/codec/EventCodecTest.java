package dev.wharf.log.codec;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.core.state.BuildStep;
import dev.wharf.model.ContainerId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(value = 120, unit = TimeUnit.SECONDS)
class EventCodecTest {
    private static final ContainerId WEB = new ContainerId("ab".repeat(32));
    private static final Actor ROOT = new Actor(Actor.Kind.PEER, "root", Map.of("uid", "0", "pid", "77"));

    private final EventCodec codec = new EventCodec();

    private static ByteBuffer text(String json) {
        return ByteBuffer.wrap(json.replace('\'', '"').getBytes(StandardCharsets.UTF_8));
    }

    private String json(Event event) throws IOException {
        return new String(codec.encode(event), StandardCharsets.UTF_8).replace('"', '\'');
    }

    @Test
    void everyEventInTheCatalogueCanBeStored() {
        codec.checkCatalogue();
        assertThat(codec.versions()).hasSizeGreaterThan(50).containsEntry("container.started", 1);
    }

    @Test
    void whatIsWrittenIsReadAgain() throws IOException {
        for (String type : codec.versions().keySet()) {
            for (int seed = 0; seed < 40; seed++) {
                Event event = Samples.random(codec.classOf(type).orElseThrow(), new Random(seed));
                assertThat(codec.decodeEvent(ByteBuffer.wrap(codec.encode(event))))
                        .as("%s of seed %s", type, seed)
                        .isEqualTo(event);
                Event full = Samples.full(codec.classOf(type).orElseThrow());
                assertThat(codec.decodeEvent(ByteBuffer.wrap(codec.encode(full))))
                        .isEqualTo(full);
            }
        }
    }

    @Test
    void whatWasReadBeforeDoesNotShowInWhatIsReadNow() throws IOException {
        List<Event> events = new ArrayList<>();
        for (String type : codec.versions().keySet()) {
            for (int seed = 0; seed < 5; seed++) {
                events.add(Samples.random(codec.classOf(type).orElseThrow(), new Random(seed)));
            }
            events.add(Samples.full(codec.classOf(type).orElseThrow()));
        }
        Random chance = new Random(7);
        for (int round = 0; round < 20; round++) {
            Collections.shuffle(events, chance);
            Batch batch = new Batch(
                    new Cause(new CommandId("c" + round % 3), Optional.empty(), ROOT),
                    Instant.EPOCH,
                    List.copyOf(events));

            assertThat(codec.decodeBatch(ByteBuffer.wrap(codec.encode(batch)))).isEqualTo(batch);
            for (Event event : events.subList(0, 100)) {
                assertThat(codec.decodeEvent(ByteBuffer.wrap(codec.encode(event))))
                        .isEqualTo(event);
            }
        }
    }

    @Test
    void whatIsSaidAgainIsThereOnce() throws IOException {
        String began =
                "{'cause':{'command':'c1','actor':{'kind':'PEER','name':'root','details':{'uid':'0','pid':'77'}}},"
                        + "'at':'2026-01-01T00:00:00Z','events':[{'type':'container.removed','v':1,'data':{'container':'";
        Batch first = codec.decodeBatch(text(began + WEB + "'}}]}"));
        Batch second = codec.decodeBatch(text(began + WEB + "'}}]}"));
        Batch other = codec.decodeBatch(text(began.replace("'77'", "'78'") + "cd".repeat(32) + "'}}]}"));

        assertThat(second).isEqualTo(first);
        assertThat(second.cause()).isSameAs(first.cause());
        assertThat(((ContainerEvent) second.events().get(0)).container())
                .isSameAs(((ContainerEvent) first.events().get(0)).container());
        assertThat(other.cause().actor().details()).containsEntry("pid", "78");
        assertThat(((ContainerEvent) other.events().get(0)).container().value()).isEqualTo("cd".repeat(32));
    }

    @Test
    void batchesKeepTheirCauseTimeAndOrder() throws IOException {
        Random chance = new Random(1);
        for (int i = 0; i < 200; i++) {
            List<Event> events = new ArrayList<>();
            for (String type : codec.versions().keySet()) {
                if (chance.nextInt(20) == 0) {
                    events.add(Samples.random(codec.classOf(type).orElseThrow(), chance));
                }
            }
            Batch batch = new Batch(
                    new Cause(
                            new CommandId("c" + i),
                            chance.nextBoolean() ? Optional.of(new Position(i)) : Optional.empty(),
                            chance.nextBoolean() ? ROOT : Actor.WHARF),
                    Instant.ofEpochSecond(1_700_000_000L + i, chance.nextInt(1_000_000_000)),
                    events);
            byte[] text = codec.encode(batch);
            EventCodec.Found found = codec.find(ByteBuffer.wrap(text));
            assertThat(found.batch()).isEqualTo(batch);
            for (int at = 0; at < events.size(); at++) {
                assertThat(Arrays.copyOfRange(text, found.bounds()[2 * at], found.bounds()[2 * at + 1]))
                        .isEqualTo(codec.encode(events.get(at)));
            }
        }
    }

    /** It is published as it would be written now, whose version the reader is told. */
    @Test
    void theTextOfAnEventOfAnOlderVersionIsNotGivenOut() throws IOException {
        EventCodec old = new EventCodec(List.of(new Upcaster(
                "container.renamed",
                0,
                data -> data.put("oldName", data.remove("from").asText()))));
        String event = "{'type':'container.renamed','v':%d,'data':{'container':'" + WEB + "','%s':'old','name':'new'}}";
        EventCodec.Found found = old.find(text("{'cause':{'command':'c','actor':{'kind':'WHARF','name':'wharf'}},"
                + "'at':'2026-01-01T00:00:00Z','events':["
                + event.formatted(0, "from") + "," + event.formatted(1, "oldName") + "]}"));
        assertThat(found.batch().events())
                .containsExactly(
                        new ContainerEvent.Renamed(WEB, "old", "new"), new ContainerEvent.Renamed(WEB, "old", "new"));
        assertThat(found.bounds()).hasSize(4).startsWith(0, 0);
        assertThat(found.bounds()[3]).isGreaterThan(found.bounds()[2]);
    }

    /** As the name of a file comes that is not in UTF-8: once written, it would keep the agent from starting. */
    @Test
    void halfACharacterInANameIsNotWritten() throws IOException {
        BuildStep full = ((BuildEvent.Stepped) Samples.full(BuildEvent.Stepped.class)).step();
        BuildEvent.Stepped half = new BuildEvent.Stepped(new BuildStep(
                full.build(),
                full.number(),
                full.stage(),
                full.instruction(),
                full.key(),
                full.cached(),
                full.took(),
                full.sizeBytes(),
                full.at(),
                full.told(),
                full.created(),
                full.layer(),
                full.holder(),
                Map.of("caf\udce9", "x\udce9", "whole \ud83d\ude00", "y")));

        BuildStep read = ((BuildEvent.Stepped) codec.decodeEvent(ByteBuffer.wrap(codec.encode(half)))).step();

        assertThat(read.inputs()).containsOnlyKeys("caf\ufffd", "whole \ud83d\ude00");
    }

    @Test
    void anEventIsItsTypeItsVersionAndItsData() throws IOException {
        assertThat(json(new ContainerEvent.Renamed(WEB, "old", "new")))
                .isEqualTo("{'type':'container.renamed','v':1,'data':{'container':'" + WEB
                        + "','oldName':'old','name':'new'}}");
    }

    @Test
    void emptyFieldsAreNotWrittenAndMissingOnesAreEmpty() throws IOException {
        ContainerEvent.StartRequested none = new ContainerEvent.StartRequested(WEB, List.of());
        assertThat(json(none)).doesNotContain("endpoints");
        assertThat(codec.decodeEvent(
                        text("{'type':'container.start-requested','v':1,'data':{'container':'" + WEB + "'}}")))
                .isEqualTo(none);
        assertThat(codec.decodeEvent(
                        text("{'type':'host.opened','v':1,'data':{'id':'h','at':'2026-01-01T00:00:00Z'}}")))
                .isEqualTo(new HostEvent.Opened("h", 0, "", Instant.parse("2026-01-01T00:00:00Z")));
    }

    @Test
    void unknownFieldsAndAnyOrderAreReadOver() throws IOException {
        String data = "{'later':{'deep':[1,{'x':null}]},'name':'new','more':[[]],'container':'" + WEB
                + "','oldName':'old','last':false}";
        assertThat(codec.decodeEvent(text("{'type':'container.renamed','v':1,'extra':[1],'data':" + data + "}")))
                .isEqualTo(new ContainerEvent.Renamed(WEB, "old", "new"));
    }

    @Test
    void timesKeepTheirNanoseconds() throws IOException {
        for (String time : List.of(
                "2026-01-01T00:00:00Z",
                "2026-12-31T23:59:59.999999999Z",
                "1970-01-01T00:00:00.000000001Z",
                "2026-02-28T12:00:00.100Z",
                "2026-02-28T12:00:00.123456Z",
                "-0001-02-28T12:00:00Z",
                "0999-12-31T23:59:59.9Z",
                "1000-01-01T00:00:00Z",
                "1969-12-31T23:59:59.999Z",
                "9999-12-31T23:59:59.000000010Z",
                "+10000-01-01T00:00:00Z",
                "+12345-02-28T12:00:00.5Z")) {
            Instant at = Instant.parse(time);
            assertThat(InstantText.parse(at.toString())).isEqualTo(at);
            assertThat(InstantText.parse(time)).isEqualTo(at);
            assertThat(InstantText.print(at)).isEqualTo(at.toString());
            Event event = new HostEvent.Booted("b", at);
            assertThat(codec.decodeEvent(ByteBuffer.wrap(codec.encode(event)))).isEqualTo(event);
        }
    }

    @Test
    void aTypeThatIsNotKnownStopsTheReader() {
        assertThatThrownBy(() -> codec.decodeEvent(text("{'type':'container.teleported','v':1,'data':{}}")))
                .isInstanceOf(UnknownEventException.class)
                .hasMessageContaining("container.teleported");
    }

    @Test
    void aNewerVersionStopsTheReader() {
        assertThatThrownBy(() -> codec.decodeEvent(text("{'type':'container.renamed','v':9,'data':{}}")))
                .isInstanceOf(UnknownEventException.class)
                .hasMessageContaining("version 9");
    }

    @Test
    void upcastersChainToTheNewestVersion() throws IOException {
        EventCodec old = new EventCodec(List.of(
                new Upcaster(
                        "container.renamed",
                        -1,
                        data -> data.put("from", data.get("previous").asText())),
                new Upcaster(
                        "container.renamed",
                        0,
                        data -> data.put("oldName", data.remove("from").asText()))));
        assertThat(old.decodeEvent(text("{'type':'container.renamed','v':-1,'data':{'container':'" + WEB
                        + "','previous':'old','name':'new'}}")))
                .isEqualTo(new ContainerEvent.Renamed(WEB, "old", "new"));
        assertThat(old.decodeEvent(text("{'type':'container.renamed','v':0,'data':{'container':'" + WEB
                        + "','from':'old','name':'new'}}")))
                .isEqualTo(new ContainerEvent.Renamed(WEB, "old", "new"));
    }

    @Test
    void anOldVersionWithoutAnUpcasterStopsTheReader() {
        assertThatThrownBy(() -> codec.decodeEvent(text("{'type':'container.renamed','v':0,'data':{}}")))
                .isInstanceOf(UnknownEventException.class)
                .hasMessageContaining("no upcaster");
    }

    @Test
    void whatIsWrongIsSaidWithTheWholePath() {
        assertThatThrownBy(() -> codec.decodeEvent(text("{'type':'container.exited','v':1,'data':{'container':'" + WEB
                        + "','exit':{'code':'zero','at':'2026-01-01T00:00:00Z'}}}")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("container.exited")
                .hasMessageContaining("exit.code");
        assertThatThrownBy(() ->
                        codec.decodeEvent(text("{'type':'container.exited','v':1,'data':{'container':'" + WEB + "'}}")))
                .hasMessageContaining("exit")
                .hasMessageContaining("missing");
        assertThatThrownBy(() ->
                        codec.decodeEvent(text("{'type':'container.removed','v':1,'data':{'container':'../../x'}}")))
                .hasMessageContaining("invalid container id");
    }

    @Test
    void hostileTextIsRefusedAndNothingWorse() {
        String deep = "[".repeat(100_000) + "]".repeat(100_000);
        for (String data : List.of(
                "{'x':" + deep + "}",
                deep,
                "{'container':" + deep + "}",
                "{'container':" + "9".repeat(100_000) + "}",
                "{'container':null}",
                "null",
                "3",
                "{'container'",
                "{'container':'" + "a".repeat(100_000) + "'}")) {
            assertThatThrownBy(() -> codec.decodeEvent(text("{'type':'container.removed','v':1,'data':" + data + "}")))
                    .as(data.substring(0, Math.min(20, data.length())))
                    .isInstanceOf(IOException.class);
        }
        for (String batch : List.of("", "{}", "[]", "{'events':[]}", "{'cause':{}}", "null", "{'events':3}")) {
            assertThatThrownBy(() -> codec.decodeBatch(text(batch))).as(batch).isInstanceOf(IOException.class);
        }
    }

    @Test
    void anyMutilatedBatchIsReadOrRefused() throws IOException {
        byte[] whole = codec.encode(new Batch(
                new Cause(CommandId.NONE, Optional.of(new Position(3)), ROOT),
                Instant.parse("2026-01-02T03:04:05.678Z"),
                List.of(Samples.full(ContainerEvent.Started.class), Samples.full(ContainerEvent.Exited.class))));
        Random chance = new Random(5);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = whole.clone();
            for (int flips = 1 + chance.nextInt(3); flips > 0; flips--) {
                bytes[chance.nextInt(bytes.length)] ^= (byte) (1 << chance.nextInt(8));
            }
            try {
                codec.decodeBatch(ByteBuffer.wrap(
                        bytes, 0, chance.nextInt(4) == 0 ? chance.nextInt(bytes.length) : bytes.length));
            } catch (IOException e) {
                // Refused, as it should be; anything else fails the test.
            }
        }
    }

    @Test
    void noSecretIsInTheCatalogue() throws IOException {
        for (String type : codec.versions().keySet()) {
            assertThat(json(Samples.full(codec.classOf(type).orElseThrow())).toLowerCase(java.util.Locale.ROOT))
                    .doesNotContain("password")
                    .doesNotContain("secret")
                    .doesNotContain("credential");
        }
    }
}
