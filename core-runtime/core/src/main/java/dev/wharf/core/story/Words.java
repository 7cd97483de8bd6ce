package dev.wharf.core.story;

import dev.wharf.core.event.BuildEvent;
import dev.wharf.core.event.ContainerEvent;
import dev.wharf.core.event.DesiredEvent;
import dev.wharf.core.event.DriverEvent;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.EventType;
import dev.wharf.core.event.HostEvent;
import dev.wharf.core.event.ImageEvent;
import dev.wharf.core.event.LayerEvent;
import dev.wharf.core.event.NetworkEvent;
import dev.wharf.core.event.StorageEvent;
import dev.wharf.core.event.VolumeEvent;
import dev.wharf.core.state.Host;
import dev.wharf.core.state.Pull;
import dev.wharf.model.DriverName;
import dev.wharf.model.EndpointSpec;
import dev.wharf.model.ExecSpec;
import dev.wharf.model.Exit;
import dev.wharf.model.NetworkSpec;
import dev.wharf.model.PublishedPort;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The phrase book: how each event is told. A phrase says what happened; its subject is named by whoever tells it. */
final class Words {
    /** Words for one type of event. */
    private interface Phrase<E> {
        String of(E event, Hosts hosts);
    }

    /** Words that need nothing but the event. */
    private interface Plain<E> {
        String of(E event);
    }

    /** The host before and after. */
    private record Hosts(Host before, Host after) {}

    private static final Map<Class<?>, Phrase<?>> BOOK = new HashMap<>();

    static {
        containersWished();
        containersUp();
        containersDown();
        containersFound();
        images();
        layers();
        networks();
        volumes();
        builds();
        desired();
        drivers();
        host();
    }

    private Words() {}

    /** An event that has no phrase is told by its stored name. */
    static String of(Event event, Host before, Host after) {
        Phrase<?> phrase = BOOK.get(event.getClass());
        return phrase == null ? byType(event) : say(phrase, event, new Hosts(before, after));
    }

    /** Whether the book has a phrase for it. */
    static boolean knows(Class<? extends Event> type) {
        return BOOK.containsKey(type);
    }

    @SuppressWarnings("unchecked") // the book keeps each phrase under the class it is for
    private static <E> String say(Phrase<E> phrase, Event event, Hosts hosts) {
        return phrase.of((E) event, hosts);
    }

    private static String byType(Event event) {
        EventType type = event.getClass().getAnnotation(EventType.class);
        String name = type == null ? event.getClass().getSimpleName() : type.value();
        return name.substring(name.indexOf('.') + 1).replace('-', ' ');
    }

    private static <E extends Event> void tell(Class<E> type, String words) {
        BOOK.put(type, (Phrase<E>) (event, hosts) -> words);
    }

    private static <E extends Event> void tell(Class<E> type, Plain<E> words) {
        BOOK.put(type, (Phrase<E>) (event, hosts) -> words.of(event));
    }

    private static <E extends Event> void tellOn(Class<E> type, Phrase<E> words) {
        BOOK.put(type, words);
    }

    private static void containersWished() {
        tell(
                ContainerEvent.Created.class,
                e -> "created from " + Names.familiar(e.spec().imageReference()));
        tellOn(ContainerEvent.StartRequested.class, (e, on) -> "shall run" + addresses(e.endpoints(), on));
        tell(ContainerEvent.PauseRequested.class, "shall pause");
        tell(ContainerEvent.ResumeRequested.class, "shall go on");
        tell(
                ContainerEvent.StopRequested.class,
                e -> e.kill() ? "shall be killed with " + e.signal() : "shall stop, beginning with " + e.signal());
        tell(ContainerEvent.RestartRequested.class, "shall stop and run anew");
        tellOn(
                ContainerEvent.ConnectRequested.class,
                (e, on) -> "shall be on network " + Names.of(e.endpoint().network(), on.after(), on.before())
                        + address(e.endpoint()));
        tellOn(
                ContainerEvent.DisconnectRequested.class,
                (e, on) -> "shall leave network " + Names.of(e.network(), on.after(), on.before()));
        tell(ContainerEvent.NetworksChanged.class, "shall be on other networks when it runs next");
        tell(ContainerEvent.UpdateRequested.class, "shall have other limits");
        tell(ContainerEvent.Renamed.class, e -> "renamed from " + e.oldName());
        tell(
                ContainerEvent.RemoveRequested.class,
                e -> e.volumes() ? "shall go, its anonymous volumes too" : "shall go");
    }

