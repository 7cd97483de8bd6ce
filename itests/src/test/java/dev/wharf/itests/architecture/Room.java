package dev.wharf.itests.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import java.util.stream.Stream;

/** A room of the house: a package, with those below it, and what it may import besides itself and the JDK. */
record Room(String pack, List<String> imports) {
    /** What every room may import: the JDK, and annotations that are gone at run time. */
    private static final List<String> COMMON = List.of("java..", "javax..", "org.jspecify..", "org.osgi.annotation..");

    static Room room(String pack, String... imports) {
        return new Room(pack, List.of(imports));
    }

    Room and(List<String> more) {
        return new Room(pack, Stream.concat(imports.stream(), more.stream()).toList());
    }

    ArchRule rule() {
        String[] allowed = Stream.of(List.of(pack + ".."), imports, COMMON)
                .flatMap(List::stream)
                .toArray(String[]::new);
        return classes()
                .that()
                .resideInAPackage(pack + "..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(allowed)
                .allowEmptyShould(true)
                .because("the import table of ARCHITECTURE.md says so");
    }

    @Override
    public String toString() {
        return pack;
    }
}
