package dev.wharf.kafka;

/** What the words of TLS mean to whoever wrote the settings. */
final class Handshake {
    private static final String ALERT = "Received fatal alert: ";

    private Handshake() {}

    static String told(String words, Settings.Security security) {
        if (words.startsWith(ALERT) && words.contains("cert")) {
            String alert = words.substring(ALERT.length());
            return security.certificate()
                    .map(file -> "the broker refuses the certificate in tls.certificate.file, " + file + ": " + alert)
                    .orElse("the broker wants a certificate, and tls.certificate.file names none: " + alert);
        }
        if (words.startsWith("PKIX ")) {
            return "the broker's certificate is not vouched for by "
                    + security.authorities()
                            .map(file -> "tls.authorities.file, " + file)
                            .orElse("the JDK's authorities, and tls.authorities.file names none")
                    + ": " + words;
        }
        return words;
    }
}