    private static void containersUp() {
        tell(ContainerEvent.RootfsPrepared.class, "got a writable file system on top of its image");
        tell(ContainerEvent.RootfsMounted.class, "file system mounted");
        tell(ContainerEvent.SandboxCreated.class, "got a network namespace");
        tellOn(
                ContainerEvent.EndpointAttached.class,
                (e, on) ->
                        "joined network " + Names.of(e.endpoint().network(), on.after(), on.before()) + place(e, on));
        tell(
                ContainerEvent.ProcessCreated.class,
                e -> "process made (pid " + e.process().pid() + "), waiting to be let go");
        tell(ContainerEvent.Started.class, e -> "started (pid " + e.process().pid() + ")");
        tell(ContainerEvent.Frozen.class, "paused");
        tell(ContainerEvent.Limited.class, "other limits in force");
    }

    private static void containersDown() {
        tell(ContainerEvent.Thawed.class, "goes on");
        tell(ContainerEvent.Signaled.class, e -> "got " + e.signal() + (e.byHand() ? " by hand" : ""));
        tell(ContainerEvent.Exited.class, e -> exit(e.exit()));
        tell(ContainerEvent.ProcessDeleted.class, "process cleared away");
        tellOn(
                ContainerEvent.EndpointDetached.class,
                (e, on) -> "left network " + Names.of(e.network(), on.after(), on.before()));
        tell(ContainerEvent.SandboxRemoved.class, "network namespace removed");
        tell(ContainerEvent.RootfsUnmounted.class, "file system unmounted");
        tell(ContainerEvent.RootfsRemoved.class, "file system removed");
        tell(ContainerEvent.Removed.class, "gone");
        tell(
                ContainerEvent.Kept.class,
                e -> "files kept"
                        + e.state().keepUntil().map(t -> " until " + t).orElse(""));
        tell(ContainerEvent.Undeleted.class, "had back after its removal");
        tell(ContainerEvent.PurgeRequested.class, "files shall be kept no longer");
        tell(ContainerEvent.Purged.class, "kept files gone");
    }

    private static void containersFound() {
        tell(
                ContainerEvent.Failed.class,
                e -> "failed (" + e.rung() + "): " + e.failure().message());
        tell(ContainerEvent.Stalled.class, e -> "stuck on " + Portrait.words(e.stall()));
        tell(ContainerEvent.Observed.class, e -> observed(e.rung(), e.there()));
        tell(
                ContainerEvent.Probed.class,
                e -> e.probe().code() == 0
                        ? "says it is well"
                        : "does not say it is well (code " + e.probe().code() + ")");
        tell(ContainerEvent.HealthChanged.class, e -> "is " + e.status());
        tell(ContainerEvent.OutOfMemory.class, "ran out of memory");
        tell(ContainerEvent.Noted.class, e -> noted(e.action(), e.details()));
        tell(ContainerEvent.ExecCreated.class, e -> "shall run a command beside: " + command(e.spec()));
        tell(ContainerEvent.ExecStarted.class, e -> "runs a command beside (pid " + e.pid() + ")");
        tell(ContainerEvent.ExecExited.class, e -> "command beside ended with code " + e.code());
        tell(ContainerEvent.Recorded.class, "written down whole");
        tell(ContainerEvent.KeptRecorded.class, "written down whole");
    }

