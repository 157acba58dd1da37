package io.expertmesh.gateway.http;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletRequestWrapper;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Map;
import org.springframework.util.unit.DataSize;
import org.springframework.web.filter.OncePerRequestFilter;

/** Refuses request bodies over a limit: at once if the length is declared, otherwise as soon as they pass it. */
public final class BodyLimitFilter extends OncePerRequestFilter {
  private final long limit;

  public BodyLimitFilter(DataSize limit) {
    this.limit = limit.toBytes();
  }

  @Override
  protected void doFilterInternal(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
      throws ServletException, IOException {
    if (request.getContentLengthLong() > limit) {
      throw tooLarge();
    }
    chain.doFilter(new HttpServletRequestWrapper(request) {
      @Override
      public ServletInputStream getInputStream() throws IOException {
        return new LimitedStream(super.getInputStream());
      }
    }, response);
  }

  private ApiException tooLarge() {
    return new ApiException(new ApiError(413, "The request body is over the limit of %d bytes.".formatted(limit),
        ApiError.INVALID_REQUEST, null, "request_too_large", Map.of()));
  }

  private final class LimitedStream extends ServletInputStream {
    private final ServletInputStream body;
    private long taken;

    LimitedStream(ServletInputStream body) {
      this.body = body;
    }

    @Override
    public int read() throws IOException {
      int value = body.read();
      count(value < 0 ? 0 : 1);
      return value;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
      int count = body.read(into, offset, length);
      count(count);
      return count;
    }

    private void count(int bytes) {
      taken += Math.max(bytes, 0);
      if (taken > limit) {
        throw tooLarge();
      }
    }

    @Override
    public boolean isFinished() {
      return body.isFinished();
    }

    @Override
    public boolean isReady() {
      return body.isReady();
    }

    @Override
    public void setReadListener(ReadListener listener) {
      body.setReadListener(listener);
    }
  }
}
