package dev.wharf.housekeeping;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.Follower;
import dev.wharf.core.agent.Follower.Moment;
import dev.wharf.core.agent.Jobs.Line;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.GcPolicy;
import dev.wharf.core.command.HostCommand;
import dev.wharf.core.command.Refusal;
import dev.wharf.core.event.HostEvent.Collected;
import dev.wharf.core.state.Host;
import dev.wharf.model.ImageId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Lets images and steps of builds go that are of no use by the policy. */
final class GcChore implements Chore {
    /** What takes longer than that goes all the same, and is told as on its way. */
    private static final Duration PATIENCE = Duration.ofMinutes(5);

    private static final Duration DURABLE = Duration.ofSeconds(30);

    private final Path dataRoot;

    GcChore(Path dataRoot) {
        this.dataRoot = dataRoot;
    }

    @Override
    public String name() {
        return "gc";
    }

    @Override
    public String what() {
        return "removes images and cached steps of builds that are of no use";
    }

    @Override
    public boolean hasDryRun() {
        return true;
    }

    @Override
    public void work(Shift shift) throws IOException, RefusedException, FailedException {
        Agent agent = shift.agent();
        shift.progress("looks for what is of no use");
        List<Collected.Item> items;
        try (Follower follower = agent.follow(agent.position())) {
            shift.give(new HostCommand.Collect(shift.id(), policy(shift.options()), shift.dryRun()));
            items = told(shift, follower);
        } catch (RefusedException e) {
            if (e.refusal().kind() == Refusal.Kind.UNCHANGED) {
                shift.summary("nothing to collect");
                return;
            }
            if (e.refusal().kind() == Refusal.Kind.CONFLICT) {
                shift.summary("left everything alone: " + e.getMessage());
                return;
            }
            throw e;
        }
        items.forEach(i -> shift.line(new Line(i.kind(), i.id(), i.name(), i.sizeBytes(), i.reason())));
        long images = items.stream().filter(GcChore::isImage).count();
        String what = Forms.count(images, "image") + " and " + Forms.count(items.size() - images, "build step");
        if (shift.dryRun()) {
            long bytes = items.stream().mapToLong(Collected.Item::sizeBytes).sum();
            shift.freed(bytes);
            shift.summary("would collect " + what + ", which gives back " + Forms.words(bytes));
            return;
        }
        shift.awaitSo(PATIENCE, () -> {
            long left = items.stream().filter(i -> isThere(agent.host(), i)).count();
            shift.progress("removes images, " + (images - left) + " of " + images + " gone");
            return left == 0;
        });
        Host after = agent.host();
        long bytes = items.stream()
                .filter(i -> !isThere(after, i))
                .mapToLong(Collected.Item::sizeBytes)
                .sum();
        long left = items.stream().filter(i -> isThere(after, i)).count();
        shift.freed(bytes);
        shift.summary("collected " + what + ", which gave back " + Forms.words(bytes)
                + (left == 0 ? "" : "; " + Forms.count(left, "image") + " still on their way out"));
    }

    /** What one command wrote down, which may be several events of a batch; a follower sees it once it is durable. */
    private static List<Collected.Item> told(Shift shift, Follower follower) throws IOException {
        List<Collected.Item> items = new ArrayList<>();
        long end = System.nanoTime() + DURABLE.toNanos();
        while (items.isEmpty() && System.nanoTime() < end) {
            for (Optional<Moment> moment = follower.poll(); moment.isPresent(); moment = follower.poll()) {
                if (moment.get().event() instanceof Collected collected
                        && collected.run().equals(shift.id())) {
                    items.addAll(collected.items());
                }
            }
            if (items.isEmpty()) {
                shift.rest(10);
            }
        }
        return items;
    }

    private static boolean isImage(Collected.Item item) {
        return item.kind().equals("image");
    }

    private static boolean isThere(Host host, Collected.Item item) {
        return isImage(item)
                && host.image(ImageId.parse(item.id())).filter(i -> !i.wanted()).isPresent();
    }

    private GcPolicy policy(Options options) throws IOException {
        long disk = Files.getFileStore(dataRoot).getTotalSpace();
        return new GcPolicy(
                GcPolicy.Images.valueOf(options.text("images").toUpperCase(Locale.ROOT)),
                options.span("unused.for"),
                options.size("keep.storage", disk),
                options.span("min.age").orElse(Duration.ZERO),
                options.words("keep.labels"),
                options.words("keep.references"),
                options.span("cache.unused.for"),
                options.size("cache.keep.storage", disk));
    }
}
