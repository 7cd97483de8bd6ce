package dev.wharf.telemetry;

import dev.wharf.core.agent.Tracing;
import dev.wharf.core.command.Command;
import dev.wharf.core.event.Event;
import dev.wharf.core.event.EventType;
import dev.wharf.core.journal.CommandId;
import dev.wharf.core.journal.EventJournal.Actor;
import dev.wharf.core.journal.EventJournal.Cause;
import dev.wharf.core.journal.Position;
import dev.wharf.model.DriverId;
import dev.wharf.model.SubjectId;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One trace for each command, or within the trace of the client that sent it: the command, its judgement, the steps that follow
 * with the calls they make, and what is written down. What nobody commanded is not traced.
 */
final class Traces implements Tracing {
    /** How many commands are remembered, whose effects may still come. */
    private static final int REMEMBERED = 4096;

    private static final AttributeKey<String> COMMAND = AttributeKey.stringKey("wharf.command");
    private static final AttributeKey<String> ACTOR = AttributeKey.stringKey("wharf.actor");
    private static final AttributeKey<String> ENTRANCE = AttributeKey.stringKey("wharf.actor.kind");
    private static final AttributeKey<String> SUBJECT = AttributeKey.stringKey("wharf.subject");
    private static final AttributeKey<String> IMPLEMENTATION = AttributeKey.stringKey("wharf.implementation");
    private static final AttributeKey<List<String>> EVENTS = AttributeKey.stringArrayKey("wharf.events");
    private static final AttributeKey<Long> POSITION = AttributeKey.longKey("wharf.position");

    private final Tracer tracer;
    private final Map<CommandId, SpanContext> commands = new LinkedHashMap<>() {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<CommandId, SpanContext> eldest) {
            return size() > REMEMBERED;
        }
    };

    /** What the step on a thread is told as. */
    private final ThreadLocal<@Nullable SpanContext> steps = new ThreadLocal<>();

    Traces(Tracer tracer) {
        this.tracer = tracer;
    }

    @Override
    public Tracing.Work command(Command command, Cause cause) {
        if (cause.command().equals(CommandId.NONE)) {
            return OFF.command(command, cause);
        }
        Actor actor = cause.actor();
        Span span = tracer.spanBuilder("command " + name(command))
                .setParent(parent(actor.details().getOrDefault(TRACE_PARENT, "")))
                .setSpanKind(SpanKind.SERVER)
                .setAttribute(COMMAND, cause.command().value())
                .setAttribute(ACTOR, actor.name())
                .setAttribute(ENTRANCE, actor.kind().name().toLowerCase(Locale.ROOT))
                .startSpan();
        synchronized (commands) {
            commands.put(cause.command(), span.getSpanContext());
        }
        return new Begun(span);
    }

    @Override
    public Tracing.Work decision(Command command, Cause cause) {
        SpanContext parent = of(cause);
        return parent == null
                ? OFF.decision(command, cause)
                : new Begun(within(parent, "decide " + name(command)).startSpan());
    }

    @Override
    public Tracing.Work step(String step, SubjectId subject, Cause cause) {
        SpanContext parent = of(cause);
        if (parent == null) {
            return OFF.step(step, subject, cause);
        }
        Span span = within(parent, "step " + step)
                .setAttribute(SUBJECT, subject.text())
                .startSpan();
        steps.set(span.getSpanContext());
        return new Begun(span) {
            @Override
            public void close() {
                steps.remove();
                super.close();
            }
        };
    }

    @Override
    public Tracing.Work call(DriverId driver, String implementation, String method) {
        SpanContext parent = steps.get();
        return parent == null
                ? OFF.call(driver, implementation, method)
                : new Begun(within(
                                parent,
                                driver.driverKind().word() + " " + driver.name().value() + " " + method)
                        .setAttribute(IMPLEMENTATION, implementation)
                        .startSpan());
    }

    @Override
    public Tracing.Work kernelCall(String method) {
        SpanContext parent = steps.get();
        return parent == null
                ? OFF.kernelCall(method)
                : new Begun(within(parent, "kernel " + method).startSpan());
    }

    @Override
    public Writing writing(List<Event> events, Cause cause) {
        SpanContext parent = of(cause);
        if (parent == null) {
            return OFF.writing(events, cause);
        }
        List<String> types = events.stream().map(Traces::type).toList();
        return new Begun(within(parent, "write " + types.get(types.size() - 1))
                .setAttribute(EVENTS, types)
                .setAttribute(SUBJECT, events.get(0).subject().text())
                .startSpan());
    }

    private @Nullable SpanContext of(Cause cause) {
        synchronized (commands) {
            return commands.get(cause.command());
        }
    }

    private SpanBuilder within(SpanContext parent, String name) {
        return tracer.spanBuilder(name).setParent(Context.root().with(Span.wrap(parent)));
    }

    /** The trace a client is in, from {@code 00-TRACE-SPAN-FLAGS}; a trace of its own where there is none. */
    private static Context parent(String text) {
        String[] parts = text.split("-", -1);
        SpanContext remote = parts.length == 4
                ? SpanContext.createFromRemoteParent(
                        parts[1], parts[2], TraceFlags.fromHex(parts[3], 0), TraceState.getDefault())
                : SpanContext.getInvalid();
        return remote.isValid() ? Context.root().with(Span.wrap(remote)) : Context.root();
    }

    private static String name(Command command) {
        Class<?> type = command.getClass();
        Class<?> family = type.getEnclosingClass();
        String of = family == null
                ? ""
                : family.getSimpleName().replace("Command", "").toLowerCase(Locale.ROOT) + " ";
        return of + type.getSimpleName();
    }

    private static String type(Event event) {
        EventType type = event.getClass().getAnnotation(EventType.class);
        return type == null ? event.getClass().getSimpleName() : type.value();
    }

    /** A span that was begun here and ends wherever it may. */
    private static class Begun implements Writing {
        private final Span span;

        Begun(Span span) {
            this.span = span;
        }

        @Override
        public void lieAt(Position position) {
            span.setAttribute(POSITION, position.sequence());
        }

        @Override
        public void failed(String why) {
            span.setStatus(StatusCode.ERROR, why);
        }

        @Override
        public void close() {
            span.end();
        }
    }
}
