package io.expertmesh.router.http;

import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/** The messages of the contract as JSON, under the names that they have there. 64-bit numbers are strings. */
final class ProtoJson {
  private static final int MAX_BODY_BYTES = 4 << 20;
  private static final JsonFormat.Printer PRINTER = JsonFormat.printer().preservingProtoFieldNames()
      .alwaysPrintFieldsWithNoPresence();
  private static final JsonFormat.Parser PARSER = JsonFormat.parser();

  private ProtoJson() {}

  /**
   * Reads the request's body into {@code message}; an empty body is an empty message.
   *
   * @throws FailureException INVALID_REQUEST if it is not one
   */
  static void read(HttpServletRequest request, Message.Builder message) throws IOException {
    byte[] body = request.getInputStream().readNBytes(MAX_BODY_BYTES + 1);
    if (body.length > MAX_BODY_BYTES) {
      throw new HttpException(new HttpError(413, "too_large",
          "The body is over the limit of %d bytes.".formatted(MAX_BODY_BYTES)));
    }
    try {
      if (body.length > 0) {
        PARSER.merge(new String(body, StandardCharsets.UTF_8), message);
      }
    } catch (InvalidProtocolBufferException wrong) {
      throw new FailureException(FailureCategory.INVALID_REQUEST,
          "The body is not the JSON that is expected here: " + wrong.getMessage(), wrong);
    }
  }

  static void write(HttpServletResponse response, Message message) throws IOException {
    response.setContentType("application/json");
    response.getOutputStream().write(PRINTER.print(message).getBytes(StandardCharsets.UTF_8));
  }
}
