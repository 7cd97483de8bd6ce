package dev.wharf.linux.net;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.linux.libc.CString;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.kernel.Firewall;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import jnr.ffi.Pointer;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;

/**
 * nf_tables through one libnftables context, kept open: to make one costs as much as ten commands. A context serves one
 * thread at a time, and so does this.
 */
@Component(service = Firewall.class)
public final class LinuxFirewall implements Firewall, AutoCloseable {
    /** EINTR in the words of strerror(3). */
    private static final String INTERRUPTED = "Interrupted system call";

    private static final int MOST_TRIES = 20;

    private final HomeNetwork home;
    private final ObjectMapper json = new ObjectMapper();

    // Guarded by this.
    private @Nullable LibNftables library;
    private @Nullable Pointer context;

    @Activate
    public LinuxFirewall(@Reference HomeNetwork home) {
        this.home = home;
    }

    @Override
    public void apply(String commands) throws DriverException {
        run(commands, 0);
    }

    @Override
    public List<Element> elements(String family, String table, String set) throws DriverException {
        JsonNode answer =
                ask("list set " + family + " " + table + " " + set, "list map " + family + " " + table + " " + set);
        List<Element> found = new ArrayList<>();
        for (JsonNode object : answer) {
            JsonNode body = object.has("map") ? object.get("map") : object.path("set");
            for (JsonNode element : body.path("elem")) {
                found.add(element(element));
            }
        }
        return found;
    }

    @Override
    public List<Table> tables() throws DriverException {
        List<Table> found = new ArrayList<>();
        for (JsonNode object : parse(run("list tables", LibNftables.NFT_CTX_OUTPUT_JSON))) {
            if (object.has("table")) {
                JsonNode table = object.get("table");
                found.add(new Table(
                        table.path("family").asText(), table.path("name").asText()));
            }
        }
        return found;
    }

    @Override
    public List<Chain> droppingForwardChains() throws DriverException {
        List<Chain> found = new ArrayList<>();
        for (JsonNode object : parse(run("list chains", LibNftables.NFT_CTX_OUTPUT_JSON))) {
            JsonNode chain = object.path("chain");
            if (chain.path("hook").asText().equals("forward")
                    && chain.path("policy").asText().equals("drop")) {
                found.add(new Chain(
                        chain.path("family").asText(),
                        chain.path("table").asText(),
                        chain.path("name").asText()));
            }
        }
        return found;
    }

    @Override
    public List<Rule> rules(Chain chain) throws DriverException {
        List<Rule> found = new ArrayList<>();
        for (JsonNode object : parse(run("list chain " + chain, LibNftables.NFT_CTX_OUTPUT_JSON))) {
            if (object.has("rule")) {
                JsonNode rule = object.get("rule");
                found.add(new Rule(
                        rule.path("handle").asLong(), rule.path("comment").asText()));
            }
        }
        return found;
    }

    @Override
    public void forgetDatagrams(Predicate<Flow> stale) throws DriverException {
        HomeNetwork.attempt("forget flows of datagrams", () -> {
            Flows.forget(home, stale);
            return null;
        });
    }

    @Override
    @Deactivate
    public synchronized void close() {
        if (library != null && context != null) {
            library.nft_ctx_free(context);
        }
        context = null;
    }

    private JsonNode ask(String set, String map) throws DriverException {
        try {
            return parse(run(map, LibNftables.NFT_CTX_OUTPUT_JSON | LibNftables.NFT_CTX_OUTPUT_NUMERIC_ALL));
        } catch (DriverException e) {
            if (e.failure().kind() != Failure.Kind.MISSING) {
                throw e;
            }
            return parse(run(set, LibNftables.NFT_CTX_OUTPUT_JSON | LibNftables.NFT_CTX_OUTPUT_NUMERIC_ALL));
        }
    }

    private JsonNode parse(String output) throws DriverException {
        try {
            return json.readTree(output).path("nftables");
        } catch (JsonProcessingException e) {
            throw DriverException.failure(Failure.Kind.FAILED, "nf_tables answered with something unreadable", e);
        }
    }

    private synchronized String run(String commands, int outputFlags) throws DriverException {
        LibNftables nft = open();
        Pointer current = context;
        if (current == null) {
            throw DriverException.failure(Failure.Kind.UNAVAILABLE, "the firewall is closed");
        }
        nft.nft_ctx_output_set_flags(current, outputFlags);
        for (int tries = 1; ; tries++) {
            int result = nft.nft_run_cmd_from_buffer(current, CString.of(commands));
            String output = nft.nft_ctx_get_output_buffer(current).getString(0);
            String error = nft.nft_ctx_get_error_buffer(current).getString(0);
            if (result == 0) {
                return output;
            }
            // A signal to the process in its midst takes a transaction back as a whole (nf_tables_api.c).
            if (!error.contains(INTERRUPTED) || tries == MOST_TRIES) {
                throw failure(error);
            }
        }
    }

    private LibNftables open() throws DriverException {
        LibNftables nft = library;
        if (nft != null && context != null) {
            return nft;
        }
        try {
            LibNftables loaded = LibNftables.load();
            // The context's socket belongs to the network of the thread that makes it.
            Pointer made = HomeNetwork.attempt("open nf_tables", () -> home.call(() -> loaded.nft_ctx_new(0)));
            if (made == null) {
                throw DriverException.failure(Failure.Kind.FAILED, "cannot open nf_tables");
            }
            loaded.nft_ctx_buffer_output(made);
            loaded.nft_ctx_buffer_error(made);
            library = loaded;
            context = made;
            return loaded;
        } catch (LinkageError e) {
            throw DriverException.failure(
                    Failure.Kind.UNSUPPORTED, "libnftables.so.1 is missing: install the package libnftables1", e);
        }
    }

    /** The first line says what is wrong, the others draw arrows under the command. */
    private static DriverException failure(String error) {
        String first = error.lines().findFirst().orElse("no reason given");
        String reason = first.replaceFirst("^.*?Error: ", "");
        Failure.Kind kind = Failure.Kind.FAILED;
        if (reason.contains("No such file or directory")) {
            kind = Failure.Kind.MISSING;
        } else if (reason.contains("File exists")) {
            kind = Failure.Kind.EXISTS;
        } else if (reason.contains("Operation not supported")) {
            kind = Failure.Kind.UNSUPPORTED;
        }
        return DriverException.failure(kind, "nf_tables: " + reason);
    }

    /**
     * An element comes as {@code key}, {@code {"elem": {"val": key, "comment": ...}}}, or in a map as a pair of one of those
     * and a value; keys and values are scalars or {@code {"concat": [...]}}.
     */
    private static Element element(JsonNode node) {
        JsonNode key = node;
        JsonNode value = null;
        if (node.isArray()) {
            key = node.get(0);
            value = node.get(1);
        }
        String comment = "";
        if (key.has("elem")) {
            comment = key.get("elem").path("comment").asText();
            key = key.get("elem").path("val");
        }
        return new Element(parts(key), value == null ? List.of() : parts(value), comment);
    }

    private static List<String> parts(JsonNode node) {
        List<String> parts = new ArrayList<>();
        if (node.has("concat")) {
            node.get("concat").forEach(part -> parts.add(text(part)));
        } else {
            parts.add(text(node));
        }
        return parts;
    }

    private static String text(JsonNode node) {
        if (node.has("prefix")) {
            return node.get("prefix").path("addr").asText() + "/"
                    + node.get("prefix").path("len").asText();
        }
        return node.isValueNode() ? node.asText() : node.toString();
    }
}
