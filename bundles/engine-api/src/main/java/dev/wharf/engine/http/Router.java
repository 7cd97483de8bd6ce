package dev.wharf.engine.http;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the handler of a request by method and path. A path may hold one name in braces, which is greedy: image names have
 * slashes. Where it holds two, the handler is given both and what is between them. Among routes that fit, one without a name
 * wins, then the one added first; one that is nothing but a name fits every path, and comes last.
 */
public final class Router {
    private final Map<String, Route> exact = new HashMap<>();
    private final Map<String, List<Route>> named = new HashMap<>();
    private final Map<String, Route> anywhere = new HashMap<>();

    /** How the body of a request is taken. */
    enum Manner {
        /** Gathered before the handler is called; it is small. */
        GATHERED,
        /** Left on the wire until the handler reads it; it has no bound. */
        STREAMED,
        /** Gathered, and what follows it is no longer HTTP. */
        HIJACKED
    }

    /** One route; {@code name} is empty where the path is fixed. */
    record Route(
            String method,
            String prefix,
            String infix,
            String suffix,
            Manner manner,
            Handler handler,
            Handler.Early early) {
        String spelled() {
            return method + " " + prefix + "{}" + (infix.isEmpty() ? "" : infix + "{}") + suffix;
        }

        boolean needsAgent() {
            return early == NONE;
        }

        private static final Handler.Early NONE = request -> Answer.empty(500);
        private static final Handler UNUSED = (agent, request) -> Answer.empty(500);
    }

    /** A route that fits, and the name in the path. */
    record Match(Route route, String name) {}

    public Router get(String path, Handler handler) {
        return add("GET", path, Manner.GATHERED, handler);
    }

    public Router head(String path, Handler handler) {
        return add("HEAD", path, Manner.GATHERED, handler);
    }

    public Router post(String path, Handler handler) {
        return add("POST", path, Manner.GATHERED, handler);
    }

    public Router put(String path, Handler handler) {
        return add("PUT", path, Manner.GATHERED, handler);
    }

    public Router delete(String path, Handler handler) {
        return add("DELETE", path, Manner.GATHERED, handler);
    }

    /** A route whose body is read as it comes, with {@link Request#stream}. */
    public Router upload(String method, String path, Handler handler) {
        return add(method, path, Manner.STREAMED, handler);
    }

    /** A route that may take the connection over. */
    public Router hijack(String path, Handler handler) {
        return hijack("POST", path, handler);
    }

    public Router hijack(String method, String path, Handler handler) {
        return add(method, path, Manner.HIJACKED, handler);
    }

    /** A route that answers while the house wakes up. */
    public Router early(String method, String path, Handler.Early handler) {
        return add(route(method, path, Manner.GATHERED, Route.UNUSED, handler), path);
    }

    private Router add(String method, String path, Manner manner, Handler handler) {
        return add(route(method, path, manner, handler, Route.NONE), path);
    }

    private static Route route(String method, String path, Manner manner, Handler handler, Handler.Early early) {
        int open = path.indexOf('{');
        return open < 0
                ? new Route(method, path, "", "", manner, handler, early)
                : new Route(
                        method,
                        path.substring(0, open),
                        infix(path),
                        path.substring(path.lastIndexOf('}') + 1),
                        manner,
                        handler,
                        early);
    }

    /** What stands between two names, for the few paths that have two. */
    private static String infix(String path) {
        int close = path.indexOf('}');
        int open = path.indexOf('{', close);
        return open < 0 ? "" : path.substring(close + 1, open);
    }

    private Router add(Route route, String path) {
        if (path.indexOf('{') < 0) {
            exact.putIfAbsent(route.method() + " " + path, route);
        } else if (route.prefix().equals("/") && route.suffix().isEmpty()) {
            anywhere.putIfAbsent(route.method(), route);
        } else {
            List<Route> others = named.computeIfAbsent(key(route.method(), path), k -> new ArrayList<>());
            // A path with two names says more than any with one.
            others.add(route.infix().isEmpty() ? others.size() : 0, route);
        }
        return this;
    }

    /** The method and path of every route, as they were added; for the table of what is served. */
    public List<String> routes() {
        return Stream.concat(
                        exact.keySet().stream(),
                        Stream.concat(named.values().stream().flatMap(List::stream), anywhere.values().stream())
                                .map(Route::spelled))
                .sorted()
                .toList();
    }

    /** Whether a request would find a handler. */
    public boolean serves(String method, String path) {
        return find(method, path).isPresent();
    }

    /** The route of a decoded path without its version. */
    Optional<Match> find(String method, String path) {
        Route fixed = exact.get(method + " " + path);
        if (fixed != null) {
            return Optional.of(new Match(fixed, ""));
        }
        for (Route route : named.getOrDefault(key(method, path), List.of())) {
            int length =
                    path.length() - route.prefix().length() - route.suffix().length();
            if (length > 0 && path.startsWith(route.prefix()) && path.endsWith(route.suffix())) {
                int from = route.prefix().length();
                String name = path.substring(from, from + length);
                if (name.contains(route.infix())) {
                    return Optional.of(new Match(route, name));
                }
            }
        }
        return Optional.ofNullable(anywhere.get(method)).map(route -> new Match(route, path.substring(1)));
    }

    /** Routes are kept by method and first segment, so that few have to be tried. */
    private static String key(String method, String path) {
        int second = path.indexOf('/', 1);
        return method + (second < 0 ? path : path.substring(0, second));
    }
}
