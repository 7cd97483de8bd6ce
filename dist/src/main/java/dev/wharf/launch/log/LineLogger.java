package dev.wharf.launch.log;

import org.jspecify.annotations.Nullable;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;

/** One logger: decides by its name and the level, and leaves the rest to {@link Logs}. */
final class LineLogger extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1;

    LineLogger(String name) {
        this.name = name;
    }

    @Override
    protected @Nullable String getFullyQualifiedCallerName() {
        return null;
    }

    @Override
    protected void handleNormalizedLoggingCall(
            Level level,
            @Nullable Marker marker,
            String pattern,
            Object @Nullable [] arguments,
            @Nullable Throwable thrown) {
        Logs.write(level, name, pattern, arguments, thrown);
    }

    @Override
    public boolean isTraceEnabled() {
        return Logs.isLogged(name, Level.TRACE);
    }

    @Override
    public boolean isDebugEnabled() {
        return Logs.isLogged(name, Level.DEBUG);
    }

    @Override
    public boolean isInfoEnabled() {
        return Logs.isLogged(name, Level.INFO);
    }

    @Override
    public boolean isWarnEnabled() {
        return Logs.isLogged(name, Level.WARN);
    }

    @Override
    public boolean isErrorEnabled() {
        return Logs.isLogged(name, Level.ERROR);
    }
}
