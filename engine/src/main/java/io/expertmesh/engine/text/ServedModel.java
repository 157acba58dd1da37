package io.expertmesh.engine.text;

import io.expertmesh.engine.api.GenerationEngine;
import io.expertmesh.engine.api.SamplingParameters;
import io.expertmesh.model.tokenizer.ChatTemplate;
import io.expertmesh.model.tokenizer.Tokenizer;
import io.expertmesh.model.tokenizer.TranslationLanguages;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model as those see it who serve it. Closing the engine is the owner's business.
 *
 * @param name what clients call it
 * @param aliases other names that clients may use
 * @param loaded when it was loaded
 * @param chatTemplate how it reads a conversation; null if it was not trained on conversations
 * @param endTokenIds tokens that end an answer
 * @param contextLength tokens of prompt and answer together at most
 * @param vocabularySize rows of the output matrix; token ids are below it
 * @param moeLayers numbers of the layers that have experts, ascending
 * @param experts experts in each of those layers
 * @param samplingDefaults for what a request leaves open
 * @param decoderStart null for a decoder-only model
 * @param languages that it translates between; null if it is no translation model
 */
public record ServedModel(
    String name,
    List<String> aliases,
    Instant loaded,
    GenerationEngine engine,
    Tokenizer tokenizer,
    @Nullable ChatTemplate chatTemplate,
    Set<Integer> endTokenIds,
    int contextLength,
    int vocabularySize,
    List<Integer> moeLayers,
    int experts,
    SamplingParameters samplingDefaults,
    @Nullable DecoderStart decoderStart,
    @Nullable TranslationLanguages languages) {
  public ServedModel {
    aliases = List.copyOf(aliases);
    endTokenIds = Set.copyOf(endTokenIds);
    moeLayers = List.copyOf(moeLayers);
  }

  /** A decoder-only model. */
  public ServedModel(String name, List<String> aliases, Instant loaded, GenerationEngine engine, Tokenizer tokenizer,
      @Nullable ChatTemplate chatTemplate, Set<Integer> endTokenIds, int contextLength, int vocabularySize,
      List<Integer> moeLayers, int experts, SamplingParameters samplingDefaults) {
    this(name, aliases, loaded, engine, tokenizer, chatTemplate, endTokenIds, contextLength, vocabularySize, moeLayers,
        experts, samplingDefaults, null, null);
  }

  /** Numbers of the layers with experts that prompt and answer go through: all but an encoder's. */
  public List<Integer> decoderMoeLayers() {
    DecoderStart start = decoderStart;
    return start == null ? moeLayers : moeLayers.stream().filter(layer -> layer >= start.firstBlock()).toList();
  }

  /** Whether clients may call it so. */
  public boolean answersTo(String requestedName) {
    return name.equals(requestedName) || aliases.contains(requestedName);
  }
}
