package io.expertmesh.engine.kvcache;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Collections;
import org.junit.jupiter.api.Test;

class KvCacheTest {
  private static final int PAGE_TOKENS = 4;

  private final KvCache cache = new KvCache(Collections.nCopies(2, new KvShape(2, 3, 3)), PAGE_TOKENS, 8);

  @Test
  void aStoredVectorLiesWhereTheAttentionKernelLooks() {
    KvSequence sequence = cache.newSequence();
    assertThat(sequence.ensureCapacity(6)).isTrue();
    float[] key = {1, 2, 3, 4, 5, 6};
    float[] value = {7, 8, 9, 10, 11, 12};
    sequence.store(1, 5, key, 0, value, 0);
    int headOneAt = (PAGE_TOKENS + 5 % PAGE_TOKENS) * 3;
    assertThat(Arrays.copyOfRange(sequence.keyPages(1)[1], headOneAt, headOneAt + 3)).containsExactly(4, 5, 6);
    assertThat(Arrays.copyOfRange(sequence.valuePages(1)[1], headOneAt, headOneAt + 3)).containsExactly(10, 11, 12);
  }

  @Test
  void aFinishedSequencesFullPagesAreReused() {
    int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    computed(tokens).release();
    assertThat(cache.cachedPages()).isEqualTo(2);
    KvSequence again = cache.newSequence();
    assertThat(again.reusePrefix(tokens, tokens.length)).isEqualTo(8);
    assertThat(cache.cachedPages()).isZero();
  }

  @Test
  void theLastTokenIsNeverReused() {
    int[] tokens = {1, 2, 3, 4, 5, 6, 7, 8};
    computed(tokens).release();
    assertThat(cache.newSequence().reusePrefix(tokens, tokens.length)).isEqualTo(4);
  }

  @Test
  void aPageIsOnlyReusedAfterTheSameBeginning() {
    computed(1, 2, 3, 4, 5, 6, 7, 8).release();
    KvSequence other = cache.newSequence();
    assertThat(other.reusePrefix(new int[]{9, 2, 3, 4, 5, 6, 7, 8, 9}, 9)).isZero();
    assertThat(other.reusePrefix(new int[]{5, 6, 7, 8, 9}, 5)).isZero();
  }

  @Test
  void runningSequencesShareAPrefix() {
    int[] tokens = {1, 2, 3, 4, 5};
    KvSequence first = computed(tokens);
    KvSequence second = cache.newSequence();
    assertThat(second.reusePrefix(tokens, tokens.length)).isEqualTo(4);
    first.release();
    assertThat(cache.availablePages()).as("the shared page is still held").isEqualTo(7);
    second.release();
    assertThat(cache.availablePages()).isEqualTo(8);
  }

  @Test
  void theOldestPrefixIsGivenUpFirstAndItsEndBeforeItsBeginning() {
    int[] old = {1, 1, 1, 1, 1, 1, 1, 1, 0};
    int[] recent = {2, 2, 2, 2, 0};
    computed(old).release();
    computed(recent).release();
    KvSequence large = cache.newSequence();
    assertThat(large.ensureCapacity(6 * PAGE_TOKENS)).isTrue();
    assertThat(cache.newSequence().reusePrefix(old, old.length)).as("its second page was taken").isEqualTo(4);
    assertThat(cache.newSequence().reusePrefix(recent, recent.length)).isEqualTo(4);
  }

  @Test
  void capacityEndsWithThePages() {
    KvSequence sequence = cache.newSequence();
    assertThat(sequence.ensureCapacity(8 * PAGE_TOKENS)).isTrue();
    assertThat(sequence.ensureCapacity(8 * PAGE_TOKENS + 1)).isFalse();
    assertThat(cache.newSequence().ensureCapacity(1)).isFalse();
    sequence.release();
    assertThat(cache.newSequence().ensureCapacity(1)).isTrue();
  }

  @Test
  void equalPagesComputedSideBySideAreIndexedOnce() {
    KvSequence first = computed(1, 2, 3, 4, 5);
    KvSequence second = computed(1, 2, 3, 4, 5);
    first.release();
    second.release();
    assertThat(cache.cachedPages()).isEqualTo(1);
    assertThat(cache.availablePages()).isEqualTo(8);
  }

  private KvSequence computed(int... tokens) {
    KvSequence sequence = cache.newSequence();
    assertThat(sequence.ensureCapacity(tokens.length)).isTrue();
    sequence.complete(tokens.length, tokens);
    return sequence;
  }
}
