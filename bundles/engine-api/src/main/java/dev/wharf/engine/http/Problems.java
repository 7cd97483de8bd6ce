package dev.wharf.engine.http;

import dev.wharf.core.agent.FailedException;
import dev.wharf.core.agent.RefusedException;
import dev.wharf.core.command.Refusal;
import dev.wharf.spi.DriverException;
import dev.wharf.spi.Failure;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns whatever went wrong into the answer a client understands. No stack trace gets past here. */
public final class Problems {
    private static final Logger LOG = LoggerFactory.getLogger(Problems.class);

    private Problems() {}

    /** The answer for a failed stage or a thrown exception. */
    public static Answer.Whole answer(Throwable thrown) {
        Problem problem = of(thrown);
        return problem.status() == 304 ? Answer.empty(304) : Answer.error(problem.status(), problem.message());
    }

    /** The problem behind a failed stage or a thrown exception. */
    public static Problem of(Throwable thrown) {
        Throwable cause = cause(thrown);
        if (cause instanceof Problem problem) {
            return problem;
        }
        if (cause instanceof RefusedException refused) {
            return new Problem(
                    status(refused.refusal().kind()), refused.refusal().message());
        }
        if (cause instanceof FailedException failed) {
            return new Problem(status(failed.failure().kind()), failed.failure().message());
        }
        if (cause instanceof DriverException failed) {
            return new Problem(status(failed.failure().kind()), failed.failure().message());
        }
        LOG.error("request failed by a fault; please report this", cause);
        return new Problem(500, "internal error: " + cause.getClass().getSimpleName() + "; see the engine's log");
    }

    /** What a stage failed with, without what stages wrap it in. */
    public static Throwable cause(Throwable thrown) {
        Throwable cause = thrown;
        while ((cause instanceof CompletionException || cause instanceof ExecutionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static int status(Refusal.Kind kind) {
        return switch (kind) {
            case INVALID -> 400;
            case MISSING -> 404;
            case CONFLICT -> 409;
            case UNCHANGED -> 304;
            case FORBIDDEN -> 403;
            case UNSUPPORTED -> 501;
            case UNAVAILABLE -> 503;
            // Docker tells a taken port or address as a fault of its own, and clients look for that.
            case TAKEN, UNMET -> 500;
        };
    }

    private static int status(Failure.Kind kind) {
        return switch (kind) {
            case MISSING -> 404;
            case EXISTS, BUSY -> 409;
            case INVALID -> 400;
            case UNSUPPORTED -> 501;
            case UNAVAILABLE -> 503;
            case UNAUTHORISED -> 401;
            case EXHAUSTED, CORRUPT, FAILED -> 500;
        };
    }
}
