package dev.wharf.jolokia.door;

import com.sun.net.httpserver.Authenticator;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpPrincipal;
import com.sun.net.httpserver.HttpsExchange;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.security.auth.x500.X500Principal;
import org.jolokia.server.core.config.ConfigKey;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets in who has a certificate or a password. Jolokia makes it by its class's name, so it finds the people in a static field. */
public final class Doorkeeper extends Authenticator {
    private static volatile Optional<People> known = Optional.empty();

    private static final Logger LOG = LoggerFactory.getLogger(Doorkeeper.class);
    private static final String BASIC = "Basic ";

    /** Where Hawtio puts the password for the agent behind it, the usual place being for its own. */
    private static final String HAWTIO = "X-Jolokia-Authorization";

    /** Sent by the console page, which asks for passwords itself. */
    private static final String CONSOLE = "X-Wharf-Console";

    /** From now on these may come in. */
    static void know(Optional<People> people) {
        known = people;
    }

    /** Whoever comes, if he is known. */
    static Optional<Visitor> visitor(HttpExchange exchange) {
        return known.flatMap(people -> recognise(exchange, people));
    }

    @Override
    public Result authenticate(HttpExchange exchange) {
        if (exchange.getRequestMethod().equals("OPTIONS")) {
            // A browser asks whether a page may ask, and is not given a password for that; nothing else comes of it.
            return new Success(new HttpPrincipal("nobody", "wharf"));
        }
        Optional<Visitor> visitor = visitor(exchange);
        if (visitor.isEmpty()) {
            LOG.warn("refused who={}", exchange.getRemoteAddress());
            if (!exchange.getRequestHeaders().containsKey(CONSOLE)) {
                exchange.getResponseHeaders().set("WWW-Authenticate", BASIC + "realm=\"wharf\", charset=\"UTF-8\"");
            }
            return new Failure(401);
        }
        Policy.at(address(exchange));
        exchange.setAttribute(
                ConfigKey.JAAS_SUBJECT_REQUEST_ATTRIBUTE, visitor.get().subject());
        return new Success(new HttpPrincipal(visitor.get().name(), "wharf"));
    }

    /** Where the client believes to be, as browsers write it. */
    private static String address(HttpExchange exchange) {
        return (exchange instanceof HttpsExchange ? "https://" : "http://")
                + exchange.getRequestHeaders().getFirst("Host");
    }

    private static Optional<Visitor> recognise(HttpExchange exchange, People people) {
        return byCertificate(exchange)
                .map(name -> new Visitor(name, people.isOperator(name, true)))
                .or(() -> byPassword(exchange, people));
    }

    private static Optional<String> byCertificate(HttpExchange exchange) {
        try {
            return exchange instanceof HttpsExchange secure
                            && secure.getSSLSession().getPeerPrincipal() instanceof X500Principal principal
                    ? commonName(principal)
                    : Optional.empty();
        } catch (SSLPeerUnverifiedException e) {
            return Optional.empty();
        }
    }

    private static Optional<String> commonName(X500Principal principal) {
        try {
            return new LdapName(principal.getName())
                    .getRdns().stream()
                            .filter(rdn -> rdn.getType().equalsIgnoreCase("CN"))
                            .map(Rdn::getValue)
                            .map(Object::toString)
                            .findFirst();
        } catch (InvalidNameException e) {
            return Optional.empty();
        }
    }

    private static Optional<Visitor> byPassword(HttpExchange exchange, People people) {
        String usual = exchange.getRequestHeaders().getFirst("Authorization");
        String header = usual == null ? exchange.getRequestHeaders().getFirst(HAWTIO) : usual;
        if (header == null || !header.startsWith(BASIC)) {
            return Optional.empty();
        }
        try {
            String pair = new String(
                    Base64.getDecoder().decode(header.substring(BASIC.length()).strip()), StandardCharsets.UTF_8);
            int colon = pair.indexOf(':');
            String user = colon < 0 ? pair : pair.substring(0, colon);
            return colon >= 0 && people.isPassword(user, pair.substring(colon + 1))
                    ? Optional.of(new Visitor(user, people.isOperator(user, false)))
                    : Optional.empty();
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
