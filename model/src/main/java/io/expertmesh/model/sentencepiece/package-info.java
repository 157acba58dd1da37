/**
 * SentencePiece models: reading {@code .model} files and turning text into pieces, as Google's library does, whose
 * source files are named where they are followed.
 */
@NullMarked
package io.expertmesh.model.sentencepiece;

import org.jspecify.annotations.NullMarked;
