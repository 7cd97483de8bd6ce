package dev.wharf.itests.clients;

import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.Network;
import org.testcontainers.utility.DockerImageName;

/** A program that uses Testcontainers, says what it has made, and is gone without cleaning up. */
final class Forgetful {
    private Forgetful() {}

    @SuppressWarnings("resource") // that is the point
    public static void main(String[] args) {
        Network network = Network.newNetwork();
        GenericContainer<?> box = new GenericContainer<>(DockerImageName.parse("busybox"))
                .withNetwork(network)
                .withCommand("sleep", "1000");
        box.start();
        System.out.println(box.getContainerId() + " " + network.getId());
        System.out.flush();
        Runtime.getRuntime().halt(0);
    }
}
