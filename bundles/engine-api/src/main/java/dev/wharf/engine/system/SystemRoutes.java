package dev.wharf.engine.system;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.wharf.engine.http.Answer;
import dev.wharf.engine.http.ApiVersion;
import dev.wharf.engine.http.EngineVersion;
import dev.wharf.engine.http.Router;
import dev.wharf.engine.http.Routes;
import dev.wharf.engine.json.Json;
import dev.wharf.model.Platform;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** {@code /_ping}, {@code /version} and {@code OPTIONS}, which answer before anything else works. */
public final class SystemRoutes implements Routes {
    private static final Map<String, String> PING_HEADERS = Map.of(
            "Builder-Version", "1",
            "Swarm", "inactive",
            "Cache-Control", "no-cache, no-store, must-revalidate",
            "Pragma", "no-cache");
    private static final String PLAIN = "text/plain; charset=utf-8";
    private static final Answer PING =
            new Answer.Whole(200, PLAIN, "OK".getBytes(StandardCharsets.US_ASCII), PING_HEADERS);
    private static final Answer PING_HEAD = new Answer.Whole(200, PLAIN, new byte[0], PING_HEADERS);

    @Override
    public void addTo(Router router) {
        router.early("GET", "/_ping", request -> PING);
        router.early("HEAD", "/_ping", request -> PING_HEAD);
        router.early("GET", "/version", request -> version());
        // Docker says neither which methods there are nor whether there is such a path.
        router.early("OPTIONS", "/{anyroute}", request -> Answer.empty(200));
    }

    private static Answer version() {
        String kernel = System.getProperty("os.version", "");
        String architecture = Platform.host().architecture();
        ObjectNode version = Json.object();
        version.putObject("Platform").put("Name", "Wharf");
        ObjectNode engine = version.putArray("Components").addObject();
        engine.put("Name", "Engine").put("Version", EngineVersion.COMPATIBLE);
        engine.putObject("Details")
                .put("ApiVersion", ApiVersion.NEWEST.toString())
                .put("Arch", architecture)
                .put("BuildTime", EngineVersion.BUILT)
                .put("Experimental", "false")
                .put("GitCommit", "wharf-" + EngineVersion.wharf())
                .put("GoVersion", "java" + Runtime.version())
                .put("KernelVersion", kernel)
                .put("MinAPIVersion", ApiVersion.OLDEST.toString())
                .put("Os", "linux");
        ObjectNode wharf = version.withArray("Components").addObject();
        wharf.put("Name", "wharf").put("Version", EngineVersion.wharf());
        wharf.putObject("Details").put("Java", Runtime.version().toString());
        version.put("Version", EngineVersion.COMPATIBLE)
                .put("ApiVersion", ApiVersion.NEWEST.toString())
                .put("MinAPIVersion", ApiVersion.OLDEST.toString())
                .put("GitCommit", "wharf-" + EngineVersion.wharf())
                .put("GoVersion", "java" + Runtime.version())
                .put("Os", "linux")
                .put("Arch", architecture)
                .put("KernelVersion", kernel)
                .put("BuildTime", EngineVersion.BUILT);
        return Answer.json(version);
    }
}
