package dev.wharf.kafka;

import dev.wharf.core.event.Event;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Batch;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.log.codec.EventCodec;
import dev.wharf.log.codec.record.RecordJournal;
import dev.wharf.log.file.FileLog;
import dev.wharf.model.VolumeName;
import dev.wharf.model.VolumeSpec;
import dev.wharf.testkit.kafka.Broker;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How fast a journal is published that grew while the brokers were away. Run by hand, with the class path of the tests and a
 * folder to work in, and maybe how many thousand events.
 */
final class CatchUpBenchmark {
    private CatchUpBenchmark() {}

    public static void main(String[] words) throws Exception {
        Path folder = Files.createDirectories(Path.of(words[0]));
        int count = words.length > 1 ? Integer.parseInt(words[1]) * 1000 : 400_000;
        try (EventJournal journal = new RecordJournal(
                        new FileLog(new FileLog.Options(folder.resolve("journal"), "bench")), new EventCodec());
                Broker broker = Broker.start(folder.resolve("broker"))) {
            Actor actor = new Actor(Actor.Kind.PEER, "root", Map.of("uid", "0", "pid", "4711"));
            journal.append(new Batch(
                    new Cause(CommandId.NONE, Optional.empty(), actor),
                    Instant.now(),
                    List.of(new HostEvent.Opened("0123456789abcdef", 1, "bench", Instant.now()))));
            for (int i = 0; i < 200; i++) {
                VolumeSpec spec = new VolumeSpec(
                        new VolumeName("volume-" + i), VolumeSpec.LOCAL, Map.of(), Map.of("team", "storage"), false);
                append(journal, actor, new VolumeEvent.Created(spec, Instant.now()));
            }
            for (int i = 0; i < count; i++) {
                append(
                        journal,
                        actor,
                        new VolumeEvent.Ready(
                                new VolumeName("volume-" + i % 200), Path.of("/var/lib/wharf/volumes/volume-" + i)));
            }
            JournalAgent agent = new JournalAgent(journal);
            Settings settings = Topics.settings(broker.address(), "bench", Map.of());
            Gauges gauges = new Gauges();
            long begin = System.nanoTime();
            try (Publisher publisher = new Publisher(agent.agent(), settings, gauges, Optional::empty)) {
                publisher.start();
                long first = 0;
                while (gauges.getPosition() < journal.end().sequence()) {
                    if (first == 0 && gauges.getPosition() > 0) {
                        first = System.nanoTime();
                    }
                    Thread.sleep(1);
                }
                long end = System.nanoTime();
                System.out.printf(
                        "%d events in %d transactions: %.0f events/s, %.0f after the first transaction%n",
                        gauges.getEvents(),
                        gauges.getTransactions(),
                        gauges.getEvents() * 1e9 / (end - begin),
                        gauges.getEvents() * 1e9 / (end - first));
            }
        }
    }

    private static void append(EventJournal journal, Actor actor, Event event) throws Exception {
        journal.append(new Batch(
                new Cause(new CommandId("c-" + journal.end().sequence()), Optional.of(journal.end()), actor),
                Instant.now(),
                List.of(event)));
    }
}
