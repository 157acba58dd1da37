package io.expertmesh.engine.constraint;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Random;

/** Draws answers from a constraint as a model without any sense would, and then hurries to an end. */
final class RandomAnswers {
  private static final String CLOSING = "}]";
  private static final String SHORT = "nf0,:";
  private static final String LETTERS = "abcdtxyZ0@-";
  private static final int FREE_TOKENS = 40;
  private static final int MAX_TOKENS = 5000;

  private final TokenTrie vocabulary;
  private final Random random;

  RandomAnswers(TokenTrie vocabulary, Random random) {
    this.vocabulary = vocabulary;
    this.random = random;
  }

  String draw(TokenConstraint constraint) {
    ByteArrayOutputStream answer = new ByteArrayOutputStream();
    int free = random.nextInt(FREE_TOKENS);
    for (int i = 0; i < MAX_TOKENS; i++) {
      BitSet allowed = constraint.allowed();
      if (constraint.mayEnd() && (allowed.isEmpty() || i >= free || random.nextInt(4) == 0)) {
        return text(answer.toByteArray());
      }
      assertThat(allowed.isEmpty()).as("a way on after %s", answer).isFalse();
      int id = choose(allowed, i < free);
      answer.writeBytes(vocabulary.token(id));
      constraint.accept(id);
    }
    throw new AssertionError("No end after " + MAX_TOKENS + " tokens: " + answer);
  }

  private int choose(BitSet allowed, boolean free) {
    if (!free && random.nextInt(10) > 0) {
      int id = hurry(allowed);
      if (id >= 0) {
        return id;
      }
    }
    int skip = random.nextInt(allowed.cardinality());
    int id = allowed.nextSetBit(0);
    while (skip-- > 0) {
      id = allowed.nextSetBit(id + 1);
    }
    return id;
  }

  private int hurry(BitSet allowed) {
    int quote = allowedByte(allowed, '"');
    if (quote >= 0 && random.nextBoolean()) {
      return quote;
    }
    boolean inString = allowedByte(allowed, 'a') >= 0 || allowedByte(allowed, 'x') >= 0;
    if (inString) {
      return allowedByte(allowed, LETTERS.charAt(random.nextInt(LETTERS.length())));
    }
    String ways = CLOSING + SHORT;
    for (int i = 0; i < ways.length(); i++) {
      int id = allowedByte(allowed, ways.charAt(i));
      if (id >= 0) {
        return id;
      }
    }
    return -1;
  }

  private int allowedByte(BitSet allowed, char c) {
    BitSet ids = matching(new byte[]{(byte) c}, 0);
    ids.and(allowed);
    return ids.nextSetBit(0);
  }

  private static String text(byte[] answer) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(answer)).toString();
    } catch (CharacterCodingException e) {
      throw new AssertionError("Not UTF-8: " + new String(answer, StandardCharsets.ISO_8859_1), e);
    }
  }

  /** Whether {@code text}, cut into tokens at random, can be the whole answer. */
  boolean accepts(TokenConstraint constraint, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int at = 0;
    while (at < bytes.length) {
      BitSet matching = matching(bytes, at);
      BitSet allowed = constraint.allowed();
      int id = matching.nextSetBit(0);
      for (int skip = random.nextInt(matching.cardinality()); skip > 0; skip--) {
        id = matching.nextSetBit(id + 1);
      }
      if (!allowed.get(id)) {
        return false;
      }
      constraint.accept(id);
      at += vocabulary.token(id).length;
    }
    return constraint.mayEnd();
  }

  /** The tokens that {@code bytes} goes on with at {@code at}. */
  private BitSet matching(byte[] bytes, int at) {
    BitSet matching = new BitSet();
    int node = 0;
    for (int i = at; i < bytes.length; i++) {
      int child = node + 1;
      while (child < vocabulary.end(node) && vocabulary.label(child) != (bytes[i] & 0xFF)) {
        child = vocabulary.end(child);
      }
      if (child >= vocabulary.end(node)) {
        break;
      }
      node = child;
      vocabulary.addTokens(node, matching);
    }
    return matching;
  }
}
