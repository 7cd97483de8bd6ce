package dev.wharf.itests.osgi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.ops4j.pax.exam.CoreOptions.bootDelegationPackages;
import static org.ops4j.pax.exam.CoreOptions.bundle;
import static org.ops4j.pax.exam.CoreOptions.frameworkProperty;
import static org.ops4j.pax.exam.CoreOptions.systemPackages;

import dev.wharf.itests.daemon.Daemon;
import dev.wharf.itests.daemon.Traces;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.InvocationInterceptor;
import org.junit.jupiter.api.extension.ReflectiveInvocationContext;
import org.ops4j.pax.exam.ExamSystem;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.TestAddress;
import org.ops4j.pax.exam.TestContainer;
import org.ops4j.pax.exam.TestProbeBuilder;
import org.ops4j.pax.exam.spi.PaxExamRuntime;

/**
 * Runs the test methods of a class inside a framework that holds the bundles of the distribution, with Pax Exam. The class
 * is loaded a second time in there, so its methods are public, take no parameters, and look services up through their own
 * bundle. What runs before and after each method stays outside.
 */
public final class InsideFelix implements BeforeAllCallback, InvocationInterceptor, AfterAllCallback {
    /** As the launcher has it; Pax Exam's bundles ask for the version before, which serves them as well. */
    private static final String[] LOGGING = Stream.of("2.0.20", "1.7.36")
            .flatMap(version -> Stream.of("org.slf4j", "org.slf4j.event", "org.slf4j.helpers", "org.slf4j.spi")
                    .map(name -> name + ";version=" + version))
            .toArray(String[]::new);

    private static final String BRIDGE = "wf" + ProcessHandle.current().pid() % 1_000_000;

    private final Map<Method, TestAddress> addresses = new HashMap<>();
    private List<Path> standardFiles = List.of();
    private @Nullable ExamSystem system;
    private @Nullable TestContainer container;
    private @Nullable Path folder;

    @Override
    public void beforeAll(ExtensionContext context) throws Exception {
        // The house brings its own SLF4J; Pax Exam's would be a second one.
        System.setProperty("pax.exam.logging", "none");
        standardFiles = standardFiles();
        Path roots = Files.createTempDirectory("felix");
        folder = roots;
        ExamSystem exam = PaxExamRuntime.createTestSystem(options(roots));
        system = exam;
        TestContainer felix = PaxExamRuntime.createContainer(exam);
        container = felix;
        felix.start();
        TestProbeBuilder probe = exam.createProbe();
        for (Method method : context.getRequiredTestClass().getDeclaredMethods()) {
            if (method.isAnnotationPresent(Test.class)) {
                addresses.put(method, probe.addTest(context.getRequiredTestClass(), method.getName()));
            }
        }
        felix.install(probe.build().getStream());
    }

    @Override
    public void interceptTestMethod(
            Invocation<Void> invocation, ReflectiveInvocationContext<Method> call, ExtensionContext context)
            throws Throwable {
        invocation.skip();
        TestContainer felix = container;
        if (felix == null) throw new IllegalStateException("the framework did not start");
        try {
            felix.call(addresses.get(call.getExecutable()));
        } catch (RuntimeException e) {
            throw root(e);
        }
    }

    /** What the test itself threw, without what carried it out of the framework. */
    private static Throwable root(Throwable thrown) {
        Throwable cause = thrown.getCause();
        boolean wrapper = thrown instanceof InvocationTargetException
                || thrown.getClass().getName().startsWith("org.ops4j.")
                || thrown.getClass() == RuntimeException.class;
        return wrapper && cause != null ? root(cause) : thrown;
    }

    @Override
    public void afterAll(ExtensionContext context) throws Exception {
        TestContainer felix = container;
        ExamSystem exam = system;
        if (felix != null) felix.stop();
        if (exam != null) exam.clear();
        // A bundle that closes a number that it does not own closes what somebody else in this JVM lives on.
        assertThat(standardFiles()).isEqualTo(standardFiles);
        Path roots = folder;
        if (roots == null) return;
        Traces.remove(roots.resolve("run"), BRIDGE);
        remove(roots);
    }

    /** What the descriptors are that every process is born with. */
    private static List<Path> standardFiles() throws IOException {
        List<Path> files = new ArrayList<>();
        for (int number = 0; number <= 2; number++) {
            files.add(Files.readSymbolicLink(Path.of("/proc/self/fd", Integer.toString(number))));
        }
        return files;
    }

    private static Option[] options(Path roots) throws IOException {
        List<Option> options = new ArrayList<>();
        options.add(bootDelegationPackages("sun.*", "com.sun.*", "jdk.internal.*"));
        options.add(systemPackages(LOGGING));
        Map.of(
                        "wharf.version",
                        "test",
                        "wharf.home",
                        Daemon.distribution().toString(),
                        "wharf.data.root",
                        roots.resolve("data").toString(),
                        "wharf.exec.root",
                        roots.resolve("run").toString(),
                        "wharf.hosts",
                        "unix://" + roots.resolve("run/wharf.sock"),
                        "wharf.config.dir",
                        roots.resolve("etc").toString(),
                        "wharf.bridge.name",
                        BRIDGE,
                        "wharf.bridge.bip",
                        "10.201.201.1/24")
                .forEach((key, value) -> options.add(frameworkProperty(key).value(value)));
        for (String floor : List.of("1-services", "2-front", "3-host")) {
            for (Path jar : jars(Daemon.distribution().resolve("bundles").resolve(floor))) {
                options.add(bundle(jar.toUri().toString()));
            }
        }
        for (Path jar : jars(Daemon.distribution().resolve("plugins"))) {
            options.add(bundle(jar.toUri().toString()));
        }
        for (String type : List.of(
                "org.junit.jupiter.api.Test",
                "org.junit.platform.commons.JUnitException",
                "org.opentest4j.AssertionFailedError",
                "org.apiguardian.api.API",
                "org.assertj.core.api.Assertions",
                "net.bytebuddy.ByteBuddy")) {
            options.add(bundle(jarOf(type)));
        }
        return options.toArray(Option[]::new);
    }

    private static List<Path> jars(Path folder) throws IOException {
        try (Stream<Path> files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".jar"))
                    .sorted()
                    .toList();
        }
    }

    /** A library of the test class path, which is a bundle as well. */
    private static String jarOf(String type) {
        try {
            return Class.forName(type)
                    .getProtectionDomain()
                    .getCodeSource()
                    .getLocation()
                    .toString();
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException(type + " is not on the test class path", e);
        }
    }

    private static void remove(Path folder) throws IOException {
        try (Stream<Path> tree = Files.walk(folder)) {
            for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(path);
            }
        }
    }
}
