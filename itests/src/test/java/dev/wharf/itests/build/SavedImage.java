package dev.wharf.itests.build;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.wharf.oci.archive.Packed;
import dev.wharf.oci.layer.Entry;
import dev.wharf.oci.layer.Limits;
import dev.wharf.oci.layer.TarReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What {@code docker save} wrote, as far as two engines have to agree on it: neither ids nor times.
 *
 * @param config what containers get of it
 * @param history each line with whether it has a layer, and digests of copied files taken out
 * @param tree every file of all layers together with its kind, mode, owner, link and content
 */
record SavedImage(Map<String, String> config, List<String> history, Map<String, String> tree) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final Set<String> FOREIGN = Set.of("Hostname", "Image", "ArgsEscaped");

    static SavedImage read(Path saved) throws IOException {
        Map<String, byte[]> files = new HashMap<>();
        try (InputStream in = Files.newInputStream(saved)) {
            TarReader tar = new TarReader(in, Limits.DEFAULT);
            for (Optional<Entry> e = tar.next(); e.isPresent(); e = tar.next()) {
                String name = e.get().name();
                if (e.get().kind() == Entry.Kind.FILE) {
                    files.put(name, tar.content().readAllBytes());
                } else if (e.get().kind() == Entry.Kind.SYMBOLIC_LINK) {
                    // Docker stores a layer once, and names it again by a link.
                    files.put(
                            name,
                            files.get(Path.of(name)
                                    .resolveSibling(e.get().target())
                                    .normalize()
                                    .toString()));
                }
            }
        }
        JsonNode manifest = JSON.readTree(files.get("manifest.json")).get(0);
        JsonNode document = JSON.readTree(files.get(manifest.get("Config").asText()));
        Map<String, String> config = new TreeMap<>();
        document.path("config").fields().forEachRemaining(f -> {
            JsonNode value = f.getValue();
            boolean empty = value.isNull()
                    || value.isContainerNode() && value.isEmpty()
                    || value.isTextual() && value.asText().isEmpty()
                    || value.isBoolean() && !value.asBoolean();
            if (!empty && !FOREIGN.contains(f.getKey())) {
                config.put(f.getKey(), value.toString());
            }
        });
        List<String> history = new ArrayList<>();
        for (JsonNode line : document.path("history")) {
            history.add(line.path("created_by").asText().replaceAll("(file|dir|multi):[0-9a-f]+", "$1:")
                    + (line.path("empty_layer").asBoolean() ? " (empty)" : "")
                    + (line.path("author").asText().isEmpty()
                            ? ""
                            : " by " + line.path("author").asText()));
        }
        Map<String, String> tree = new TreeMap<>();
        for (JsonNode layer : manifest.get("Layers")) {
            apply(files.get(layer.asText()), tree);
        }
        return new SavedImage(config, history, tree);
    }

    private static void apply(byte[] layer, Map<String, String> tree) throws IOException {
        Map<String, String> brought = new TreeMap<>();
        TarReader tar = new TarReader(Packed.unpack(new ByteArrayInputStream(layer)), Limits.DEFAULT);
        for (Optional<Entry> read = tar.next(); read.isPresent(); read = tar.next()) {
            Entry e = read.get();
            String name = e.name().replaceFirst("^\\./", "").replaceFirst("/$", "");
            String base = name.substring(name.lastIndexOf('/') + 1);
            String dir = name.substring(0, name.length() - base.length());
            if (name.isEmpty() || name.equals(".")) {
                continue;
            }
            if (base.equals(".wh..wh..opq")) {
                tree.keySet().removeIf(path -> path.startsWith(dir));
            } else if (base.startsWith(".wh.")) {
                String hidden = dir + base.substring(4);
                tree.keySet().removeIf(path -> path.equals(hidden) || path.startsWith(hidden + "/"));
            } else if (e.kind() == Entry.Kind.HARD_LINK) {
                String target = e.target().replaceFirst("^\\./", "");
                brought.put(name, brought.getOrDefault(target, tree.getOrDefault(target, "nothing")));
            } else {
                if (e.kind() != Entry.Kind.DIRECTORY) {
                    tree.keySet().removeIf(path -> path.startsWith(name + "/"));
                }
                brought.put(
                        name,
                        e.kind() + " " + Integer.toOctalString(e.mode()) + " " + e.uid() + ":" + e.gid() + " "
                                + e.target()
                                + (e.kind() == Entry.Kind.FILE ? sha256(tar.content()) : ""));
            }
        }
        tree.putAll(brought);
    }

    private static String sha256(InputStream in) throws IOException {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(in.readAllBytes()))
                    .substring(0, 16);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }
}
