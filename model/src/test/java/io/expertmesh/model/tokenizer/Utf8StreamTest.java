package io.expertmesh.model.tokenizer;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Utf8StreamTest {
  @Test
  void decodesEveryCharacter() {
    StringBuilder text = new StringBuilder();
    for (int codePoint = 0; codePoint <= Character.MAX_CODE_POINT; codePoint++) {
      if (codePoint < 0xD800 || codePoint > 0xDFFF) {
        text.appendCodePoint(codePoint);
      }
    }
    assertThat(decode(text.toString().getBytes(UTF_8))).isEqualTo(text.toString());
  }

  /** The cases of Unicode's section 3.9, tables 3-8 to 3-11; the numbers are those of bytes.decode in Python too. */
  @ParameterizedTest
  @CsvSource({"41F0808041, A???A", "C0AFE080BFF0818241, ????????A", "EDA080EDBFBFEDAF41, ????????A",
      "F4919293FF4180BF42, ?????A??B", "E180E2F09192F1BF41, ????A", "E4B8, ?", "F09F92, ?", "F09F, ?", "FEFF, ??"})
  void replacesEachMaximalPartOnce(String hex, String expected) {
    assertThat(decode(HexFormat.of().parseHex(hex))).isEqualTo(expected.replace('?', '\uFFFD'));
  }

  private static String decode(byte[] bytes) {
    Utf8Stream stream = new Utf8Stream();
    StringBuilder text = new StringBuilder();
    for (byte value : bytes) {
      stream.accept(value, text);
    }
    stream.flush(text);
    return text.toString();
  }
}
