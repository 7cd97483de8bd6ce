package dev.wharf.itests.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static dev.wharf.itests.architecture.Room.room;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import dev.wharf.core.command.Entropy;
import dev.wharf.spi.Driver;
import dev.wharf.spi.kernel.Kernel;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The import table of ARCHITECTURE.md, row by row. */
class ArchitectureTest {
    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.wharf");

    private static final JavaClasses PLANTED =
            new ClassFileImporter().importPackages("dev.wharf.itests.architecture.planted");

    private static final List<String> OSGI = List.of("org.osgi..", "org.slf4j..");
    private static final String SHELVES = "dev.wharf.storage.shelves..";
    private static final String JACKSON = "com.fasterxml.jackson..";

    private static final String[] PURE = {
        "dev.wharf.core.state..", "dev.wharf.core.event..", "dev.wharf.core.plan..", "dev.wharf.core.command.."
    };

    static Stream<Room> rooms() {
        return Stream.of(
                        groundFloor(),
                        heart(),
                        drivers(),
                        journals(),
                        fronts(),
                        // the top floor: the launcher knows the framework and none of the bundles in it
                        Stream.of(room("dev.wharf.launch", "sun.misc..").and(OSGI)))
                .flatMap(rooms -> rooms);
    }

    private static Stream<Room> groundFloor() {
        return Stream.of(
                room("dev.wharf.model"),
                room(
                        "dev.wharf.oci",
                        "dev.wharf.model..",
                        JACKSON,
                        "org.apache.commons.compress..",
                        "org.tukaani.xz..",
                        "com.github.luben.zstd.."),
                room("dev.wharf.spi", "dev.wharf.model.."),
                room(
                        "dev.wharf.testkit",
                        "dev.wharf.core..",
                        "dev.wharf.spi..",
                        "dev.wharf.oci..",
                        "dev.wharf.model..",
                        "org.pcollections..",
                        "org.junit.jupiter..",
                        "org.assertj..",
                        "org.opentest4j..",
                        "com.github.luben.zstd..",
                        "org.slf4j.."));
    }

    /** Each of these stands on what is left of it, and all of them on the vocabulary. */
    private static Stream<Room> heart() {
        return Stream.of(
                        room("dev.wharf.core.state"),
                        room("dev.wharf.core.event", "dev.wharf.core.state.."),
                        room(
                                "dev.wharf.core.plan",
                                "dev.wharf.core.state..",
                                "dev.wharf.core.event..",
                                "dev.wharf.oci.."),
                        room(
                                "dev.wharf.core.command",
                                "dev.wharf.core.state..",
                                "dev.wharf.core.event..",
                                "dev.wharf.core.plan.."),
                        room(
                                "dev.wharf.core.journal",
                                "dev.wharf.core.state..",
                                "dev.wharf.core.event..",
                                "dev.wharf.core.command.."),
                        room(
                                "dev.wharf.core.agent",
                                "dev.wharf.core.state..",
                                "dev.wharf.core.event..",
                                "dev.wharf.core.command..",
                                "dev.wharf.core.journal.."),
                        room(
                                "dev.wharf.core.story",
                                "dev.wharf.core.state..",
                                "dev.wharf.core.event..",
                                "dev.wharf.core.journal..",
                                "dev.wharf.core.agent.."),
                        room("dev.wharf.core.loop", "dev.wharf.core..", "dev.wharf.oci..", "org.HdrHistogram..")
                                .and(OSGI))
                .map(room -> room.and(List.of("dev.wharf.spi..", "dev.wharf.model..", "org.pcollections..")));
    }

    private static Stream<Room> drivers() {
        return Stream.of(
                        room("dev.wharf.storage.shelves"),
                        // Each storage driver carries its own copy of the shelves.
                        room("dev.wharf.storage.overlay", SHELVES),
                        room("dev.wharf.storage.vfs", SHELVES),
                        room("dev.wharf.storage.btrfs", SHELVES),
                        room("dev.wharf.storage.erofs", SHELVES),
                        room("dev.wharf.network.bridge"),
                        room("dev.wharf.network.host"),
                        room("dev.wharf.network.none"),
                        room("dev.wharf.network.macvlan"),
                        // An overlay is a bridge with one port more, and carries its own copy of those classes.
                        room("dev.wharf.network.vxlan", "dev.wharf.network.bridge.."),
                        room("dev.wharf.network.cni", JACKSON),
                        room("dev.wharf.registry.distribution", JACKSON),
                        room("dev.wharf.registry.layout", JACKSON),
                        room("dev.wharf.registry.archive"),
                        // A store is reached as a registry is, and the bundle carries its own copy of those classes.
                        room("dev.wharf.registry.http", "dev.wharf.registry.distribution.."),
                        room("dev.wharf.runtime", JACKSON),
                        room("dev.wharf.content", JACKSON, "com.github.luben.zstd.."),
                        room("dev.wharf.linux", JACKSON, "jnr.ffi..", "com.kenai.jffi.."))
                .map(driver ->
                        driver.and(OSGI).and(List.of("dev.wharf.spi..", "dev.wharf.oci..", "dev.wharf.model..")));
    }

