package dev.wharf.build.run;

import dev.wharf.core.command.BuildCommand;
import dev.wharf.core.state.BuildStep;
import dev.wharf.core.state.Image;
import dev.wharf.model.Digest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The steps that the journal remembers, as long as an image still has their layers. */
public final class HostCache {
    private static final int MOST_ALIASES = 20_000;

    private final Map<Digest, Digest> aliases = new LinkedHashMap<>(256, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Digest, Digest> eldest) {
            return size() > MOST_ALIASES;
        }
    };

    /** The cache as a build at a site uses it. */
    StepCache at(Site site) {
        return new StepCache() {
            @Override
            public Optional<BuildStep> find(Digest key) {
                Map<Digest, BuildStep> steps = site.agent().host().steps();
                return Optional.ofNullable(steps.get(key))
                        .or(() -> aliased(key).map(steps::get))
                        .filter(step -> isHere(site, step));
            }

            @Override
            public void keep(List<BuildStep> steps) {
                site.agent().submit(new BuildCommand.Note(steps), site.cause());
            }

            @Override
            public void alias(Digest other, Digest key) {
                synchronized (aliases) {
                    aliases.put(other, key);
                }
            }
        };
    }

    private Optional<Digest> aliased(Digest key) {
        synchronized (aliases) {
            return Optional.ofNullable(aliases.get(key));
        }
    }

    private static boolean isHere(Site site, BuildStep step) {
        return step.layer().isEmpty()
                || step.holder()
                        .flatMap(id -> site.agent().host().image(id))
                        .filter(Image::wanted)
                        .isPresent();
    }
}
