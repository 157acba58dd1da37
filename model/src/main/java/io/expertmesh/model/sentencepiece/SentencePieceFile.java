package io.expertmesh.model.sentencepiece;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.WireFormat;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.failure.IoReason;
import io.expertmesh.model.sentencepiece.SentencePieceModel.Algorithm;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code .model} files: {@code ModelProto} of SentencePiece's {@code sentencepiece_model.proto}. */
public final class SentencePieceFile {
  /** Larger than any known model by far. */
  private static final long MAX_BYTES = 1L << 28;

  private final Path file;
  private final List<Piece> pieces = new ArrayList<>();
  private boolean trainerSpec;
  private Algorithm algorithm = Algorithm.UNIGRAM;
  private boolean byteFallback;
  private boolean normalizerSpec;
  private @Nullable CharsMap characters;
  private boolean spaceBefore = true;
  private boolean singleSpaces = true;

  private SentencePieceFile(Path file) {
    this.file = file;
  }

  /** @throws FailureException INVALID_CHECKPOINT if {@code file} is damaged, or asks for what is not done here */
  public static SentencePieceModel read(Path file) {
    SentencePieceFile reader = new SentencePieceFile(file);
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw reader.invalid("has %d bytes; no SentencePiece model is that large".formatted(Files.size(file)));
      }
      return reader.model(CodedInputStream.newInstance(Files.readAllBytes(file)));
    } catch (InvalidProtocolBufferException e) {
      throw reader
          .invalid("is not a SentencePiece model, or is damaged (%s). Copy it again from where the model is from"
              .formatted(e.getMessage()));
    } catch (IOException e) {
      throw reader.invalid("cannot be read (%s)".formatted(IoReason.of(e)));
    }
  }

  private SentencePieceModel model(CodedInputStream in) throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> piece(message(in, tag));
        case 2 -> trainerSpec(message(in, tag));
        case 3 -> normalizerSpec(message(in, tag));
        case 5 -> denormalizerSpec(message(in, tag));
        default -> in.skipField(tag);
      }
    }
    if (pieces.isEmpty() || !trainerSpec || !normalizerSpec) {
      throw invalid("is not a SentencePiece model, or is cut short: it has %d pieces, %s trainer_spec and %s "
          .formatted(pieces.size(), trainerSpec ? "a" : "no", normalizerSpec ? "a" : "no")
          + "normalizer_spec. Copy it again from where the model is from");
    }
    return new SentencePieceModel(algorithm, pieces, byteFallback,
        new Normalization(characters, spaceBefore, singleSpaces));
  }

  /** The bytes of the message at {@code tag}, which must be one. */
  private static CodedInputStream message(CodedInputStream in, int tag) throws IOException {
    if (WireFormat.getTagWireType(tag) != WireFormat.WIRETYPE_LENGTH_DELIMITED) {
      throw new InvalidProtocolBufferException("field %d is no message".formatted(WireFormat.getTagFieldNumber(tag)));
    }
    return CodedInputStream.newInstance(in.readByteArray());
  }

  private void piece(CodedInputStream in) throws IOException {
    String text = "";
    float score = 0;
    int type = 1;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (tag) {
        case (1 << 3) | WireFormat.WIRETYPE_LENGTH_DELIMITED -> text = in.readStringRequireUtf8();
        case (2 << 3) | WireFormat.WIRETYPE_FIXED32 -> score = in.readFloat();
        case (3 << 3) | WireFormat.WIRETYPE_VARINT -> type = in.readInt32();
        default -> in.skipField(tag);
      }
    }
    PieceType known = PieceType.of(type);
    if (text.isEmpty() || known == null || Float.isNaN(score)) {
      throw invalid(
          "is damaged: piece %d is '%s' of type %d with score %s".formatted(pieces.size(), text, type, score));
    }
    pieces.add(new Piece(text, score, known));
  }

  private void trainerSpec(CodedInputStream in) throws IOException {
    trainerSpec = true;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (tag) {
        case (3 << 3) | WireFormat.WIRETYPE_VARINT -> algorithm = switch (in.readInt32()) {
          case 1 -> Algorithm.UNIGRAM;
          case 2 -> Algorithm.BPE;
          case 3 -> throw unsupported("model_type WORD");
          case 4 -> throw unsupported("model_type CHAR");
          default -> throw unsupported("an unknown model_type");
        };
        case (24 << 3) | WireFormat.WIRETYPE_VARINT -> refuse(in.readBool(), "treat_whitespace_as_suffix");
        case (35 << 3) | WireFormat.WIRETYPE_VARINT -> byteFallback = in.readBool();
        default -> in.skipField(tag);
      }
    }
  }

  private void normalizerSpec(CodedInputStream in) throws IOException {
    normalizerSpec = true;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (tag) {
        case (2 << 3) | WireFormat.WIRETYPE_LENGTH_DELIMITED -> characters = charsMap(in.readByteArray());
        case (3 << 3) | WireFormat.WIRETYPE_VARINT -> spaceBefore = in.readBool();
        case (4 << 3) | WireFormat.WIRETYPE_VARINT -> singleSpaces = in.readBool();
        case (5 << 3) | WireFormat.WIRETYPE_VARINT -> refuse(!in.readBool(), "escape_whitespaces: false");
        default -> in.skipField(tag);
      }
    }
  }

  private @Nullable CharsMap charsMap(byte[] precompiled) {
    return precompiled.length == 0 ? null : CharsMap.of(precompiled, file.toString());
  }

  private void denormalizerSpec(CodedInputStream in) throws IOException {
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag == ((2 << 3) | WireFormat.WIRETYPE_LENGTH_DELIMITED)) {
        refuse(in.readByteArray().length > 0, "a denormalizer");
      } else {
        in.skipField(tag);
      }
    }
  }

  private void refuse(boolean asked, String option) {
    if (asked) {
      throw unsupported(option);
    }
  }

  private FailureException unsupported(String option) {
    return invalid("asks for %s, which is not supported".formatted(option));
  }

  private FailureException invalid(String problem) {
    return new FailureException(FailureCategory.INVALID_CHECKPOINT, file + " " + problem);
  }
}
