package dev.wharf.jolokia.door;

import java.util.Set;
import javax.management.ObjectName;
import org.jolokia.server.core.service.api.Restrictor;
import org.jolokia.server.core.util.HttpMethod;
import org.jolokia.server.core.util.RequestType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What who came in may do: look at everything but the JVM's command line and properties, which may hold secrets, and, for
 * operators, call the operations of Wharf's own beans. Nothing is written, no target but this JVM is reached. Jolokia makes it by
 * its class's name.
 */
public final class Policy implements Restrictor {
    private static volatile Set<String> origins = Set.of();

    /** Where the client of this thread believes to be. */
    private static final ThreadLocal<String> HERE = new ThreadLocal<>();

    private static final Logger LOG = LoggerFactory.getLogger(Policy.class);
    private static final String OURS = "dev.wharf";
    private static final Set<RequestType> LOOKS = Set.of(
            RequestType.READ,
            RequestType.LIST,
            RequestType.SEARCH,
            RequestType.VERSION,
            RequestType.NOTIFICATION,
            RequestType.EXEC);
    private static final Set<String> SECRET = Set.of("SystemProperties", "InputArguments");

    /** From now on pages from these may come in. */
    static void letIn(Set<String> pages) {
        origins = pages;
    }

    /** The request that this thread now works for came to this address. */
    static void at(String address) {
        HERE.set(address);
    }

    @Override
    public boolean isHttpMethodAllowed(HttpMethod method) {
        return method == HttpMethod.GET || method == HttpMethod.POST;
    }

    @Override
    public boolean isTypeAllowed(RequestType type) {
        return LOOKS.contains(type);
    }

    @Override
    public boolean isAttributeReadAllowed(ObjectName name, String attribute) {
        return !(name.getDomain().equals("java.lang") && SECRET.contains(attribute));
    }

    @Override
    public boolean isAttributeWriteAllowed(ObjectName name, String attribute) {
        LOG.warn("writing refused who={} bean={} attribute={}", who(), name, attribute);
        return false;
    }

    private static String who() {
        return Visitor.current().map(Visitor::name).orElse("nobody");
    }

    @Override
    public boolean isOperationAllowed(ObjectName name, String operation) {
        boolean allowed = name.getDomain().equals(OURS)
                && Visitor.current().map(Visitor::operator).orElse(false);
        if (!allowed) {
            LOG.warn("operation refused who={} bean={} operation={}", who(), name, operation);
        }
        return allowed;
    }

    @Override
    public boolean isRemoteAccessAllowed(String... hostsOrAddresses) {
        // The address that is listened on decides, and the doorkeeper.
        return true;
    }

    /** Only our own page and those that were named: a browser that knows the password must not lend it to any page it happens to show. */
    @Override
    public boolean isOriginAllowed(String origin, boolean strict) {
        return origin == null || origins.contains(origin) || origin.equals(HERE.get());
    }

    @Override
    public boolean isObjectNameHidden(ObjectName name) {
        return false;
    }
}
