/**
 * The vocabulary of the house: values that are valid because they exist. Begin with {@link dev.wharf.model.SubjectId},
 * which names everything that has a history, and {@link dev.wharf.model.ContainerSpec}, which says what a container is.
 */
@NullMarked
package dev.wharf.model;

import org.jspecify.annotations.NullMarked;
