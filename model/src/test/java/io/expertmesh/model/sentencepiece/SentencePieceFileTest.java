package io.expertmesh.model.sentencepiece;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.sentencepiece.SentencePieceModel.Algorithm;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SentencePieceFileTest {
  private static final Path FIXTURES = Path.of("src/test/resources/tokenizers");

  @TempDir
  Path folder;

  private static byte[] fixture(String name) throws IOException {
    try (InputStream in = new GZIPInputStream(Files.newInputStream(FIXTURES.resolve(name).resolve("model.gz")))) {
      return in.readAllBytes();
    }
  }

  private SentencePieceModel read(byte[] content) throws IOException {
    return SentencePieceFile.read(Files.write(folder.resolve("spiece.model"), content));
  }

  @Test
  void readsWhatTheTrainerWrote() throws IOException {
    SentencePieceModel model = read(fixture("bpe"));
    assertThat(model.algorithm()).isEqualTo(Algorithm.BPE);
    assertThat(model.byteFallback()).isTrue();
    assertThat(model.pieces()).hasSize(600);
    assertThat(model.normalization()).isEqualTo(new Normalization(null, true, false));
    assertThat(model.control("</s>")).isEqualTo(2);
    SentencePieceModel unigram = read(fixture("unigram"));
    assertThat(unigram.algorithm()).isEqualTo(Algorithm.UNIGRAM);
    assertThat(unigram.byteFallback()).isFalse();
    assertThat(unigram.normalization().singleSpaces()).isTrue();
    assertThat(unigram.pieces()).extracting(Piece::type).contains(PieceType.USER_DEFINED);
  }

  @Test
  void aFileThatIsCutShortIsRefused() throws IOException {
    byte[] whole = fixture("unigram");
    int readable = 0;
    for (int length = 0; length < whole.length; length += 1 + length / 400) {
      try {
        read(Arrays.copyOf(whole, length));
        readable++;
      } catch (FailureException e) {
        assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT);
        assertThat(e).hasMessageContaining("spiece.model");
      }
    }
    assertThat(readable).isZero();
  }

  @Test
  void damageIsRefusedOrHarmless() throws IOException {
    byte[] whole = fixture("unigram");
    Random random = new Random(9);
    int refused = 0;
    for (int round = 0; round < 1500; round++) {
      byte[] damaged = whole.clone();
      for (int i = 0; i <= round % 4; i++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      try {
        SentencePieceEncoder encoder = new SentencePieceEncoder(read(damaged), "damaged");
        encoder.encode("the ﬁne ｒｏｕｔｅｒ \u00ad e\u0301 \uD83D\uDE80 waits", true, new Ids());
      } catch (FailureException e) {
        assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT);
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(100);
  }

  @Test
  void otherFilesAreRefused() throws IOException {
    assertRefused("151643 IA==\n".repeat(20).getBytes(StandardCharsets.UTF_8), "is not a SentencePiece model");
    assertRefused(new byte[0], "0 pieces");
    assertThatThrownBy(() -> SentencePieceFile.read(folder.resolve("nothing"))).isInstanceOf(FailureException.class)
        .hasMessageContaining("no such file");
  }

  @Test
  void whatIsNotDoneIsRefused() throws IOException {
    byte[] whole = fixture("bpe");
    // Later fields of a message win, and messages of the same field are merged by reading one after the other.
    assertRefused(with(whole, 0x12, 0x18, 3), "model_type WORD");
    assertRefused(with(whole, 0x12, 0x18, 4), "model_type CHAR");
    assertRefused(with(whole, 0x12, 0xC0, 0x01, 1), "treat_whitespace_as_suffix");
    assertRefused(with(whole, 0x1A, 0x28, 0), "escape_whitespaces: false");
    assertRefused(with(whole, 0x2A, 0x12, 1, 65), "a denormalizer");
    assertRefused(with(whole, 0x1A, 0x12, 3, 1, 2, 3), "precompiled_charsmap has 3 bytes");
  }

  private static byte[] with(byte[] whole, int tag, int... field) {
    byte[] bytes = Arrays.copyOf(whole, whole.length + 2 + field.length);
    bytes[whole.length] = (byte) tag;
    bytes[whole.length + 1] = (byte) field.length;
    for (int i = 0; i < field.length; i++) {
      bytes[whole.length + 2 + i] = (byte) field[i];
    }
    return bytes;
  }

  private void assertRefused(byte[] content, String message) {
    assertThatThrownBy(() -> read(content)).isInstanceOfSatisfying(FailureException.class,
        e -> assertThat(e.category()).isEqualTo(FailureCategory.INVALID_CHECKPOINT)).hasMessageContaining(message);
  }

  @Test
  void contradictionsBetweenPiecesAreRefused() throws IOException {
    SentencePieceModel model = read(fixture("bpe"));
    assertContradiction(model, new Piece("the", 0, PieceType.UNKNOWN), 300, "2 unknown pieces");
    assertContradiction(model, model.pieces().get(301), 300, "twice");
    assertContradiction(model, new Piece("<unk>", 0, PieceType.NORMAL), 0, "0 unknown pieces");
    assertContradiction(model, new Piece("<byte>", 0, PieceType.NORMAL), 3 + 0xE4, "no byte piece <0xE4>");
  }

  private static void assertContradiction(SentencePieceModel model, Piece piece, int id, String message) {
    List<Piece> pieces = new ArrayList<>(model.pieces());
    pieces.set(id, piece);
    assertThatThrownBy(() -> new SentencePieceEncoder(model.withPieces(pieces), "some.model"))
        .isInstanceOf(FailureException.class).hasMessageContaining("some.model").hasMessageContaining(message);
  }

  @Test
  void piecesThatMustNotBeUsedAreSplitAgain() throws IOException {
    SentencePieceModel model = read(fixture("bpe"));
    Ids before = new Ids();
    new SentencePieceEncoder(model, "bpe").encode("the", true, before);
    assertThat(before.size()).isEqualTo(1);
    int the = before.toArray()[0];
    List<Piece> pieces = new ArrayList<>(model.pieces());
    pieces.set(the, new Piece(pieces.get(the).text(), pieces.get(the).score(), PieceType.UNUSED));
    Ids after = new Ids();
    new SentencePieceEncoder(model.withPieces(pieces), "bpe").encode("the", true, after);
    assertThat(after.toArray()).hasSizeGreaterThan(1).doesNotContain(the);
  }
}