    private static Stream<Room> journals() {
        return Stream.of(
                        room("dev.wharf.log.codec", JACKSON),
                        room("dev.wharf.log.file", "dev.wharf.log.codec.."),
                        room("dev.wharf.log.chronicle", "dev.wharf.log.codec..", "net.openhft.."))
                .map(log -> log.and(OSGI)
                        .and(List.of(
                                "dev.wharf.core.journal..",
                                "dev.wharf.core.event..",
                                "dev.wharf.core.state..",
                                "dev.wharf.core.command..",
                                "dev.wharf.spi..",
                                "dev.wharf.model..",
                                "org.pcollections..")));
    }

    private static Stream<Room> fronts() {
        return Stream.concat(
                Stream.of(
                                room("dev.wharf.jmx", "org.apache.aries.jmx..", "org.osgi.jmx.."),
                                room("dev.wharf.jolokia", "org.jolokia..", "com.sun.net.httpserver.."),
                                room("dev.wharf.telemetry", "io.opentelemetry.."),
                                room(
                                        "dev.wharf.build",
                                        JACKSON,
                                        "org.apache.commons.compress..",
                                        "org.tukaani.xz..",
                                        "org.eclipse.jgit.."),
                                room(
                                        "dev.wharf.buildkit",
                                        "dev.wharf.build..",
                                        JACKSON,
                                        "io.grpc..",
                                        "io.netty..",
                                        "com.google.protobuf..",
                                        "org.apache.commons.compress.."),
                                room(
                                        "dev.wharf.engine",
                                        "dev.wharf.build..",
                                        "dev.wharf.buildkit..",
                                        "dev.wharf.log.codec..",
                                        JACKSON,
                                        "io.netty..",
                                        "io.prometheus.."),
                                room("dev.wharf.dns", "org.xbill.DNS.."),
                                room(
                                        "dev.wharf.kafka",
                                        "dev.wharf.log.codec..",
                                        JACKSON,
                                        "org.apache.kafka..",
                                        "io.cloudevents..",
                                        "org.snakeyaml.engine.."),
                                room("dev.wharf.housekeeping", "org.quartz.."),
                                room("dev.wharf.shell", "org.apache.felix.service.command.."),
                                room("dev.wharf.systemd"),
                                // The JDK's own parser of XML, for what bundles say of their settings.
                                room(
                                        "dev.wharf.plugins",
                                        "org.w3c.dom..",
                                        "org.xml.sax..",
                                        "org.apache.felix.fileinstall.."))
                        .map(front -> front.and(OSGI)
                                .and(List.of(
                                        "dev.wharf.core.agent..",
                                        "dev.wharf.core.story..",
                                        "dev.wharf.core.journal..",
                                        "dev.wharf.core.command..",
                                        "dev.wharf.core.event..",
                                        "dev.wharf.core.state..",
                                        "dev.wharf.spi..",
                                        "dev.wharf.oci..",
                                        "dev.wharf.model.."))),
                Stream.of(room(
                        "dev.wharf.cli",
                        "dev.wharf.model..",
                        "dev.wharf.oci.layer..",
                        "dev.wharf.build.context..",
                        JACKSON,
                        "picocli..")));
    }

    @ParameterizedTest
    @MethodSource("rooms")
    void aRoomImportsOnlyWhatItsRowInTheTableNames(Room room) {
        room.rule().check(HOUSE);
    }

    @Test
    void everyClassLivesInARoomOfTheTable() {
        List<Room> rooms = rooms().toList();

        assertThat(HOUSE)
                .filteredOn(type -> rooms.stream().noneMatch(room -> isWithin(room, type)))
                .extracting(JavaClass::getName)
                .isEmpty();
    }

    private static boolean isWithin(Room room, JavaClass type) {
        return (type.getPackageName() + ".").startsWith(room.pack() + ".");
    }

