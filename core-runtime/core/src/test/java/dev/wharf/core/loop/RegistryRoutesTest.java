package dev.wharf.core.loop;

import static org.assertj.core.api.Assertions.assertThat;

import dev.wharf.model.Repository;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RegistryRoutesTest {
    private final RegistryRoutes routes = new RegistryRoutes();

    @ParameterizedTest
    @CsvSource({
        "busybox, busybox, true",
        "busybox, docker.io/library/busybox, true",
        "busybox, team/busybox, false",
        "team/*, team/app, true",
        "team/*, team/app/web, false",
        "team/**, team/app/web, true",
        "team/**, registry.example/team/app, false",
        "registry.example/**, registry.example/team/app, true",
        "registry.example:5000/**, registry.example/team/app, false",
        "*.example/**, registry.example/app, true",
        "*.example/**, registry.examples/app, false",
        "*/team/app, registry.example/team/app, true",
        "**, anything/at/all, true"
    })
    void aPatternIsForTheRepositoriesThatItLooksLike(String pattern, String repository, boolean fits) {
        assertThat(routes.set(pattern + " archive")).isEmpty();

        assertThat(routes.of(Repository.parse(repository)).isPresent()).isEqualTo(fits);
    }

    @Test
    void theFirstRouteThatFitsCounts() {
        routes.set("registry.example/team/* archive layout,\n registry.example/** http, ** distribution");

        assertThat(routes.of(Repository.parse("registry.example/team/app")))
                .map(Object::toString)
                .contains("registry.example/team/* archive layout");
        assertThat(routes.of(Repository.parse("registry.example/other")))
                .map(Object::toString)
                .contains("registry.example/** http");
        assertThat(routes.of(Repository.parse("busybox"))).map(Object::toString).contains("** distribution");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "registry.example/**; leads to no backend",
                "registry.example//x archive; is no pattern",
                "/x archive; is no pattern",
                "x{1} archive; is no pattern",
                "x Archive!; is no name of a backend",
                "** archive, x layout; nothing reaches \"x layout\"",
                "x archive, y layout, x http; nothing reaches \"x http\""
            })
    void wrongRoutesAreRefusedWithTheReasonAndThoseBeforeStay(String wrong, String reason) {
        routes.set("busybox archive");

        assertThat(routes.set(wrong))
                .hasValueSatisfying(why -> assertThat(why).contains(reason).endsWith("; the routes before stay"));

        assertThat(routes.refused()).isPresent();
        assertThat(routes.of(Repository.parse("busybox"))).isPresent();
        routes.set("");
        assertThat(routes.refused()).isEmpty();
        assertThat(routes.all()).isEmpty();
    }
}
