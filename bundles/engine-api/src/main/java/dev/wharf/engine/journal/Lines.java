package dev.wharf.engine.journal;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.event.EventType;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.story.Story;
import dev.wharf.engine.json.Json;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.model.Digest;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** Writes an event as a line of JSON: its place, its cause, what is stored of it, and how it is told. */
final class Lines {
    /** Made when the journal is first read, so that a start of the agent does not pay for it. */
    private static final class Codec {
        static final EventCodec EVENTS = new EventCodec();
    }

    /** Whether an event is told with all of these lower-case words. */
    static boolean tells(Moment moment, List<String> words) {
        Story story = Story.of(moment);
        EventType type = moment.event().getClass().getAnnotation(EventType.class);
        String told = String.join(
                        "\n",
                        type == null ? "" : type.value(),
                        moment.event().subject().text(),
                        story.name(),
                        story.words(),
                        story.by().orElse(""))
                .toLowerCase(Locale.ROOT);
        return words.stream().allMatch(told::contains);
    }

    /** @param bare whether to leave out what is stored */
    byte[] line(Moment moment, boolean bare) throws IOException {
        JsonNode stored = Json.parse(Codec.EVENTS.encode(moment.event()));
        Story story = Story.of(moment);
        ObjectNode line = Json.object()
                .put("position", moment.position().sequence())
                .put("index", moment.index())
                .put("at", moment.at().toString());
        line.set("cause", cause(moment.cause()));
        line.put("type", stored.path("type").textValue())
                .put("v", stored.path("v").intValue())
                .put("subject", moment.event().subject().text())
                .put("name", story.name())
                .put("story", story.words())
                .put("by", story.by().orElse(""));
        if (!bare) line.set("data", stored.path("data"));
        return Json.line(line);
    }

    /** Where a batch lies, what it begins with, and the journal's head with it. */
    byte[] head(Moment moment, Digest head) throws IOException {
        return Json.line(Json.object()
                .put("position", moment.position().sequence())
                .put("head", head.toString())
                .put("type", Codec.EVENTS.typeOf(moment.event())));
    }

    private static ObjectNode cause(Cause cause) {
        ObjectNode node = Json.object().put("command", cause.command().value());
        cause.because().ifPresentOrElse(p -> node.put("because", p.sequence()), () -> node.putNull("because"));
        node.putObject("actor")
                .put("kind", cause.actor().kind().name().toLowerCase(Locale.ROOT))
                .put("name", cause.actor().name())
                .set("details", Json.map(cause.actor().details()));
        return node;
    }
}
