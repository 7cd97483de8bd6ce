package dev.wharf.engine.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.wharf.engine.http.Problem;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FiltersTest {
    private static final Set<String> KNOWN = Set.of("label", "dangling", "until");

    private static Filters parse(String text) {
        return Filters.parse(text, KNOWN);
    }

    @Test
    void bothShapesAndNothingAreTaken() {
        assertThat(parse("{\"label\":{\"a=b\":true}}").all("label")).containsExactly("a=b");
        assertThat(parse("{\"label\":[\"a=b\"]}").all("label")).containsExactly("a=b");
        assertThat(parse("").values()).isEmpty();
        assertThat(parse("null").values()).isEmpty();
    }

    @Test
    void aFlagIsTrueOrFalseOrNotThere() {
        assertThat(parse("{\"dangling\":[\"true\"]}").flag("dangling")).contains(true);
        assertThat(parse("{\"dangling\":[\"0\"]}").flag("dangling")).contains(false);
        assertThat(parse("{}").flag("dangling")).isEmpty();
        assertThatThrownBy(() -> parse("{\"dangling\":[\"maybe\"]}")).hasMessage("invalid filter 'dangling=[maybe]'");
    }

    @Test
    void whoNamesNoKeysTakesAllOfThem() {
        Filters filters = Filters.parse("{\"colour\":[\"red\"],\"dangling\":[\"maybe\"],\"label\":{\"a\":true}}");

        assertThat(filters.all("colour")).containsExactly("red");
        assertThat(filters.all("label")).containsExactly("a");
        assertThatThrownBy(() -> Filters.parse("{\"label\":\"a\"}")).isInstanceOf(Problem.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "bad",
                "[\"label\"]",
                "{\"colour\":[\"red\"]}",
                "{\"label\":\"a\"}",
                "{\"label\":[1]}",
                "{\"dangling\":[]}",
                "{\"dangling\":[\"true\",\"false\"]}",
                "{\"dangling\":[\"TRUE\"]}",
            })
    void whatIsNoFilterIsTheClientsError(String text) {
        assertThatThrownBy(() -> parse(text))
                .isInstanceOfSatisfying(
                        Problem.class, problem -> assertThat(problem.status()).isEqualTo(400));
    }

    @Test
    void oneValueOrSeveralIsUpToTheKey() {
        Filters filters = Filters.parse("{\"until\":[\"1h\",\"2h\"],\"label\":[\"a\"]}", KNOWN);

        assertThat(filters.only("label")).contains("a");
        assertThatThrownBy(() -> filters.only("until")).hasMessage("more than one until filter specified");
    }
}