    private static void builds() {
        tell(BuildEvent.Begun.class, e -> "build of " + String.join(", ", e.names()) + " by " + e.file() + " begins");
        tell(
                BuildEvent.Stepped.class,
                e -> "step " + e.step().number() + " "
                        + (e.step().cached()
                                ? "taken from the cache"
                                : "done in " + e.step().took().toMillis() + " ms")
                        + ": " + e.step().instruction());
        tell(
                BuildEvent.Ended.class,
                e -> e.image().map(i -> "build made image " + i.shortForm()).orElse("build failed: " + e.failure()));
        tell(BuildEvent.Removed.class, e -> "build " + e.build() + " is no longer remembered");
        tell(BuildEvent.Forgotten.class, e -> count(e.keys().size(), "step") + " of builds forgotten");
        tell(BuildEvent.Recorded.class, "written down whole");
        tell(BuildEvent.StepRecorded.class, "written down whole");
    }

    private static void desired() {
        tell(DesiredEvent.Accepted.class, e -> "document holds from now on, from " + e.source());
        tell(DesiredEvent.Refused.class, e -> "document from " + e.source() + " does not hold: " + e.reason());
        tell(DesiredEvent.Released.class, "document is gone; what it wanted stays as it is");
        tell(DesiredEvent.Recorded.class, "written down whole");
        tell(
                DesiredEvent.ServiceDesired.class,
                e -> "shall have " + count(e.spec().replicas(), "replica") + " of "
                        + e.spec().image() + " (version " + e.version() + ")");
        tell(
                DesiredEvent.ReplicaFailed.class,
                e -> "replica " + e.replica() + " of version " + e.version() + " failed: " + e.reason());
        tell(
                DesiredEvent.RolloutHalted.class,
                e -> "rollout of version " + e.version() + " stopped"
                        + e.backTo().map(v -> ", going back to version " + v).orElse("") + ": " + e.reason());
        tell(
                DesiredEvent.Converged.class,
                e -> "has " + count(e.replicas(), "replica") + " of version " + e.version() + ", as wanted");
        tell(DesiredEvent.RolledBack.class, e -> "is back at version " + e.to() + " after version " + e.from());
        tell(DesiredEvent.DriftFound.class, e -> "is not as it was left: " + String.join("; ", e.what()));
        tell(DesiredEvent.DriftRepaired.class, e -> "repaired: " + String.join("; ", e.what()));
        tell(DesiredEvent.Withdrawn.class, e -> "wanted no more by " + e.document());
        tell(DesiredEvent.ServiceRemoved.class, "nothing of it is left");
        tell(DesiredEvent.ServiceRecorded.class, "written down whole");
    }

    private static void images() {
        tell(ImageEvent.PullRequested.class, e -> source(e.source()));
        tell(
                ImageEvent.Resolved.class,
                e -> "is image " + e.what().image().shortForm() + " with "
                        + count(e.what().layers().size(), "layer")
                        + by(e.what().backend(), e.what().mirrors().values()));
        tell(
                ImageEvent.Stored.class,
                e -> "image complete (" + count(e.image().layers().size(), "layer") + ", "
                        + size(e.image().sizeBytes()) + ")");
        tell(ImageEvent.Failed.class, e -> "will not come: " + e.failure().message());
        tell(ImageEvent.Stalled.class, e -> "stuck on " + Portrait.words(e.stall()));
        tell(ImageEvent.Tagged.class, e -> "is called " + Names.familiar(e.reference()) + " now");
        tell(ImageEvent.Untagged.class, e -> "is no longer called " + Names.familiar(e.reference()));
        tell(ImageEvent.RemoveRequested.class, "image shall go");
        tell(ImageEvent.Removed.class, "image gone");
        tell(ImageEvent.Pushed.class, e -> "pushed as " + Names.familiar(e.reference()) + by(e.backend(), List.of()));
        tell(ImageEvent.Noted.class, e -> noted(e.action(), e.details()));
        tell(ImageEvent.RemoveStalled.class, e -> "stuck on " + Portrait.words(e.stall()));
        tell(ImageEvent.Recorded.class, "written down whole");
        tell(ImageEvent.PullRecorded.class, "written down whole");
        tell(ImageEvent.UseRecorded.class, "written down whole");
    }

