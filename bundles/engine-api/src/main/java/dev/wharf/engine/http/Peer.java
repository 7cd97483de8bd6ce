package dev.wharf.engine.http;

import dev.wharf.core.journal.EventJournal.Actor;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/** Who is at the other end of a unix socket (unix(7), SO_PEERCRED). */
final class Peer {
    /** What /proc/[pid]/loginuid holds where nobody logged in: -1 as an unsigned number. */
    private static final String NO_LOGIN = "4294967295";

    private static final Path ACCOUNTS = Path.of("/etc/passwd");

    private static volatile Names names = new Names(FileTime.fromMillis(0), Map.of());

    private record Names(FileTime modified, Map<String, String> byUid) {}

    private Peer() {}

    /** The peer as it was when it connected, with the login it came from where that can still be read. */
    static Actor of(EpollDomainSocketChannel channel) {
        PeerCredentials peer;
        try {
            peer = channel.peerCredentials();
        } catch (IOException e) {
            return new Actor(Actor.Kind.PEER, "unknown", Map.of());
        }
        Map<String, String> details = new LinkedHashMap<>();
        details.put("uid", Integer.toUnsignedString(peer.uid()));
        details.put("gid", peer.gids().length == 0 ? "" : Integer.toUnsignedString(peer.gids()[0]));
        details.put("pid", Integer.toString(peer.pid()));
        String login = line("/proc/" + peer.pid() + "/loginuid");
        if (!login.isEmpty() && !login.equals(NO_LOGIN)) {
            details.put("loginuid", login);
        }
        String program = line("/proc/" + peer.pid() + "/comm");
        if (!program.isEmpty()) {
            details.put("program", program);
        }
        return new Actor(Actor.Kind.PEER, name(details.get("uid")), details);
    }

    /** The account's name; read anew when the accounts have changed, for every client asks for nearly always the same. */
    private static String name(String uid) {
        try {
            FileTime modified = Files.getLastModifiedTime(ACCOUNTS);
            Names known = names;
            if (!known.modified().equals(modified)) {
                known = new Names(modified, accounts());
                names = known;
            }
            return known.byUid().getOrDefault(uid, "uid " + uid);
        } catch (IOException e) {
            return "uid " + uid;
        }
    }

    private static Map<String, String> accounts() throws IOException {
        Map<String, String> byUid = new HashMap<>();
        for (String account : Files.readAllLines(ACCOUNTS, StandardCharsets.ISO_8859_1)) {
            String[] fields = account.split(":", 4);
            if (fields.length > 2) {
                byUid.putIfAbsent(fields[2], fields[0]);
            }
        }
        return byUid;
    }

    private static String line(String file) {
        try {
            return Files.readString(Path.of(file), StandardCharsets.ISO_8859_1).strip();
        } catch (IOException e) {
            // The process may be gone already, or belong to another namespace.
            return "";
        }
    }
}
