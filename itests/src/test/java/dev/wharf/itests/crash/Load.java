package dev.wharf.itests.crash;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Outcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;

/** People at work on an agent, until it is gone. Remembers which containers they were promised. */
final class Load {
    private final Daemon daemon;
    private final String keeper;
    private final List<Thread> people = new ArrayList<>();
    private final Set<String> promised = ConcurrentHashMap.newKeySet();
    private volatile boolean over;

    private Load(Daemon daemon, String keeper) {
        this.daemon = daemon;
        this.keeper = keeper;
    }

    static Load begin(Daemon daemon, String keeper, int people, Random chance) {
        Load load = new Load(daemon, keeper);
        for (int i = 0; i < people; i++) {
            Random own = new Random(chance.nextLong());
            Thread person = new Thread(() -> load.work(own), "load-" + i);
            load.people.add(person);
            person.start();
        }
        return load;
    }

    private void work(Random chance) {
        try {
            while (!over) {
                switch (chance.nextInt(6)) {
                    case 0 -> daemon.docker("run", "--rm", "busybox", "true");
                    case 1, 2 -> keep(daemon.docker("run", "-d", "-p", "127.0.0.1::80", "busybox", "sleep", "0.4"));
                    case 3 -> daemon.docker("exec", keeper, "true");
                    case 4 -> remove();
                    default -> {
                        daemon.docker("pull", "--quiet", "layout.local/other");
                        daemon.docker("rmi", "layout.local/other");
                    }
                }
            }
        } catch (IOException e) {
            // A client that hangs when its agent is gone is somebody else's test.
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void keep(Outcome run) {
        if (run.status() == 0) promised.add(run.out().strip());
    }

    private void remove() throws IOException, InterruptedException {
        for (String container : promised) {
            // No promise any more once it is asked for: whether the answer arrives is chance.
            if (promised.remove(container)) {
                daemon.docker("rm", "--force", container);
                return;
            }
        }
    }

    /** Lets everybody finish what they are at, and answers which containers must be there. */
    Set<String> end() throws InterruptedException {
        over = true;
        for (Thread person : people) {
            person.join();
        }
        return promised.stream().collect(Collectors.toUnmodifiableSet());
    }
}