    private static void layers() {
        tell(
                LayerEvent.Wanted.class,
                e -> "layer wanted (" + size(e.spec().descriptor().sizeBytes()) + ")");
        tell(
                LayerEvent.Fetched.class,
                e -> "layer fetched (" + size(e.descriptor().sizeBytes()) + ")"
                        + by(e.backend(), e.mirror().stream().toList()));
        tell(LayerEvent.Unpacked.class, e -> "layer unpacked (" + size(e.sizeBytes()) + ")");
        tell(LayerEvent.SnapshotRemoved.class, "layer's files removed");
        tell(LayerEvent.ContentRemoved.class, "layer's blob removed");
        tell(LayerEvent.Removed.class, "layer gone");
        tell(LayerEvent.Stalled.class, e -> "layer stuck on " + Portrait.words(e.stall()));
        tell(LayerEvent.Observed.class, e -> observed("layer's " + e.rung(), e.there()));
        tell(LayerEvent.Recorded.class, "written down whole");
        tell(StorageEvent.MoveRequested.class, e -> "shall live with " + e.to() + " instead of " + e.from());
        tell(StorageEvent.Copied.class, e -> "lives with " + e.to() + " now");
        tell(StorageEvent.Left.class, e -> "original removed from " + e.from());
        tell(
                StorageEvent.MoveFailed.class,
                e -> "not moved to " + e.to() + ": " + e.failure().message());
        tell(StorageEvent.MoveStalled.class, e -> "move stuck on " + Portrait.words(e.stall()));
        tell(StorageEvent.MoveRecorded.class, "written down whole");
    }

    private static void networks() {
        tell(NetworkEvent.Created.class, e -> e.spec().driver() + " network created" + subnets(e.spec()));
        tell(NetworkEvent.RemoveRequested.class, "network shall go");
        tell(
                NetworkEvent.DeviceReady.class,
                e -> e.device().name().isEmpty()
                        ? "network ready"
                        : "network ready on device " + e.device().name());
        tell(NetworkEvent.DeviceRemoved.class, "network's device removed");
        tell(NetworkEvent.Removed.class, "network gone");
        tell(NetworkEvent.Failed.class, e -> "network failed: " + e.failure().message());
        tell(NetworkEvent.Stalled.class, e -> "network stuck on " + Portrait.words(e.stall()));
        tell(
                NetworkEvent.Observed.class,
                e -> e.there()
                        ? "device and rules shall be made whole"
                        : "lost its device or rules to another program");
        tell(NetworkEvent.Recorded.class, "written down whole");
    }

    private static void volumes() {
        tell(VolumeEvent.Created.class, e -> e.spec().anonymous() ? "anonymous volume created" : "volume created");
        tell(
                VolumeEvent.RemoveRequested.class,
                e -> e.keepUntil()
                        .map(t -> "volume shall go, its data kept until " + t)
                        .orElse("volume shall go"));
        tell(VolumeEvent.Undeleted.class, "volume had back after its removal");
        tell(VolumeEvent.PurgeRequested.class, "volume's data shall be kept no longer");
        tell(VolumeEvent.Ready.class, e -> "volume ready at " + e.path());
        tell(VolumeEvent.Emptied.class, "volume's data removed");
        tell(VolumeEvent.Removed.class, "volume gone");
        tell(VolumeEvent.Failed.class, e -> "volume failed: " + e.failure().message());
        tell(VolumeEvent.Stalled.class, e -> "volume stuck on " + Portrait.words(e.stall()));
        tell(VolumeEvent.Observed.class, e -> observed("volume's directory", e.there()));
        tell(VolumeEvent.Mounted.class, "volume's device mounted");
        tell(
                VolumeEvent.MountFailed.class,
                e -> "volume's device cannot be mounted: " + e.failure().message());
        tell(VolumeEvent.Unmounting.class, "volume's device is used no more");
        tell(VolumeEvent.Unmounted.class, "volume's device unmounted");
        tell(VolumeEvent.MountObserved.class, e -> observed("volume's device", e.there()));
        tell(VolumeEvent.Recorded.class, "written down whole");
    }

