package dev.wharf.spi.registry;

import dev.wharf.model.Descriptor;
import dev.wharf.model.Reference;
import dev.wharf.model.Repository;
import dev.wharf.spi.Driver;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.io.InputStream;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.annotation.versioning.ConsumerType;

/** Finds images where they are kept: a distribution registry, an OCI layout on disk, a mirror. */
@ConsumerType
public interface RegistryBackend extends Driver {
    /** Whether this backend answers for {@code repository}; the first by rank that does is asked. */
    boolean serves(Repository repository);

    /** Opens one repository with one set of credentials. */
    Remote open(Repository repository, Credentials credentials) throws DriverException;

    /** One repository, opened with one set of credentials; used by several threads at once. */
    interface Remote extends AutoCloseable {
        /** The descriptor a tag or digest stands for now. MISSING where there is none. */
        Descriptor resolve(Reference reference) throws DriverException;

        /**
         * The bytes of a manifest, a config or a layer from {@code offset} on; the caller verifies size and digest.
         *
         * @param offset where to go on after a broken transfer, in bytes; 0 for the start
         */
        InputStream fetch(Descriptor content, long offset) throws DriverException;

        /**
         * The mirror or cache, as {@code HOST[:PORT]} and nothing more, that {@code content} came from when it was last
         * resolved or fetched here; empty where it came from the repository's own place.
         */
        default Optional<String> mirror(Descriptor content) {
            return Optional.empty();
        }

        /** Uploads content unless the repository has it already. */
        void push(Content content) throws DriverException;

        /** The tags there are, in no order that means anything. UNSUPPORTED where they cannot be listed. */
        default List<String> tags() throws DriverException {
            throw DriverException.failure(
                    Failure.Kind.UNSUPPORTED, "the tags of this repository cannot be listed; name one");
        }

        /** Makes {@code reference} stand for {@code manifest}, whose bytes were pushed before. */
        void tag(Reference reference, Descriptor manifest) throws DriverException;

        @Override
        void close();
    }

    /** Knows registries as such, beside their single repositories. */
    interface Registries extends Capability {
        /**
         * Asks a registry whether it takes credentials, and answers with a token to keep instead of the password, or with
         * nothing where the password is to be kept. UNAUTHORISED where it does not take them.
         *
         * @param host a registry's host, with its port if any
         */
        String login(String host, Credentials credentials) throws DriverException;

        /** What the operator said of registries. */
        Manners manners();
    }

    /**
     * How registries are spoken to.
     *
     * @param insecure hosts and ranges of addresses whose word is taken without a certificate
     * @param mirrors addresses to ask first, by the registry's host
     */
    record Manners(List<String> insecure, Map<String, List<String>> mirrors) {
        public Manners {
            insecure = List.copyOf(insecure);
            mirrors = Map.copyOf(mirrors);
        }
    }
}
