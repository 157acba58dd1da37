package io.expertmesh.model.hub;

import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import tools.jackson.databind.JsonNode;

/**
 * A file of a model repository.
 *
 * @param name in the repository's root
 * @param size in bytes
 * @param checksum SHA-256 of the content for large (LFS) files, otherwise git's SHA-1 of the blob; the blob's name in
 *     the cache
 */
record HubFile(String name, long size, String checksum) {

  /** From one entry of the list of files in the hub's answer. */
  static HubFile of(JsonNode sibling) {
    String name = sibling.path("rfilename").asString("");
    JsonNode large = sibling.path("lfs");
    long size = large.path("size").asLong(sibling.path("size").asLong(-1));
    String checksum = large.path("sha256").asString(sibling.path("blobId").asString(""));
    if (size < 0 || !checksum.matches("[0-9a-f]{40}|[0-9a-f]{64}")) {
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "The hub names no size or no checksum of %s: %s".formatted(name, sibling));
    }
    return new HubFile(name, size, checksum);
  }

  /** A digest that has taken what precedes the content. */
  MessageDigest digest() {
    try {
      if (checksum.length() == 64) {
        return MessageDigest.getInstance("SHA-256");
      }
      MessageDigest git = MessageDigest.getInstance("SHA-1");
      git.update("blob %d\0".formatted(size).getBytes(StandardCharsets.US_ASCII));
      return git;
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  boolean matches(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest()).equals(checksum);
  }
}