    private static void drivers() {
        tell(
                DriverEvent.Bound.class,
                e -> e.ready() ? "served by " + e.implementation() : e.implementation() + " cannot serve: " + e.why());
        tell(DriverEvent.Unbound.class, e -> e.implementation() + " left");
        tell(DriverEvent.SwapRequested.class, e -> "shall change from " + e.from() + " to " + e.to());
        tell(DriverEvent.Drained.class, e -> "nobody is inside " + e.implementation() + " any more");
        tell(
                DriverEvent.HandedOver.class,
                e -> "handed over from " + e.from() + " to " + e.to() + ", which found " + count(e.adopted(), "thing"));
        tell(DriverEvent.SwapRejected.class, e -> e.candidate() + " was turned away: " + e.reason());
        tell(DriverEvent.Recorded.class, "written down whole");
    }

    private static void host() {
        tell(HostEvent.Opened.class, e -> "journal opened by Wharf " + e.version());
        tell(HostEvent.Booted.class, "the machine started");
        tell(HostEvent.CheckpointStarted.class, "checkpoint begun");
        tell(HostEvent.CheckpointContinued.class, "checkpoint goes on");
        tell(HostEvent.CheckpointCompleted.class, e -> "checkpoint of " + count(e.subjects(), "subject") + " complete");
        tell(HostEvent.Recorded.class, "written down whole");
        tell(
                HostEvent.Introduced.class,
                e -> (e.name().isEmpty() ? "follows no desired state" : "follows desired state as host " + e.name())
                        + (e.labels().isEmpty() ? "" : ", labels " + new TreeMap<>(e.labels())));
        tell(
                HostEvent.Addressed.class,
                e -> "host-gateway is "
                        + (e.gateways().isEmpty()
                                ? "the host's address on the network"
                                : String.join(" and ", e.gateways())));
        tell(
                HostEvent.PeersLearned.class,
                e -> "shares networks with " + count(e.peers().size(), "host"));
        tell(
                HostEvent.Pruned.class,
                e -> "removed every " + e.kind() + " not in use: " + e.reclaimedBytes() + " bytes given back");
        tell(HostEvent.Swept.class, e -> "swept away a left-over " + e.kind() + ": " + e.key());
        tell(
                HostEvent.HistoryDropped.class,
                e -> "journal too large with " + size(e.sizeBytes()) + ": batches " + e.first() + " to " + e.last()
                        + " go before " + e.follower() + " had them");
        tell(
                HostEvent.JournalRecovered.class,
                e -> "journal mended after batch " + e.last() + ", " + size(e.droppedBytes()) + " cut: " + e.reason());
        housekeeping();
    }

    private static void housekeeping() {
        tell(HostEvent.JobStarted.class, e -> "job " + e.job() + " begins" + (e.dryRun() ? ", as a dry run" : ""));
        tell(
                HostEvent.JobEnded.class,
                e -> "job " + e.job() + " " + e.run().result().name().toLowerCase(Locale.ROOT) + " after "
                        + e.run().took().toMillis() + " ms: " + e.run().summary());
        tell(HostEvent.JobRecorded.class, "written down whole");
        tell(
                HostEvent.Collected.class,
                e -> (e.dryRun() ? "of no use: " : "collected as of no use: ")
                        + e.items().stream()
                                .map(i -> i.kind() + " " + i.name() + " (" + i.reason() + ")")
                                .collect(Collectors.joining(", ")));
        tell(
                HostEvent.BlobDamaged.class,
                e -> "blob " + e.blob() + " is damaged, " + e.what() + "; "
                        + count(e.images().size(), "image") + " stand on it");
        tell(
                HostEvent.BlobSetAside.class,
                e -> "damaged blob " + e.blob() + " moved aside; the next pull brings it anew");
        tell(
                HostEvent.BlobStalled.class,
                e -> "damaged blob " + e.blob() + " cannot be moved aside: "
                        + e.stall().failure().message());
        tell(HostEvent.BlobCleared.class, e -> "blob " + e.blob() + " counts as damaged no more: " + e.why());
        tell(HostEvent.BlobRecorded.class, "written down whole");
    }

