package dev.wharf.kafka;

import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;

/** The settings of PID {@code dev.wharf.kafka}, as a console shows them. An underscore here is a dot there. */
@ObjectClassDefinition(
        name = "Wharf: Kafka",
        description = "Publishes this host's journal and takes commands. Rests while no bootstrap server is named."
                + " Changed live; what is published goes on from where it was.")
@interface KafkaSettings {
    @AttributeDefinition(description = "Brokers to begin with: host:port, separated by commas. None: Kafka is off")
    String bootstrap_servers() default "";

    @AttributeDefinition(description = "What the names of all topics begin with, before a dot")
    String topics_prefix() default "wharf";

    @AttributeDefinition(description = "Whether topics that are missing are made, with the settings they need")
    boolean topics_create() default true;

    @AttributeDefinition(description = "Partitions of topics that are made here")
    int topics_partitions() default 6;

    @AttributeDefinition(description = "Copies of topics that are made here; -1 for what the brokers usually keep")
    int topics_replication() default -1;

    @AttributeDefinition(
            description = "How CloudEvents are written: attributes in headers, or everything in the value",
            options = {@Option("binary"), @Option("structured")})
    String format() default "binary";

    @AttributeDefinition(
            description = "Whether the values of environment variables are published, or their names alone",
            options = {@Option("names"), @Option("values")})
    String environment() default "names";

    @AttributeDefinition(options = {@Option("none"), @Option("gzip"), @Option("zstd")})
    String compression() default "none";

    @AttributeDefinition(
            description = "How large the journal may become, in MiB, before its oldest part goes unpublished")
    long outbox_limit_mib() default 4096;

    @AttributeDefinition(description = "Most events of one transaction")
    int transaction_events() default 50000;

    @AttributeDefinition(description = "Whether commands are taken from the topic of commands")
    boolean commands() default false;

    @AttributeDefinition(
            description = "Who may command what: principal=kind,kind; principal=kind. Nobody may, by default")
    String commands_allow() default "";

    @AttributeDefinition(
            description = "Folder with PRINCIPAL.pem, Ed25519 keys that commands must be signed with. None: principals"
                    + " are believed, so only those may write to the topic who may be")
    String commands_keys() default "";

    @AttributeDefinition(
            description = "Whether documents of desired state are followed; commands.allow says whose (desired.apply)")
    boolean desired() default false;

    @AttributeDefinition(description = "What documents with the key host/NAME call this host. None: the machine's name")
    String host_name() default "";

    @AttributeDefinition(description = "By what it belongs to groups of hosts: name=value,name=value")
    String host_labels() default "";

    @AttributeDefinition(
            description = "This host's number among those that share overlay networks, its own for life; -1: peers are"
                    + " not told by Kafka")
    int overlay_number() default -1;

    @AttributeDefinition(description = "Where this host's tunnels end")
    String overlay_address() default "";

    @AttributeDefinition(
            options = {@Option("PLAINTEXT"), @Option("SSL"), @Option("SASL_PLAINTEXT"), @Option("SASL_SSL")})
    String security_protocol() default "PLAINTEXT";

    @AttributeDefinition(description = "PEM file of the authorities that brokers' certificates come from")
    String tls_authorities_file() default "";

    @AttributeDefinition(description = "PEM file with this host's certificate chain and private key")
    String tls_certificate_file() default "";

    @AttributeDefinition(description = "File with the password of that private key")
    String tls_password_file() default "";

    @AttributeDefinition(description = "Whether a broker's certificate must name the broker")
    boolean tls_names() default true;

    @AttributeDefinition(
            options = {@Option("PLAIN"), @Option("SCRAM-SHA-256"), @Option("SCRAM-SHA-512"), @Option("OAUTHBEARER")})
    String sasl_mechanism() default "SCRAM-SHA-512";

    @AttributeDefinition
    String sasl_user() default "";

    @AttributeDefinition(description = "File with the password")
    String sasl_password_file() default "";

    @AttributeDefinition(description = "Where tokens for OAUTHBEARER come from, by client credentials")
    String oauth_token_url() default "";

    @AttributeDefinition
    String oauth_client() default "";

    @AttributeDefinition(description = "File with the client's secret")
    String oauth_secret_file() default "";

    @AttributeDefinition
    String oauth_scope() default "";
}
