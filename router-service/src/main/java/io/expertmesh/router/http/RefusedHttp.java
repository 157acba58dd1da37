package io.expertmesh.router.http;

import io.expertmesh.web.ProtocolErrorValve;

/** Answers what Tomcat refuses by itself like all other errors. */
public final class RefusedHttp extends ProtocolErrorValve {
  @Override
  protected byte[] body(int status) {
    return new HttpError(status, CODE, MESSAGE).body();
  }
}
