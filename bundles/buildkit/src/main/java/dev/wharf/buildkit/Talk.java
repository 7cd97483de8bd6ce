package dev.wharf.buildkit;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;

/** A call in which both sides send messages, which are taken one by one. One thread takes, and one sends. */
final class Talk<Q, A> implements AutoCloseable {
    /** As many messages lie here untaken at most; the other end waits then. */
    private static final int AHEAD = 64;

    private final ClientCall<Q, A> call;
    private final BlockingQueue<Object> inbox = new LinkedBlockingQueue<>();
    private final Object ready = new Object();
    private boolean over;

    Talk(Channel channel, MethodDescriptor<Q, A> method, Metadata headers) {
        call = channel.newCall(method, CallOptions.DEFAULT);
        call.start(
                new ClientCall.Listener<>() {
                    @Override
                    public void onMessage(A message) {
                        inbox.add(message);
                    }

                    @Override
                    public void onClose(Status status, Metadata trailers) {
                        inbox.add(status);
                        synchronized (ready) {
                            over = true;
                            ready.notifyAll();
                        }
                    }

                    @Override
                    public void onReady() {
                        synchronized (ready) {
                            ready.notifyAll();
                        }
                    }
                },
                headers);
        call.request(AHEAD);
    }

    /** The next message; empty where the other end has said all. */
    Optional<A> take() throws IOException {
        Object next;
        try {
            next = inbox.take();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
        if (next instanceof Status status) {
            inbox.add(status);
            if (status.isOk()) {
                return Optional.empty();
            }
            throw new IOException(
                    status.getDescription() == null ? status.getCode().toString() : status.getDescription());
        }
        call.request(1);
        @SuppressWarnings("unchecked")
        A message = (A) next;
        return Optional.of(message);
    }

    /** Whether something is there to be taken at once. */
    boolean hasMore() {
        return !inbox.isEmpty();
    }

    /** Sends a message, and waits where the other end is slow. */
    void send(Q message) throws IOException {
        synchronized (ready) {
            while (!call.isReady() && !over) {
                try {
                    ready.wait();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    throw new InterruptedIOException("interrupted");
                }
            }
        }
        call.sendMessage(message);
    }

    /** Nothing more is sent. */
    void end() {
        call.halfClose();
    }

    /** Ends it, whatever was still to be said. */
    @Override
    public void close() {
        call.cancel("done", null);
    }
}
