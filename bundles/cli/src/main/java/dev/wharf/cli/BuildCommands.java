package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Builds an image, and tells what was built and why it was not all taken from the cache. */
@Command(
        name = "build",
        description = "Builds an image of a Dockerfile, and shows its steps as they go on.",
        synopsisSubcommandLabel = "[COMMAND]",
        subcommands = {BuildCommands.History.class, BuildCommands.Explain.class},
        parameterListHeading = "%nArguments:%n",
        commandListHeading = "%nCommands:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf build -t web .                            the Dockerfile of this folder",
            "  wharf build --secret id=npm,src=$HOME/.npmrc .  for RUN --mount=type=secret,id=npm",
            "  wharf build --ssh default .                     for RUN --mount=type=ssh",
            "  wharf build https://example.org/app.git#v2:web  a folder of a tag of a git repository",
            "  wharf build history                             the builds that are remembered",
            "  wharf build explain                             each step of the last one, and what missed the cache first",
            "",
            "The same builder serves the docker command: DOCKER_BUILDKIT=0 docker build"
        })
final class BuildCommands implements Callable<Integer> {
    private static final String ROOT = "/wharf/v1/builds";

    enum Progress {
        AUTO,
        TREE,
        PLAIN,
        JSON
    }

    private final Main main;

    @Spec
    private CommandSpec spec = CommandSpec.create();

    @Parameters(
            paramLabel = "PATH | URL | -",
            arity = "0..1",
            description =
                    "the folder to build from; an address of a tar, a Dockerfile or a git repository; - for a tar or"
                            + " a Dockerfile from the standard input")
    private String context = "";

    @Option(
            names = {"-f", "--file"},
            paramLabel = "FILE",
            description = "the Dockerfile (PATH/Dockerfile)")
    private String file = "";

    @Option(
            names = {"-t", "--tag"},
            paramLabel = "NAME",
            description = "what to call the image; more than once for more names")
    private List<String> tags = new ArrayList<>();

    @Option(names = "--target", paramLabel = "STAGE", description = "the stage to build (the last)")
    private String target = "";

    @Option(
            names = "--build-arg",
            paramLabel = "NAME[=VALUE]",
            description = "a value for an ARG; without one, that of the environment")
    private List<String> arguments = new ArrayList<>();

    @Option(names = "--label", paramLabel = "NAME=VALUE", description = "a label for the image")
    private List<String> labels = new ArrayList<>();

    @Option(
            names = "--secret",
            paramLabel = "id=ID,src=FILE | id=ID,env=NAME",
            description = "a file or a variable for steps with --mount=type=secret; it is kept nowhere")
    private List<String> secrets = new ArrayList<>();

    @Option(
            names = "--ssh",
            paramLabel = "ID[=SOCKET]",
            description = "an ssh agent for steps with --mount=type=ssh (default=$SSH_AUTH_SOCK)")
    private List<String> agents = new ArrayList<>();

    @Option(names = "--no-cache", description = "do every step again")
    private boolean noCache;

    @Option(names = "--pull", description = "look for newer base images")
    private boolean pull;

    @Option(names = "--cache-from", paramLabel = "IMAGE", description = "take steps from this image, and no others")
    private List<String> cacheFrom = new ArrayList<>();

    @Option(names = "--network", paramLabel = "MODE", description = "what RUN steps see of the network")
    private String network = "";

    @Option(names = "--add-host", paramLabel = "NAME:ADDRESS", description = "a line for /etc/hosts of RUN steps")
    private List<String> hosts = new ArrayList<>();

    @Option(names = "--platform", paramLabel = "OS/ARCH", description = "the platform of base images")
    private String platform = "";

    @Option(
            names = {"-m", "--memory"},
            paramLabel = "BYTES",
            description = "as much memory has a RUN step")
    private String memory = "";

    @Option(
            names = {"-q", "--quiet"},
            description = "say nothing but the image's id")
    private boolean quiet;

    @Option(names = "--iidfile", paramLabel = "FILE", description = "write the image's id there")
    private String idFile = "";

