package dev.wharf.core.loop;

import dev.wharf.core.agent.Registries;
import dev.wharf.model.DriverName;
import dev.wharf.model.Repository;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Which registry backend serves which repository, as the operator says: routes in order, each a pattern and the backends it
 * leads to. A repository that no route is for goes to the first backend by rank that has it. Replaced as a whole, so that
 * nobody ever meets half of a change.
 */
final class RegistryRoutes {
    /** A pattern is text of a repository, in which {@code *} stands for anything within a part and {@code **} for anything. */
    private static final Pattern FORM = Pattern.compile("[A-Za-z0-9._:\\[\\]*-]+(?:/[A-Za-z0-9._*-]+)*");

    private static final String EVERYTHING = "**";

    private volatile List<Route> routes = List.of();
    private volatile Optional<String> refused = Optional.empty();

    /** One route; {@code text} is the pattern as it was written. */
    record Route(String text, Pattern pattern, List<DriverName> backends) {
        Route {
            backends = List.copyOf(backends);
        }

        /** As an operator writes it. */
        @Override
        public String toString() {
            return text + " " + backends.stream().map(DriverName::value).collect(Collectors.joining(" "));
        }
    }

    /**
     * Takes other routes, {@code PATTERN BACKEND...} separated by commas, or none of them where one is wrong.
     *
     * @return why they are refused
     */
    synchronized Optional<String> set(String text) {
        try {
            routes = parse(text);
            refused = Optional.empty();
        } catch (IllegalArgumentException e) {
            refused = Optional.of("routes: " + e.getMessage() + "; "
                    + (routes.isEmpty() ? "every backend is asked by its rank" : "the routes before stay"));
        }
        return refused;
    }

    /** Why what the operator wrote last does not count. */
    Optional<String> refused() {
        return refused;
    }

    List<Registries.Route> all() {
        return routes.stream()
                .map(route -> new Registries.Route(route.text(), route.backends()))
                .toList();
    }

    /** The first route that a repository takes. */
    Optional<Route> of(Repository repository) {
        String name = repository.toString();
        return routes.stream()
                .filter(route -> route.pattern().matcher(name).matches())
                .findFirst();
    }

    private static List<Route> parse(String text) {
        List<Route> parsed = new ArrayList<>();
        for (String part : text.split(",")) {
            List<String> words = Arrays.stream(part.strip().split("\\s+"))
                    .filter(w -> !w.isEmpty())
                    .toList();
            if (!words.isEmpty()) {
                Route route = route(words);
                parsed.stream()
                        .filter(r -> r.text().equals(EVERYTHING) || r.text().equals(route.text()))
                        .findFirst()
                        .ifPresent(r -> {
                            throw new IllegalArgumentException(
                                    "nothing reaches \"" + route + "\", for \"" + r + "\" stands before it");
                        });
                parsed.add(route);
            }
        }
        return List.copyOf(parsed);
    }

    private static Route route(List<String> words) {
        String written = words.get(0);
        if (!FORM.matcher(written).matches()) {
            throw new IllegalArgumentException("\"" + written
                    + "\" is no pattern of repositories, such as registry.example/team/*, *.example/** or busybox");
        }
        if (words.size() == 1) {
            throw new IllegalArgumentException("\"" + written + "\" leads to no backend");
        }
        List<DriverName> backends = words.subList(1, words.size()).stream()
                .map(RegistryRoutes::backend)
                .toList();
        return new Route(written, glob(whole(written)), backends);
    }

    private static DriverName backend(String word) {
        try {
            return new DriverName(word);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("\"" + word + "\" is no name of a backend", e);
        }
    }

    /** Short forms mean what they mean to {@code docker pull}; a first part with a star in it is a host. */
    private static String whole(String pattern) {
        int slash = pattern.indexOf('/');
        String first = slash < 0 ? pattern : pattern.substring(0, slash);
        if (pattern.equals(EVERYTHING)) {
            return pattern;
        }
        if (slash < 0) {
            return Repository.DEFAULT_HOST + "/library/" + pattern;
        }
        boolean host = first.indexOf('.') >= 0
                || first.indexOf(':') >= 0
                || first.indexOf('*') >= 0
                || first.equals("localhost");
        return host ? pattern : Repository.DEFAULT_HOST + "/" + pattern;
    }

    private static Pattern glob(String pattern) {
        StringBuilder regex = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            boolean star = pattern.charAt(i) == '*';
            if (star && pattern.startsWith(EVERYTHING, i)) {
                regex.append(".*");
                i++;
            } else {
                regex.append(star ? "[^/]*" : Pattern.quote(pattern.substring(i, i + 1)));
            }
        }
        return Pattern.compile(regex.toString());
    }
}
