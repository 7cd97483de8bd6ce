package dev.wharf.cli;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A JSON value, read leniently: what is not there is empty. Jackson's own tree would load some hundred classes more. */
record Json(Map<String, Json> fields, List<Json> items, String text) {
    private static final JsonFactory FACTORY = new JsonFactory();
    private static final Json NOTHING = new Json(Map.of(), List.of(), "");

    static Json read(String document) throws IOException {
        try (JsonParser in = FACTORY.createParser(document)) {
            return in.nextToken() == null ? NOTHING : value(in);
        }
    }

    /** What writes a document. */
    interface Writing {
        void to(JsonGenerator out) throws IOException;
    }

    static String write(Writing writing) throws IOException {
        StringWriter text = new StringWriter();
        try (JsonGenerator out = FACTORY.createGenerator(text)) {
            writing.to(out);
        }
        return text.toString();
    }

    private static Json value(JsonParser in) throws IOException {
        return switch (in.currentToken()) {
            case START_OBJECT -> object(in);
            case START_ARRAY -> array(in);
            case VALUE_NULL -> NOTHING;
            default -> new Json(Map.of(), List.of(), in.getText());
        };
    }

    private static Json object(JsonParser in) throws IOException {
        Map<String, Json> fields = new LinkedHashMap<>();
        for (String name = in.nextFieldName(); name != null; name = in.nextFieldName()) {
            in.nextToken();
            fields.put(name, value(in));
        }
        return new Json(fields, List.of(), "");
    }

    private static Json array(JsonParser in) throws IOException {
        List<Json> items = new ArrayList<>();
        while (in.nextToken() != JsonToken.END_ARRAY) items.add(value(in));
        return new Json(Map.of(), items, "");
    }

    Json at(String field) {
        return fields.getOrDefault(field, NOTHING);
    }

    /** Strings, numbers and booleans as they are written; empty for anything else. */
    String text(String field) {
        return at(field).text();
    }

    boolean isTrue(String field) {
        return text(field).equals("true");
    }

    List<Json> list(String field) {
        return at(field).items();
    }

    /** The texts of a list, side by side. */
    String joined(String field) {
        return String.join(", ", list(field).stream().map(Json::text).toList());
    }
}
