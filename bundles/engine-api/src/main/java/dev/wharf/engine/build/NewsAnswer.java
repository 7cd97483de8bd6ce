package dev.wharf.engine.build;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.build.run.News;
import dev.wharf.engine.json.Json;

/** The answer of a build to Wharf's own command: each piece of news as a record, as it happens. */
final class NewsAnswer extends BuildAnswer {
    NewsAnswer(Later later) {
        super(false, later);
    }

    /** What the classic builder says is in the news, too. */
    @Override
    public void stream(String text) {}

    @Override
    public void news(News news) {
        tell(record(news));
    }

    private static ObjectNode record(News news) {
        ObjectNode record = Json.object();
        if (news instanceof News.Planned planned) {
            ObjectNode plan = record.putObject("plan").put("steps", planned.steps());
            ArrayNode stages = plan.putArray("stages");
            for (News.Part part : planned.stages()) {
                stages.addObject()
                        .put("name", part.name())
                        .put("base", part.base())
                        .put("first", part.first())
                        .put("steps", part.steps())
                        .set("needs", Json.array(part.needs()));
            }
        } else if (news instanceof News.Begun begun) {
            record.putObject("begun")
                    .put("step", begun.step())
                    .put("stage", begun.stage())
                    .put("instruction", begun.instruction());
        } else if (news instanceof News.Said said) {
            record.putObject("said").put("step", said.step()).put("text", said.coloured());
        } else if (news instanceof News.Done done) {
            record.putObject("done")
                    .put("step", done.step())
                    .put("cached", done.cached())
                    .put("millis", done.took().toMillis())
                    .put("size", done.sizeBytes());
        } else if (news instanceof News.Failed failed) {
            record.putObject("failed")
                    .put("step", failed.step())
                    .put("millis", failed.took().toMillis());
        } else if (news instanceof News.Warned warned) {
            record.put("warning", warned.text());
        }
        return record;
    }
}
