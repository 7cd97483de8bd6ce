package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Which Wharf this is, and which one runs. */
@Command(
        name = "version",
        description = "Shows the version of this command and of the agent.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExample:%n",
        footer = "  wharf version --format json")
final class VersionCommand implements Callable<Integer> {
    private final Main main;

    @Mixin
    private Format format = new Format();

    VersionCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        String client = ownVersion();
        Json agent = Json.read("{}");
        String trouble = "";
        try {
            agent = Json.read(main.agent().text(new Request("/wharf/v1/agent")));
        } catch (IOException e) {
            trouble = String.valueOf(e.getMessage());
        }
        try (Output out = new Output(main.surroundings())) {
            if (format.isJson()) {
                out.line("{\"client\":\"" + client + "\",\"agent\":\"" + agent.text("version") + "\"}");
            } else {
                out.line("wharf   " + client);
                if (trouble.isEmpty()) {
                    out.line("wharfd  " + agent.text("version") + "  (Java " + agent.text("java") + ", started "
                            + agent.text("startedAt") + ")");
                }
            }
        }
        if (!trouble.isEmpty()) throw new IOException(trouble);
        return Main.OK;
    }

    /** Written by the build. */
    private static String ownVersion() throws IOException {
        try (InputStream in = VersionCommand.class.getResourceAsStream("version.txt")) {
            return in == null ? "unknown" : new String(in.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }
}
