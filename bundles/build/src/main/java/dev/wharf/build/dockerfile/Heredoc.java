package dev.wharf.build.dockerfile;

/**
 * Lines that an instruction brings along.
 *
 * @param expands whether variables in it are replaced, as they are where its name was written without quotes
 * @param strips whether tabs at the beginning of its lines were taken away
 */
public record Heredoc(String name, boolean expands, boolean strips, String content) {}