    private static String addresses(List<EndpointSpec> endpoints, Hosts on) {
        return endpoints.stream()
                .filter(e -> !e.ipv4().isEmpty())
                .map(e -> Names.of(e.network(), on.after(), on.before()) + address(e) + ports(e.ports()))
                .collect(Collectors.collectingAndThen(
                        Collectors.joining(", "), text -> text.isEmpty() ? "" : ", on network " + text));
    }

    private static String address(EndpointSpec endpoint) {
        String cidr = endpoint.ipv4();
        int slash = cidr.indexOf('/');
        return cidr.isEmpty() ? "" : " as " + (slash < 0 ? cidr : cidr.substring(0, slash));
    }

    private static String ports(List<PublishedPort> ports) {
        String text = ports.stream()
                .map(p -> (p.isMapped() ? p.hostPort() + " to " : "") + p.containerSide())
                .distinct()
                .collect(Collectors.joining(", "));
        return text.isEmpty() ? "" : " (port " + text + ")";
    }

    private static String place(ContainerEvent.EndpointAttached e, Hosts on) {
        return on.after()
                .container(e.container())
                .flatMap(c -> Optional.ofNullable(c.places().get(e.endpoint().network())))
                .map(p -> address(p.endpoint()) + ports(p.endpoint().ports()))
                .orElse("");
    }

    private static String exit(Exit exit) {
        if (exit.inferred()) return "ended unseen; nobody knows its exit code";
        return "exited with code " + exit.code() + (exit.outOfMemory() ? ", out of memory" : "");
    }

    private static String observed(String what, boolean there) {
        return there ? what + " found where it was not expected" : what + " found missing";
    }

    private static String noted(String action, Map<String, String> details) {
        String text = details.entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .map(d -> d.getKey() + "=" + d.getValue())
                .collect(Collectors.joining(", "));
        return text.isEmpty() ? action : action + " (" + text + ")";
    }

    private static String command(ExecSpec spec) {
        return String.join(" ", spec.arguments());
    }

    private static String source(Pull.Source source) {
        return switch (source) {
            case REGISTRY -> "shall be pulled";
            case LOAD -> "shall be loaded from an archive";
            case IMPORT -> "shall be imported";
            case COMMIT -> "shall be made from a container";
            case BUILD -> "shall be built";
        };
    }

    private static String subnets(NetworkSpec spec) {
        String text = spec.pools().stream().map(NetworkSpec.Pool::subnet).collect(Collectors.joining(", "));
        return text.isEmpty() ? "" : " (" + text + ")";
    }

    /** Which registry backend it was, where one was asked, and which mirrors it asked in turn. */
    private static String by(Optional<DriverName> backend, Collection<String> mirrors) {
        String from = mirrors.isEmpty()
                ? ""
                : " from " + mirrors.stream().distinct().sorted().collect(Collectors.joining(", "));
        return backend.map(name -> " by way of " + name).orElse("") + from;
    }

    private static String count(int number, String what) {
        return number + " " + what + (number == 1 ? "" : "s");
    }

    /** Decimal units, as registries and disks count. */
    static String size(long bytes) {
        String[] units = {"B", "kB", "MB", "GB", "TB"};
        double value = bytes;
        int unit = 0;
        while (value >= 1000 && unit < units.length - 1) {
            value /= 1000;
            unit++;
        }
        return unit == 0 ? bytes + " B" : String.format(Locale.ROOT, "%.1f %s", value, units[unit]);
    }
}
