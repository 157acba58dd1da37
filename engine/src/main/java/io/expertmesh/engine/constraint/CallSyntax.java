package io.expertmesh.engine.constraint;

/**
 * The texts around function names and arguments in a model's way of writing calls: {@code open begin (beforeName NAME
 * afterName ARGUMENTS afterArguments) between (...) close}.
 *
 * @param open the mark that begins calls, whatever stands before it
 */
public record CallSyntax(String open, String begin, String beforeName, String afterName, String afterArguments,
    String between, String close) {}
