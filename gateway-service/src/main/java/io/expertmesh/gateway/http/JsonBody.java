package io.expertmesh.gateway.http;

import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.springframework.http.InvalidMediaTypeException;
import org.springframework.http.MediaType;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Reads request bodies that must be one JSON object. */
public final class JsonBody {
  private static final JsonMapper MAPPER = JsonMapper.builder()
      .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
      .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
      .build();

  private JsonBody() {}

  /**
   * @throws ApiException 415 if the body is not declared as JSON (which also keeps foreign web pages from posting
   *     without a preflight), 400 if it is not a JSON object
   */
  public static JsonFields read(HttpServletRequest request) throws IOException {
    requireJson(request.getContentType());
    JsonNode body;
    try {
      body = MAPPER.readTree(request.getInputStream());
    } catch (JacksonIOException broken) {
      throw broken.getCause();
    } catch (JacksonException malformed) {
      throw new ApiException(ApiError.badRequest(null, "invalid_json",
          "The request body is not valid JSON: " + reason(malformed) + place(malformed)));
    }
    if (body instanceof ObjectNode object) {
      return new JsonFields(object);
    }
    throw new ApiException(ApiError.badRequest(null, "invalid_json", "The request body must be a JSON object."));
  }

  /** What is wrong, without the parser's advice to programmers who set it up. */
  private static String reason(JacksonException malformed) {
    return malformed.getOriginalMessage().replaceAll(": enable `[^`]*` to allow|, from `[^`]*`", "");
  }

  private static String place(JacksonException malformed) {
    var location = malformed.getLocation();
    return location == null ? "" : " (line %d, column %d)".formatted(location.getLineNr(), location.getColumnNr());
  }

  private static void requireJson(@Nullable String contentType) {
    try {
      if (contentType != null && MediaType.APPLICATION_JSON.isCompatibleWith(MediaType.parseMediaType(contentType))) {
        return;
      }
    } catch (InvalidMediaTypeException unreadable) {
      // Refused below like any other type.
    }
    throw new ApiException(new ApiError(415,
        "%s; send JSON with 'Content-Type: application/json'."
            .formatted(contentType == null ? "There is no Content-Type" : "The Content-Type is " + contentType),
        ApiError.INVALID_REQUEST, null, "unsupported_media_type", Map.of()));
  }
}
