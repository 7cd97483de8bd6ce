package dev.wharf.buildkit;

import com.google.protobuf.ByteString;
import dev.wharf.buildkit.wire.SessionWire.Packet;
import dev.wharf.buildkit.wire.SessionWire.Stat;
import dev.wharf.oci.layer.Dir;
import dev.wharf.oci.layer.Node;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * Gives a client the files of a directory (fsutil's protocol): lists what there is, and sends each content that the client then
 * asks for. Devices, pipes and sockets are left out. Used once, by one thread.
 */
final class FolderGift {
    private final Talk<Packet, Packet> talk;
    private final Dir root;
    private final Map<Integer, String> files = new HashMap<>();
    private int listed;
    private boolean finished;

    FolderGift(Talk<Packet, Packet> talk, Dir root) {
        this.talk = talk;
        this.root = root;
    }

    void give() throws IOException {
        list(root, "");
        talk.send(Packet.newBuilder().setType(Packet.Type.STAT).build());
        while (!finished) {
            answer();
        }
        talk.end();
        while (talk.take().isPresent()) {
            // It says no more than that it has all.
        }
    }

    private void list(Dir dir, String at) throws IOException {
        for (String name : dir.names()) {
            Optional<Node> node = dir.look(name);
            if (node.isEmpty() || !isGiven(node.get())) {
                continue;
            }
            String path = at + name;
            Stat.Builder stat = Stat.newBuilder()
                    .setPath(path)
                    .setMode(mode(node.get()))
                    .setUid((int) node.get().uid())
                    .setGid((int) node.get().gid())
                    .setModTime(TimeUnit.SECONDS.toNanos(node.get().modifiedSeconds())
                            + node.get().modifiedNanos());
            if (node.get().isRegular()) {
                stat.setSize(node.get().sizeBytes());
                files.put(listed, path);
            } else if (node.get().isSymbolicLink()) {
                stat.setLinkname(dir.readLink(name));
            }
            listed++;
            talk.send(
                    Packet.newBuilder().setType(Packet.Type.STAT).setStat(stat).build());
            // The client asks already, and would have to wait for room to ask.
            while (talk.hasMore()) {
                answer();
            }
            if (node.get().isDirectory()) {
                try (Dir below = dir.enter(name)) {
                    list(below, path + "/");
                }
            }
        }
    }

    private static boolean isGiven(Node node) {
        return node.isDirectory() || node.isRegular() || node.isSymbolicLink();
    }

    private static int mode(Node node) {
        int kind = node.isDirectory() ? GoMode.DIRECTORY : node.isSymbolicLink() ? GoMode.LINK : 0;
        return kind | GoMode.of(node.permissions());
    }

    private void answer() throws IOException {
        Packet packet = talk.take().orElseThrow(() -> new IOException("the client broke off as it was given files"));
        switch (packet.getType()) {
            case REQ -> send(packet.getId());
            case FIN -> {
                talk.send(Packet.newBuilder().setType(Packet.Type.FIN).build());
                finished = true;
            }
            case ERR ->
                throw new IOException(
                        "the client cannot keep the files: " + packet.getData().toStringUtf8());
            default -> throw new IOException("the client sent a packet that only a sender sends");
        }
    }

    private void send(int id) throws IOException {
        String path = files.get(id);
        if (path == null) {
            throw new IOException("the client asked for what it was not told of");
        }
        int cut = path.lastIndexOf('/');
        try (Dir dir = cut < 0 ? root.again() : root.resolve(path.substring(0, cut));
                InputStream in = dir.read(path.substring(cut + 1))) {
            byte[] buffer = new byte[32 << 10];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                data(id, ByteString.copyFrom(buffer, 0, read));
            }
        }
        data(id, ByteString.EMPTY);
    }

    private void data(int id, ByteString bytes) throws IOException {
        talk.send(Packet.newBuilder()
                .setType(Packet.Type.DATA)
                .setId(id)
                .setData(bytes)
                .build());
    }
}
