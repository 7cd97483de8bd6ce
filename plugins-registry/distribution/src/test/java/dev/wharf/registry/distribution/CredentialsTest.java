package dev.wharf.registry.distribution;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Digest;
import dev.wharf.model.MediaTypes;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import dev.wharf.spi.registry.Content;
import dev.wharf.spi.registry.Credentials;
import dev.wharf.spi.registry.RegistryBackend;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Real registries that ask who we are: by password, and by tokens that they check themselves. */
@Timeout(120)
class CredentialsTest {
    private static final Credentials RIGHT = new Credentials("user", "right", "", "");
    private static final Credentials WRONG = new Credentials("user", "wrong", "", "");
    private static final byte[] BLOB = "hello".getBytes(UTF_8);

    @TempDir
    static Path folder;

    private static DebianRegistry passwords;
    private static DebianRegistry tokens;
    private static TokenServer tokenServer;

    @BeforeAll
    static void start() throws Exception {
        Path htpasswd = folder.resolve("htpasswd");
        // What "htpasswd -B" makes of the password "right".
        Files.writeString(htpasswd, "user:$2y$05$5OvwC3WSykFUY2Ok/j5J5Ohg5Ax3.XDPrzTy.yj332hBIqrFm.d2q\n");
        passwords = DebianRegistry.with(
                folder.resolve("passwords"), "auth: {htpasswd: {realm: test, path: " + htpasswd + "}}", "");
        tokenServer = new TokenServer(folder.resolve("tokens"), RIGHT);
        tokens = DebianRegistry.with(folder.resolve("tokens"), tokenServer.configuration(), "");
    }

    @AfterAll
    static void stop() throws Exception {
        passwords.close();
        tokens.close();
        tokenServer.close();
    }

    @Test
    void theRightPasswordOpensARegistry() throws Exception {
        pushAndFetch(backend(), passwords, "app", RIGHT);
    }

    @Test
    void aWrongPasswordOrNoneDoesNot() {
        Reference reference = Reference.parse(passwords.host() + "/app:v");
        for (Credentials credentials : new Credentials[] {WRONG, Credentials.ANONYMOUS}) {
            assertDenied(
                    "pull access denied for " + passwords.host() + "/app, repository does not exist or may require"
                            + " 'docker login'",
                    () -> open(backend(), passwords, "app", credentials).resolve(reference));
            assertDenied("push access denied", () -> {
                open(backend(), passwords, "app", credentials).push(content());
                return null;
            });
        }
    }

    @Test
    void aLoginIsTakenWhereTheRegistryTakesIt() throws Exception {
        assertThat(backend().login(passwords.host(), RIGHT)).isEmpty();
        assertThat(backend().login(tokens.host(), RIGHT)).isEmpty();
    }

