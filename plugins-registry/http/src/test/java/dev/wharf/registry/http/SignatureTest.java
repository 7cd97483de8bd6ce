package dev.wharf.registry.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SignatureTest {
    private static final Instant NOW = Instant.parse("2013-05-24T00:00:00Z");
    private static final Keys KEYS = new Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "");

    /** The example "GET Object" in the Amazon S3 API reference, with the signature that it gives. */
    @Test
    void theExampleOfTheReferenceIsSignedAsItSays() {
        Map<String, String> added = Signature.of(
                KEYS,
                "us-east-1",
                URI.create("https://examplebucket.s3.amazonaws.com/test.txt"),
                Map.of("Range", "bytes=0-9"),
                NOW);

        assertThat(added)
                .containsEntry("x-amz-date", "20130524T000000Z")
                .containsEntry(
                        "Authorization",
                        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
                                + " SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                                + " Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    }

    @Test
    void aPortThatIsTheUsualOneIsNoPartOfTheHost() {
        String bare = signature("https://store.example/x", KEYS);

        assertThat(signature("https://store.example:443/x", KEYS)).isEqualTo(bare);
        assertThat(signature("https://store.example:9000/x", KEYS)).isNotEqualTo(bare);
    }

    @Test
    void aSessionsTokenIsSentAndSigned() {
        Keys session = new Keys(KEYS.id(), KEYS.secret(), "token");

        assertThat(Signature.of(session, "eu-central-1", URI.create("http://store.example"), Map.of(), NOW))
                .containsEntry("x-amz-security-token", "token")
                .hasEntrySatisfying(
                        "Authorization",
                        a -> assertThat(a)
                                .contains("/eu-central-1/s3/", "x-amz-date;x-amz-security-token")
                                .doesNotContain(session.secret()));
    }

    @Test
    void keysAreShownToNobody() {
        assertThat(KEYS).hasToString("(secret)");
    }

    private static String signature(String uri, Keys keys) {
        return String.valueOf(
                Signature.of(keys, "us-east-1", URI.create(uri), Map.of(), NOW).get("Authorization"));
    }
}