    @Option(
            names = {"--progress", "--format"},
            paramLabel = "KIND",
            description = "tree for people, plain for logs, json for programs; auto is tree on a terminal and plain"
                    + " elsewhere (auto)")
    private Progress progress = Progress.AUTO;

    BuildCommands(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        if (context.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "what to build from is missing: a folder, such as ., an address, or -");
        }
        Client.Body body;
        Request request = request();
        if (context.matches("(https?://|git://|github\\.com/|git@|ssh://).*")) {
            request.with("remote", context).with("dockerfile", file);
            body = out -> {};
        } else if (context.equals("-")) {
            body = standardInput(request);
        } else {
            body = folder(request);
        }
        byte[] loan = loan();
        try (Client.Answer answer = main.agent().upload(request, "application/vnd.wharf.build", out -> {
            out.write(loan);
            body.writeTo(out);
        })) {
            return show(answer);
        }
    }

    // ---- what is asked for

    private Request request() {
        Request request = new Request("/wharf/v1/build")
                .with("forcerm", "1")
                .with("target", target)
                .with("networkmode", network)
                .with("platform", platform)
                .with("nocache", noCache ? "1" : "")
                .with("pull", pull ? "1" : "")
                .with("memory", memory.isEmpty() ? "" : String.valueOf(bytes(memory)));
        tags.forEach(tag -> request.with("t", tag));
        hosts.forEach(host -> request.with("extrahosts", host));
        if (!cacheFrom.isEmpty()) request.with("cachefrom", JsonText.list(cacheFrom));
        Map<String, String> values = new LinkedHashMap<>();
        for (String one : arguments) {
            int equals = one.indexOf('=');
            String value = equals < 0 ? main.surroundings().environment().get(one) : one.substring(equals + 1);
            if (value != null) values.put(equals < 0 ? one : one.substring(0, equals), value);
        }
        if (!values.isEmpty()) request.with("buildargs", JsonText.object(values));
        Map<String, String> named = new LinkedHashMap<>();
        for (String one : labels) {
            int equals = one.indexOf('=');
            named.put(equals < 0 ? one : one.substring(0, equals), equals < 0 ? "" : one.substring(equals + 1));
        }
        return named.isEmpty() ? request : request.with("labels", JsonText.object(named));
    }

    private long bytes(String text) {
        if (!text.matches("[0-9]{1,15}[bkmgBKMG]?")) throw misuse("--memory is a number of bytes, such as 512m");
        char unit = Character.toLowerCase(text.charAt(text.length() - 1));
        long number = Long.parseLong(text.replaceAll("[^0-9]", ""));
        return switch (unit) {
            case 'k' -> number << 10;
            case 'm' -> number << 20;
            case 'g' -> number << 30;
            default -> number;
        };
    }

    private ParameterException misuse(String message) {
        return new ParameterException(spec.commandLine(), message);
    }

    /** A Dockerfile that lies elsewhere goes along under a name that nothing in the folder has. */
    private Client.Body folder(Request request) throws IOException {
        Path folder = Path.of(context).toRealPath();
        if (file.equals("-"))
            return elsewhere(request, folder, main.surroundings().in().readAllBytes());
        if (file.isEmpty()) return inside(request, folder, "Dockerfile");
        Path written = Path.of(file);
        if (!Files.exists(written)) throw new IOException("there is no Dockerfile " + written);
        Path real = written.toAbsolutePath().normalize();
        return real.startsWith(folder)
                ? inside(request, folder, folder.relativize(real).toString())
                : elsewhere(request, folder, Files.readAllBytes(real));
    }

    private static Client.Body inside(Request request, Path folder, String dockerfile) throws IOException {
        request.with("dockerfile", dockerfile);
        BuildContext tar = BuildContext.of(folder, dockerfile);
        return out -> {
            tar.write(out);
            BuildContext.end(out);
        };
    }

    private static Client.Body elsewhere(Request request, Path folder, byte[] dockerfile) throws IOException {
        String name = ".dockerfile." + Long.toHexString(System.nanoTime());
        request.with("dockerfile", name);
        BuildContext tar = BuildContext.of(folder, "");
        return out -> {
            BuildContext.file(name, dockerfile, out);
            tar.write(out);
            BuildContext.end(out);
        };
    }

    /** Text is a Dockerfile without files; anything else is a tar, packed or not. */
    private Client.Body standardInput(Request request) throws IOException {
        BufferedInputStream in = new BufferedInputStream(main.surroundings().in(), 64 << 10);
        in.mark(1024);
        byte[] head = in.readNBytes(512);
        in.reset();
        boolean binary = false;
        for (byte b : head) binary |= b >= 0 && b < ' ' && b != '\n' && b != '\r' && b != '\t';
        if (binary) {
            request.with("dockerfile", file);
            return in::transferTo;
        }
        byte[] dockerfile = in.readAllBytes();
        return out -> {
            BuildContext.file("Dockerfile", dockerfile, out);
            BuildContext.end(out);
        };
    }

    // ---- what is lent

    private byte[] loan() throws IOException {
        List<String> lent = new ArrayList<>();
        for (String one : secrets) {
            Map<String, String> words = new LinkedHashMap<>();
            for (String word : one.split(",")) {
                int equals = word.indexOf('=');
                if (equals < 0) throw misuse("--secret is written id=ID,src=FILE or id=ID,env=NAME");
                words.put(word.substring(0, equals), word.substring(equals + 1));
            }
            String id = words.getOrDefault("id", "");
            if (id.isEmpty()) throw misuse("--secret needs an id");
            lent.add(JsonText.object(
                    Map.of("id", id, "base64", Base64.getEncoder().encodeToString(secret(id, words)))));
        }
        List<String> sockets = new ArrayList<>();
        for (String one : agents) {
            int equals = one.indexOf('=');
            String socket = equals < 0
                    ? main.surroundings().environment().getOrDefault("SSH_AUTH_SOCK", "")
                    : one.substring(equals + 1);
            if (socket.isEmpty()) throw misuse("--ssh " + one + ": no agent is running (SSH_AUTH_SOCK is not set)");
            sockets.add(JsonText.object(Map.of(
                    "id",
                    equals < 0 ? one : one.substring(0, equals),
                    "socket",
                    Path.of(socket).toRealPath().toString())));
        }
        return ("{\"secrets\":[" + String.join(",", lent) + "],\"ssh\":[" + String.join(",", sockets) + "]}\n")
                .getBytes(StandardCharsets.UTF_8);
    }

    private byte[] secret(String id, Map<String, String> words) throws IOException {
        String source = words.getOrDefault("src", words.getOrDefault("source", ""));
        if (!source.isEmpty()) return Files.readAllBytes(Path.of(source));
        String name = words.getOrDefault("env", id);
        String value = main.surroundings().environment().get(name);
        if (value == null)
            throw misuse("--secret id=" + id + ": no file is named, and no variable " + name + " is set");
        return value.getBytes(StandardCharsets.UTF_8);
    }

    // ---- what is shown

    private Integer show(Client.Answer answer) throws IOException {
        Surroundings around = main.surroundings();
        boolean tree = progress == Progress.TREE || (progress == Progress.AUTO && around.isTerminal());
        try (Output out = new Output(around);
                BufferedReader records =
                        new BufferedReader(new InputStreamReader(answer.body(), StandardCharsets.UTF_8))) {
            Output shown =
                    quiet || progress == Progress.JSON ? new Output(around.into(OutputStream.nullOutputStream())) : out;
            BuildView view = tree && shown == out
                    ? BuildView.tree(out, System::nanoTime, BuildView.Screen.ofTerminal())
                    : BuildView.lines(shown, System::nanoTime);
            try (view) {
                for (String line = records.readLine(); line != null; line = records.readLine()) {
                    if (progress == Progress.JSON && !quiet) {
                        out.line(line);
                        out.flush();
                    }
                    view.take(Json.read(line));
                }
            }
            return end(view, shown, out);
        }
    }

    private Integer end(BuildView view, Output shown, Output out) throws IOException {
        if (view.image().isEmpty() && view.error().isEmpty()) {
            throw new IOException("the agent hung up before the build was done");
        }
        if (!view.error().isEmpty()) {
            Optional<BuildView.Step> failed = view.failed();
            // Lines have said it all once; a tree shows no more than a glance.
            if (failed.isPresent() && main.surroundings().isTerminal()) tell(shown, failed.get());
            shown.line(shown.bad(view.summary()));
            out.flush();
            throw new IOException(view.error());
        }
        shown.line(shown.good(view.summary()));
        if (quiet) {
            out.line(view.image());
        } else {
            shown.line("image " + view.image().replace("sha256:", "").substring(0, 12)
                    + (tags.isEmpty() ? "" : ", called " + String.join(", ", tags)));
        }
        if (!idFile.isEmpty()) Files.writeString(Path.of(idFile), view.image());
        return Main.OK;
    }

    private static void tell(Output out, BuildView.Step step) throws IOException {
        out.line(out.bold("step " + step.number + " said last:"));
        for (String text : step.said) out.line("  " + BuildView.harmless(text));
    }

    private static String outcome(Json build) {
        if (build.text("millis").isEmpty()) return "under way";
        return build.text("image").isEmpty()
                ? "failed"
                : build.text("image").replace("sha256:", "").substring(0, 12);
    }

    /** The builds that are remembered. */
    @Command(
            name = "history",
            description = "Lists the last builds, newest first.",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf build history", "  wharf build history --format json"})
    static final class History implements Callable<Integer> {
        private final Main main;

        @Mixin
        private Format format = new Format();

        History(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT));
            format.write(main, body, (answer, out) -> {
                Table table = new Table("BUILD", "AT", "NAMES", "STEPS", "CACHED", "MS", "IMAGE");
                for (Json one : answer.items()) {
                    table.row(
                            one.text("id"),
                            one.text("at"),
                            one.joined("names"),
                            one.text("steps"),
                            one.text("cached"),
                            one.text("millis"),
                            outcome(one));
                }
                table.print(out);
            });
            return Main.OK;
        }
    }

    /** One build, step by step. */
    @Command(
            name = "explain",
            description = "Shows the steps of a build, and where it first went another way than the one before it.",
            parameterListHeading = "%nArguments:%n",
            optionListHeading = "%nOptions:%n",
            footerHeading = "%nExamples:%n",
            footer = {"  wharf build explain", "  wharf build explain 5764416de705 --format json"})
    static final class Explain implements Callable<Integer> {
        private final Main main;

        @Parameters(
                paramLabel = "BUILD",
                arity = "0..1",
                description = "the beginning of a build's id; the last one where nothing is said")
        private String build = "latest";

        @Mixin
        private Format format = new Format();

        Explain(Main main) {
            this.main = main;
        }

        @Override
        public Integer call() throws IOException {
            String body = main.agent().text(new Request(ROOT + "/" + Request.encode(build)));
            format.write(main, body, (answer, out) -> {
                Table table = new Table("STEP", "STAGE", "CACHE", "MS", "BYTES", "INSTRUCTION");
                for (Json step : answer.list("all")) {
                    table.row(
                            step.text("number"),
                            step.text("stage"),
                            step.text("cached").equals("true") ? "hit" : "done",
                            step.text("millis"),
                            step.text("size"),
                            step.text("instruction"));
                }
                table.print(out);
                out.line("");
                String difference = answer.text("difference");
                if (answer.text("before").isEmpty()) {
                    out.line("no earlier build of these names and this file is remembered");
                } else {
                    out.line(
                            difference.isEmpty()
                                    ? "the same as build " + answer.text("before") + " before it"
                                    : difference + " (since build " + answer.text("before") + ")");
                }
            });
            return Main.OK;
        }
    }
}
