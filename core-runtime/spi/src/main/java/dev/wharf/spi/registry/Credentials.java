package dev.wharf.spi.registry;

/**
 * Who we are to a registry. Never serialised: nothing of this type reaches journal, log, Kafka or JMX.
 *
 * @param identityToken a refresh token that stands for user and password, or empty
 * @param registryToken a bearer token to send as it is, or empty
 */
public record Credentials(String username, String password, String identityToken, String registryToken) {
    public static final Credentials ANONYMOUS = new Credentials("", "", "", "");

    public boolean isAnonymous() {
        return equals(ANONYMOUS);
    }

    /** Hides everything but the user's name. */
    @Override
    public String toString() {
        return isAnonymous() ? "anonymous" : "credentials of " + username;
    }
}
