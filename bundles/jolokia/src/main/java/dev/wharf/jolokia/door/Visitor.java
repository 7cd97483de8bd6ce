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
    static Optional<Visitor> current() {
        return working()
                .flatMap(
                        subject -> subject.getPrincipals(Visitor.class).stream().findFirst());
    }

    /** Subject.current is of Java 18 and the only way from 24 on; before, it comes along with the access control context. */
    @SuppressWarnings("removal")
    private static Optional<Subject> working() {
        try {
            return Optional.ofNullable(
                    (Subject) Subject.class.getMethod("current").invoke(null));
        } catch (NoSuchMethodException e) {
            return Optional.ofNullable(Subject.getSubject(java.security.AccessController.getContext()));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(e);
        }
    }
}