    @Test
    void aLoginWithAWrongPasswordIsRefusedInDockersWords() {
        assertDenied(
                "login attempt to http://" + passwords.host() + "/v2/ failed with status: 401 Unauthorized",
                () -> backend().login(passwords.host(), WRONG));
        assertDenied("unauthorized: ", () -> backend().login(tokens.host(), WRONG));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "{'errors':[{'code':'UNAUTHORIZED','message':'unauthorized'}]}|incorrect username or password",
                "{'errors':[{'code':'UNAUTHORIZED','message':'token has expired'}]}|token has expired",
                "{'errors':[{'code':'DENIED','message':'your account is locked'}]}|denied: your account is locked",
                "{'details':'incorrect username or password'}|incorrect username or password"
            })
    void whatTheTokenServerSaysIsToldOnce(String body, String reason) {
        tokenServer.refuseWith(body.replace('\'', '"'));
        try {
            assertDenied(
                    "unauthorized: " + reason + " (registry ", () -> backend().login(tokens.host(), WRONG));
        } finally {
            tokenServer.refuseWith("");
        }
    }

    @Test
    void aTokenIsFetchedForWhatIsDone() throws Exception {
        DistributionBackend backend = backend();
        int before = tokenServer.given();

        pushAndFetch(backend, tokens, "team/app", RIGHT);

        // One to push and one to pull, however many requests there are.
        assertThat(tokenServer.given() - before).isEqualTo(2);
        assertThat(tokenServer.lastScope()).isEqualTo("repository:team/app:pull");
    }

    @Test
    void tokensAreSharedByTheRemotesOfOneUser() throws Exception {
        DistributionBackend backend = backend();
        pushAndFetch(backend, tokens, "shared", RIGHT);
        int before = tokenServer.given();

        pushAndFetch(backend, tokens, "shared", RIGHT);
        assertThat(tokenServer.given()).isEqualTo(before);

        backend.configure(Map.of());
        pushAndFetch(backend, tokens, "shared", RIGHT);
        assertThat(tokenServer.given()).isEqualTo(before + 2);
    }

    @Test
    void anybodyPullsWhatIsPublicAndNobodyElsePushes() throws Exception {
        pushAndFetch(backend(), tokens, "public/app", RIGHT);

        try (RegistryBackend.Remote remote = open(backend(), tokens, "public/app", Credentials.ANONYMOUS);
                InputStream in = remote.fetch(content().descriptor(), 0)) {
            assertThat(in.readAllBytes()).isEqualTo(BLOB);
        }
        assertDenied("push access denied", () -> {
            open(backend(), tokens, "public/app", Credentials.ANONYMOUS).push(content("other".getBytes(UTF_8)));
            return null;
        });
        assertDenied(
                "pull access denied",
                () -> open(backend(), tokens, "team/app", Credentials.ANONYMOUS)
                        .fetch(content().descriptor(), 0));
    }

    @Test
    void aWrongPasswordAtTheTokenServerIsDenied() {
        assertDenied(
                "unauthorized: incorrect username or password",
                () -> open(backend(), tokens, "team/app", WRONG).fetch(content().descriptor(), 0));
    }

    @Test
    void anIdentityTokenStandsForAPassword() throws Exception {
        pushAndFetch(backend(), tokens, "team/app", new Credentials("", "", TokenServer.REFRESH_TOKEN, ""));
    }

    @Test
    void aTokenThatTheRegistryForgotIsReplaced() throws Exception {
        DistributionBackend backend = backend();
        pushAndFetch(backend, tokens, "team/app", RIGHT);
        int before = tokenServer.given();

        tokenServer.giveStaleTokens(1);
        try (RegistryBackend.Remote remote = open(backend, tokens, "team/other", RIGHT)) {
            remote.push(content());
        }

        assertThat(tokenServer.given() - before).isEqualTo(2);
    }

    @Test
    void aRegistryTokenIsSentAsItIs() throws Exception {
        pushAndFetch(backend(), tokens, "team/app", RIGHT);
        String token = tokenServer.token("repository:team/app:pull", true);

        try (RegistryBackend.Remote remote = open(backend(), tokens, "team/app", new Credentials("", "", "", token));
                InputStream in = remote.fetch(content().descriptor(), 0)) {
            assertThat(in.readAllBytes()).isEqualTo(BLOB);
        }
    }

    // --- helpers

    private static void pushAndFetch(
            DistributionBackend backend, DebianRegistry registry, String path, Credentials credentials)
            throws Exception {
        try (RegistryBackend.Remote remote = open(backend, registry, path, credentials)) {
            remote.push(content());
            try (InputStream in = remote.fetch(content().descriptor(), 0)) {
                assertThat(in.readAllBytes()).isEqualTo(BLOB);
            }
        }
    }

    private static DistributionBackend backend() {
        return new DistributionBackend(folder.resolve("certs.d"), Map.of(), Map.of());
    }

    private static RegistryBackend.Remote open(
            DistributionBackend backend, DebianRegistry registry, String path, Credentials credentials)
            throws DriverException {
        return backend.open(Repository.parse(registry.host() + "/" + path), credentials);
    }

    private static Content content() {
        return content(BLOB);
    }

    private static Content content(byte[] bytes) {
        return new Content() {
            @Override
            public Descriptor descriptor() {
                return new Descriptor(MediaTypes.OCI_LAYER, Digest.sha256(bytes), bytes.length);
            }

            @Override
            public InputStream open() {
                return new ByteArrayInputStream(bytes);
            }
        };
    }

    private static void assertDenied(String message, Callable<?> call) {
        Throwable thrown = catchThrowable(call::call);
        assertThat(thrown).isInstanceOf(DriverException.class).hasMessageContaining(message);
        assertThat(((DriverException) thrown).failure().kind()).isEqualTo(Failure.Kind.UNAUTHORISED);
        assertThat(thrown.toString()).doesNotContain("wrong", "right");
    }
}
