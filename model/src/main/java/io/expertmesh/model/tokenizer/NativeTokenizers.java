package io.expertmesh.model.tokenizer;

import ai.djl.engine.EngineException;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import ai.djl.huggingface.tokenizers.jni.LibUtils;
import io.expertmesh.model.failure.FailureCategory;
import io.expertmesh.model.failure.FailureException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Map;

/**
 * Opens Hugging Face's tokenizer library, which DJL carries in its jar and unpacks into {@code DJL_CACHE_DIR} (by
 * default {@code ~/.djl.ai}, or the temporary folder where the home is read-only) at first use. Processes that do so at
 * the same time do not disturb each other: each unpacks into a folder of its own and renames it.
 */
final class NativeTokenizers {
  /** No limit on a text's length, nothing cut off, nothing filled up. */
  private static final Map<String, String> WHOLE_TEXTS = Map.of("truncation", "false", "padding", "false",
      "modelMaxLength", Integer.toString(Integer.MAX_VALUE));

  static {
    // Without these DJL asks the cloud's metadata service who it is, reports its start, and on a machine with a GPU
    // downloads another build of the library.
    setDefault("ai.djl.offline");
    setDefault("OPT_OUT_TRACKING");
  }

  private NativeTokenizers() {}

  private static void setDefault(String property) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, "true");
    }
  }

  /**
   * @param source the file, for messages
   * @throws FailureException INVALID_CHECKPOINT if the library refuses {@code json}; UNAVAILABLE if the library does
   *     not load on this machine
   */
  static HuggingFaceTokenizer open(byte[] json, String source) {
    load();
    try {
      return HuggingFaceTokenizer.newInstance(new ByteArrayInputStream(json), WHOLE_TEXTS);
    } catch (IOException e) {
      throw new UncheckedIOException("reading from memory", e);
    } catch (RuntimeException e) {
      // What the native side throws for any definition that it does not accept.
      throw new FailureException(FailureCategory.INVALID_CHECKPOINT,
          "%s is not a tokenizer that can be read: %s".formatted(source, e.getMessage()), e);
    }
  }

  private static void load() {
    try {
      LibUtils.checkStatus();
    } catch (EngineException | LinkageError e) {
      throw new FailureException(FailureCategory.UNAVAILABLE,
          "the tokenizer library does not load on this machine (%s). It is unpacked into DJL_CACHE_DIR, by default "
              .formatted(rootMessage(e)) + "~/.djl.ai: check that this folder can be written and may hold executables",
          e);
    }
  }

  private static String rootMessage(Throwable failure) {
    Throwable root = failure;
    for (Throwable cause = failure.getCause(); cause != null; cause = cause.getCause()) {
      root = cause;
    }
    return root.toString();
  }
}
