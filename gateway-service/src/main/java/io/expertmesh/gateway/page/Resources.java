package io.expertmesh.gateway.page;

import java.io.InputStream;

/** Files that come with the server. */
final class Resources {
  private Resources() {}

  static InputStream open(String path) {
    InputStream file = Resources.class.getResourceAsStream(path);
    if (file == null) {
      throw new IllegalStateException("the server was built without its file " + path);
    }
    return file;
  }
}
