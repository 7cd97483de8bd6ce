package dev.wharf.jolokia.door;

import java.security.Principal;
import java.util.Optional;
import javax.security.auth.Subject;

/** Who came in. The beans of the host take the name for the journal. */
record Visitor(String name, boolean operator) implements Principal {
    @Override
    public String getName() {
        return name;
    }

    Subject subject() {
        Subject subject = new Subject();
        subject.getPrincipals().add(this);
        subject.setReadOnly();
        return subject;
    }

    /** The visitor for whom this thread works. */
    @SuppressWarnings("removal") // Subject.current is Java 18.
    static Optional<Visitor> current() {
        Subject subject = Subject.getSubject(java.security.AccessController.getContext());
        return subject == null
                ? Optional.empty()
                : subject.getPrincipals(Visitor.class).stream().findFirst();
    }
}
