package dev.wharf.registry.http;

import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/** AWS Signature Version 4 of a GET, as S3 wants it (Amazon S3 API reference, "Signature Calculations", in the header). */
final class Signature {
    private static final String ALGORITHM = "AWS4-HMAC-SHA256";
    private static final String MAC = "HmacSHA256";
    private static final DateTimeFormatter DAY =
            DateTimeFormatter.ofPattern("yyyyMMdd", Locale.ROOT).withZone(ZoneOffset.UTC);
    private static final DateTimeFormatter MOMENT =
            DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'", Locale.ROOT).withZone(ZoneOffset.UTC);

    private Signature() {}

    /** What has to be sent besides {@code headers} so that the store knows who asks. The client sends the host by itself. */
    static Map<String, String> of(Keys keys, String region, URI uri, Map<String, String> headers, Instant now) {
        Map<String, String> added = new TreeMap<>();
        added.put("x-amz-content-sha256", sha256(""));
        added.put("x-amz-date", MOMENT.format(now));
        if (!keys.token().isEmpty()) {
            added.put("x-amz-security-token", keys.token());
        }
        Map<String, String> signed = new TreeMap<>(added);
        headers.forEach((name, value) -> signed.put(name.toLowerCase(Locale.ROOT), value));
        signed.put("host", host(uri));

        String names = String.join(";", signed.keySet());
        String path = uri.getRawPath().isEmpty() ? "/" : uri.getRawPath();
        String request = "GET\n" + path + "\n\n"
                + signed.entrySet().stream()
                        .map(h -> h.getKey() + ":" + h.getValue().strip() + "\n")
                        .collect(Collectors.joining())
                + "\n" + names + "\n" + sha256("");
        String scope = DAY.format(now) + "/" + region + "/s3/aws4_request";
        String text = ALGORITHM + "\n" + MOMENT.format(now) + "\n" + scope + "\n" + sha256(request);

        byte[] key = ("AWS4" + keys.secret()).getBytes(StandardCharsets.UTF_8);
        for (String part : scope.split("/")) {
            key = mac(key, part);
        }
        added.put(
                "Authorization",
                ALGORITHM + " Credential=" + keys.id() + "/" + scope + ", SignedHeaders=" + names + ", Signature="
                        + HexFormat.of().formatHex(mac(key, text)));
        return added;
    }

    /** As the client sends it, which leaves out the port that a scheme has anyway. */
    private static String host(URI uri) {
        int usual = uri.getScheme().equals("https") ? 443 : 80;
        return uri.getPort() < 0 || uri.getPort() == usual ? uri.getHost() : uri.getHost() + ":" + uri.getPort();
    }

    private static byte[] mac(byte[] key, String text) {
        try {
            Mac mac = Mac.getInstance(MAC);
            mac.init(new SecretKeySpec(key, MAC));
            return mac.doFinal(text.getBytes(StandardCharsets.UTF_8));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has " + MAC, e);
        }
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
