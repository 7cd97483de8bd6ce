package dev.wharf.kafka.desired;

import dev.wharf.core.agent.Agent;
import dev.wharf.core.agent.Forms;
import java.time.InstantSource;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** Looks after desired state for as long as the bundle is there, whether Kafka is or not: what holds is in the journal. */
@Component(
        service = {},
        immediate = true)
public final class StewardComponent {
    private final AtomicReference<@Nullable Forms> forms = new AtomicReference<>();
    private final Steward steward;

    @Activate
    public StewardComponent(@Reference Agent agent) {
        steward = new Steward(agent, () -> Optional.ofNullable(forms.get()), InstantSource.system());
        steward.start();
    }

    @Deactivate
    public void stop() {
        steward.close();
    }

    @Reference(
            cardinality = ReferenceCardinality.OPTIONAL,
            policy = ReferencePolicy.DYNAMIC,
            policyOption = ReferencePolicyOption.GREEDY,
            unbind = "removeForms")
    void setForms(Forms reader) {
        forms.set(reader);
    }

    void removeForms(Forms reader) {
        forms.compareAndSet(reader, null);
    }
}
