package io.expertmesh.gateway.page;

import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.InputStream;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** The page that chats; it loads nothing from anywhere else. */
@RestController
final class PageController {
  private static final String ONLY_FROM_HERE = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
      + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  @GetMapping("/")
  void page(HttpServletResponse response) throws IOException {
    send(response, "index.html", "text/html");
  }

  @GetMapping("/page.js")
  void script(HttpServletResponse response) throws IOException {
    send(response, "page.js", "text/javascript");
  }

  @GetMapping("/page.css")
  void style(HttpServletResponse response) throws IOException {
    send(response, "page.css", "text/css");
  }

  private static void send(HttpServletResponse response, String name, String type) throws IOException {
    response.setContentType(type + ";charset=UTF-8");
    response.setHeader("Content-Security-Policy", ONLY_FROM_HERE);
    response.setHeader("X-Content-Type-Options", "nosniff");
    response.setHeader("Cache-Control", "no-cache");
    try (InputStream file = Resources.open("/io/expertmesh/gateway/page/" + name)) {
      file.transferTo(response.getOutputStream());
    }
  }
}
