package io.expertmesh.transport;

import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** The DNS names that a certificate is for. */
final class CertificateNames {
  /** The number of DNS names among subject alternative names (RFC 5280, 4.2.1.6). */
  private static final int DNS = 2;

  private CertificateNames() {}

  /** In lower case; empty if there are none or they cannot be read. */
  static List<String> of(X509Certificate certificate) {
    List<String> names = new ArrayList<>();
    try {
      var alternatives = certificate.getSubjectAlternativeNames();
      if (alternatives != null) {
        for (List<?> alternative : alternatives) {
          if (alternative.get(0).equals(DNS)) {
            names.add(alternative.get(1).toString().toLowerCase(Locale.ROOT));
          }
        }
      }
    } catch (CertificateParsingException unreadable) {
      return List.of();
    }
    return names;
  }

  static String inWords(List<String> names) {
    return names.isEmpty() ? "no DNS name" : String.join(", ", names);
  }
}
