package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * The operator's shell inside the agent. One line goes there, its output comes back, ended by a zero byte and {@code 0} or
 * {@code 1} for how it went.
 */
@Command(
        name = "shell",
        description = "Opens the operator's shell inside the agent, or runs one command in it.",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf shell                                  type help for what there is",
            "  wharf shell -c wharf:drivers                 one command",
            "  echo 'lb | grep wharf' | wharf shell         commands from a file or a pipe"
        })
final class ShellCommand implements Callable<Integer> {
    private static final String PROMPT = "wharf> ";

    private final Main main;

    @Option(names = "-c", paramLabel = "COMMAND", description = "run this, and nothing else")
    private String command = "";

    ShellCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        Json agent = Json.read(main.agent().text(new Request("/wharf/v1/agent")));
        Path socket = Path.of(agent.text("shell"));
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                Output out = new Output(main.surroundings())) {
            try {
                channel.connect(UnixDomainSocketAddress.of(socket));
            } catch (IOException e) {
                throw new IOException("cannot reach the shell at " + socket + ": " + e.getMessage(), e);
            }
            InputStream answers = new BufferedInputStream(Channels.newInputStream(channel));
            return command.isEmpty() ? converse(channel, answers, out) : ask(command, channel, answers, out);
        }
    }

    private int converse(SocketChannel channel, InputStream answers, Output out) throws IOException {
        BufferedReader typed =
                new BufferedReader(new InputStreamReader(main.surroundings().in(), StandardCharsets.UTF_8));
        boolean prompted = main.surroundings().isTyped() && main.surroundings().isTerminal();
        int status = Main.OK;
        while (true) {
            if (prompted) out.raw(PROMPT.getBytes(StandardCharsets.UTF_8));
            out.flush();
            String line = typed.readLine();
            if (line == null || line.strip().equals("exit") || line.strip().equals("quit")) {
                if (prompted && line == null) out.line("");
                return prompted ? Main.OK : status;
            }
            if (line.isBlank()) continue;
            status = Math.max(status, ask(line, channel, answers, out));
        }
    }

    private static int ask(String line, SocketChannel channel, InputStream answers, Output out) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap((line + "\n").getBytes(StandardCharsets.UTF_8));
        while (bytes.hasRemaining()) channel.write(bytes);
        ByteArrayOutputStream pending = new ByteArrayOutputStream();
        for (int b = answers.read(); b != 0; b = answers.read()) {
            if (b < 0) throw new EOFException("the shell hung up");
            pending.write(b);
            if (b == '\n') {
                out.raw(pending.toByteArray());
                out.flush();
                pending.reset();
            }
        }
        out.raw(pending.toByteArray());
        out.flush();
        return answers.read() == '0' ? Main.OK : Main.FAILED;
    }
}
