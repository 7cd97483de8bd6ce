package dev.wharf.kafka;

import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.AbortTransactionSpec;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ListTransactionsOptions;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.TransactionDescription;
import org.apache.kafka.clients.admin.TransactionListing;
import org.apache.kafka.clients.admin.TransactionState;
import org.apache.kafka.common.TopicPartition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Transactions that are over and still open in partitions. A broker that dies between a commit and the marks that it puts into
 * the partitions may take them for put when it is back. Nobody who reads what is committed ever comes past such a place, so of
 * all hosts none would find out any more where to go on. No broker ends them by itself: Kafka leaves it to its operator
 * ({@code kafka-transactions.sh find-hanging}), who is asleep. What was in them was never shown, and the journal still has it.
 */
final class Leftovers {
    private static final Logger log = LoggerFactory.getLogger(Leftovers.class);

    private static final Set<TransactionState> OVER =
            Set.of(TransactionState.EMPTY, TransactionState.COMPLETE_ABORT, TransactionState.COMPLETE_COMMIT);

    private final Admin admin;

    Leftovers(Admin admin) {
        this.admin = admin;
    }

    /** What a transaction has open in a partition, and since which offset. */
    private record Open(TopicPartition partition, long producer, int epoch, int coordinator, long offset) {}

    /** Ends what is left over in some topics; those that are not there are passed over. */
    void end(Collection<String> topics) throws InterruptedException {
        Set<Open> before = open(topics);
        if (before.isEmpty()) {
            return;
        }
        Map<Long, TransactionDescription> transactions = transactions(before);
        // Whoever was about to end is through now: what is left was over and open at the same time.
        before.retainAll(open(topics));
        for (Open one : before) {
            TransactionDescription transaction = transactions.get(one.producer());
            boolean over = transaction == null
                    || OVER.contains(transaction.state())
                    || transaction.state() == TransactionState.ONGOING && transaction.producerEpoch() != one.epoch();
            if (over) {
                Connection.await(admin.abortTransaction(new AbortTransactionSpec(
                                one.partition(), one.producer(), (short) one.epoch(), one.coordinator()))
                        .all());
                log.warn(
                        "a transaction that was over kept everybody from reading on and is ended partition={} offset={}",
                        one.partition(),
                        one.offset());
            }
        }
    }

    private Set<Open> open(Collection<String> topics) throws InterruptedException {
        Set<String> there = new HashSet<>(Connection.await(admin.listTopics().names()));
        there.retainAll(topics);
        Set<TopicPartition> partitions = new HashSet<>();
        for (TopicDescription topic :
                Connection.await(admin.describeTopics(there).allTopicNames()).values()) {
            topic.partitions().forEach(p -> partitions.add(new TopicPartition(topic.name(), p.partition())));
        }
        Set<Open> open = new HashSet<>();
        Connection.await(admin.describeProducers(partitions).all())
                .forEach((partition, producers) -> producers
                        .activeProducers()
                        .forEach(one -> one.currentTransactionStartOffset()
                                .ifPresent(offset -> open.add(new Open(
                                        partition,
                                        one.producerId(),
                                        one.producerEpoch(),
                                        one.coordinatorEpoch().orElse(0),
                                        offset)))));
        return open;
    }

    /** Whose transactions they are, and how they stand; nobody's where the broker has forgotten its owner. */
    private Map<Long, TransactionDescription> transactions(Set<Open> open) throws InterruptedException {
        Set<Long> producers = open.stream().map(Open::producer).collect(Collectors.toSet());
        List<String> names = Connection.await(
                        admin.listTransactions(new ListTransactionsOptions().filterProducerIds(producers))
                                .all())
                .stream()
                .map(TransactionListing::transactionalId)
                .toList();
        Map<Long, TransactionDescription> transactions = new HashMap<>();
        if (!names.isEmpty()) {
            Connection.await(admin.describeTransactions(names).all())
                    .values()
                    .forEach(t -> transactions.put(t.producerId(), t));
        }
        return transactions;
    }
}