    /** Facts are values that the ports answer with, so everybody may speak of those; the ports themselves are another thing. */
    @Test
    void onlyPlansTheLoopAndDriversThemselvesHoldADriver() {
        noDriver().check(HOUSE);
    }

    private static ArchRule noDriver() {
        return noClasses()
                .that()
                .resideInAnyPackage(
                        "dev.wharf.core.state..",
                        "dev.wharf.core.event..",
                        "dev.wharf.core.command..",
                        "dev.wharf.core.journal..",
                        "dev.wharf.core.agent..",
                        "dev.wharf.log..",
                        "dev.wharf.build..",
                        "dev.wharf.buildkit..",
                        "dev.wharf.engine..",
                        "dev.wharf.shell..",
                        "dev.wharf.systemd..",
                        "dev.wharf.plugins..",
                        "dev.wharf.dns..",
                        "dev.wharf.kafka..",
                        "dev.wharf.jmx..",
                        "dev.wharf.jolokia..",
                        "dev.wharf.telemetry..",
                        "..planted..")
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Driver.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(Kernel.class)
                .because("a driver is reached through its gate, from a step");
    }

    @Test
    void nothingIsRunInTheCommonPool() {
        noClasses()
                .should()
                .callMethod(CompletableFuture.class, "supplyAsync", Supplier.class)
                .orShould()
                .callMethod(CompletableFuture.class, "runAsync", Runnable.class)
                .because(
                        "it has one thread on a host with two processors, and whoever waits in it keeps all others waiting")
                .check(HOUSE);
    }

    @Test
    void whatDecidesAppliesAndPlansTouchesNoClockAndNoChance() {
        noClockAndNoChance(PURE).check(HOUSE);
    }

    @Test
    void whatDecidesAppliesAndPlansTouchesNeitherFilesNorThreads() {
        noFilesAndNoThreads(PURE).check(HOUSE);
    }

    /** Entropy is where chance is drawn, before a command is given; from then on it is a value like any other. */
    private static ArchRule noClockAndNoChance(String... packages) {
        return noClasses()
                .that()
                .resideInAnyPackage(packages)
                .and()
                .doNotBelongToAnyOf(Entropy.class)
                .should()
                .callMethod(Instant.class, "now")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.util.UUID.class, "randomUUID")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(Clock.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.util.random.RandomGenerator.class)
                .because("replay must give the same host again");
    }

    /** Paths are values and may be spoken of; opening what they name is for drivers. */
    private static ArchRule noFilesAndNoThreads(String... packages) {
        return noClasses()
                .that()
                .resideInAnyPackage(packages)
                .should()
                .dependOnClassesThat()
                .areAssignableTo(Thread.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.nio.file.Files.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.io.File.class)
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.util.concurrent.Executor.class)
                .orShould()
                .dependOnClassesThat()
                .resideInAnyPackage("java.nio.channels..", "java.net.http..")
                .because("effects belong to steps and drivers");
    }

    @Test
    void everyPackageTellsItsReaderWhyItExistsAndKeepsNullOutside() {
        Set<String> silent = HOUSE.stream()
                .map(JavaClass::getPackage)
                .distinct()
                .filter(pack -> !isMarked(pack))
                .map(JavaPackage::getName)
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(silent)
                .as("packages whose package-info is missing or not @NullMarked")
                .isEmpty();
    }

    private static boolean isMarked(JavaPackage pack) {
        return pack.tryGetPackageInfo()
                .map(info -> info.isAnnotatedWith(NullMarked.class))
                .orElse(false);
    }

    @Test
    void aRuleFindsATrespasserSoThatItsSilenceMeansSomething() {
        Room planted = room("dev.wharf.itests.architecture.planted", "dev.wharf.model..");

        List<String> found = planted.rule().evaluate(PLANTED).getFailureReport().getDetails();

        assertThat(found)
                .anyMatch(line -> line.contains("dev.wharf.core.agent.Agent"))
                .anyMatch(line -> line.contains("org.assertj.core.api.Assertions"))
                .noneMatch(line -> line.contains("dev.wharf.model.Digest"));
        assertThat(noClockAndNoChance("..planted..").evaluate(PLANTED).hasViolation())
                .isTrue();
        assertThat(noFilesAndNoThreads("..planted..").evaluate(PLANTED).hasViolation())
                .isTrue();
        assertThat(noDriver().evaluate(PLANTED).hasViolation()).isTrue();
        assertThat(isMarked(PLANTED.get("dev.wharf.itests.architecture.planted.Trespasser")
                        .getPackage()))
                .isFalse();
    }
}
