/**
 * Other people's clients and libraries, unchanged, against the socket of a real agent: they are told where it is, and no more.
 * What they are driven with lies beside, in the resources.
 */
@NullMarked
package dev.wharf.itests.clients;

import org.jspecify.annotations.NullMarked;
