package dev.wharf.cli;

import dev.wharf.cli.Client.Request;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Has back what was removed. */
@Command(
        name = "undelete",
        description =
                "Has back a removed container with its files, or a removed volume with its data, while they are kept."
                        + " wharf.undelete.retention in wharfd.conf says how long that is; without it nothing is kept.",
        parameterListHeading = "%nArguments:%n",
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nExamples:%n",
        footer = {
            "  wharf undelete --list              what can be had back, and until when",
            "  wharf undelete web                 the container, and the volumes that went with it",
            "  wharf undelete web --as web-old    under another name, where its own is taken",
            "  wharf undelete data --purge        give it up now, and free its space"
        })
final class UndeleteCommand implements Callable<Integer> {
    private static final String ROOT = "/wharf/v1/undelete";

    private final Main main;

    @Parameters(
            arity = "0..1",
            paramLabel = "NAME",
            description = "a container's or a volume's name, or the beginning of a container's identifier")
    private String name = "";

    @Option(names = "--list", description = "show what is kept")
    private boolean list;

    @Option(names = "--as", paramLabel = "NAME", description = "another name for the container")
    private String as = "";

    @Option(names = "--kind", paramLabel = "KIND", description = "container or volume, where both were called so")
    private String kind = "";

    @Option(names = "--purge", description = "do not have it back but free its space now")
    private boolean purge;

    @Mixin
    private Format format = new Format();

    @Spec
    private CommandSpec spec = CommandSpec.create();

    UndeleteCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() throws IOException {
        if (list == !name.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "either NAME or --list");
        }
        if (purge && !as.isEmpty()) {
            throw new ParameterException(spec.commandLine(), "either --as or --purge: what is given up needs no name");
        }
        if (list) return show(main.agent().text(new Request(ROOT)));
        Request request =
                new Request(ROOT + "/" + Request.encode(name)).with("as", as).with("kind", kind);
        String body = purge ? main.agent().delete(request) : main.agent().post(request);
        format.write(main, body, (answer, out) -> {
            out.line(answer.text("kind") + " " + answer.text("name") + (purge ? " is gone for good" : " is back"));
        });
        return Main.OK;
    }

    private int show(String body) throws IOException {
        format.write(main, body, (answer, out) -> {
            if (answer.list("kept").isEmpty()) {
                out.line(
                        answer.text("retention").isEmpty()
                                ? "nothing is kept: wharf.undelete.retention is not set"
                                : "nothing is kept now");
                return;
            }
            Table table = new Table("KIND", "NAME", "ID", "IMAGE", "KEPT UNTIL");
            Times times = Times.local();
            for (Json one : answer.list("kept")) {
                String until = one.text("keptUntil");
                table.row(
                        one.text("kind"),
                        one.text("name"),
                        one.text("kind").equals("container") ? PsCommand.brief(one.text("id")) : "",
                        one.text("image"),
                        times.day(until) + " " + times.clock(until));
            }
            table.print(out);
        });
        return Main.OK;
    }
}
