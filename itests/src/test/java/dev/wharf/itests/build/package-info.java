/** Builds from Dockerfiles, against an agent and, where dockerd is installed, beside its classic builder. */
package dev.wharf.itests.build;
