package dev.wharf.buildkit;

import dev.wharf.buildkit.wire.Control.StatusResponse;
import io.grpc.stub.ServerCallStreamObserver;

/** A client that hears how its build goes on. Whoever tells it waits where it is slow to read. */
final class StatusCall implements Progress.Listener {
    private final ServerCallStreamObserver<StatusResponse> call;

    StatusCall(ServerCallStreamObserver<StatusResponse> call) {
        this.call = call;
    }

    /** It reads on, or has gone. */
    synchronized void wake() {
        notifyAll();
    }

    @Override
    public synchronized void accept(StatusResponse status) {
        try {
            while (!call.isReady() && !call.isCancelled()) {
                wait();
            }
        } catch (InterruptedException e) {
            // The build is given up; what it still says need not wait.
            Thread.currentThread().interrupt();
        }
        if (!call.isCancelled()) {
            call.onNext(status);
        }
    }

    @Override
    public void end() {
        if (!call.isCancelled()) {
            call.onCompleted();
        }
    }
}
