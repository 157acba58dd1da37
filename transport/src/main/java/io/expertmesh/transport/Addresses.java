package io.expertmesh.transport;

import java.net.InetAddress;
import java.net.UnknownHostException;

/** Hosts and ports as text. */
public final class Addresses {
  private Addresses() {}

  /** host:port, with IPv6 addresses in brackets. */
  public static String of(String host, int port) {
    return (host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host) + ":" + port;
  }

  /** host:port where callers on this machine reach a server that listens on {@code host}. */
  public static String onThisMachine(String host, int port) {
    return of(host.equals("0.0.0.0") ? "127.0.0.1" : host.equals("::") ? "::1" : host, port);
  }

  /** The host of host:port, without brackets. */
  public static String host(String address) {
    int colon = address.lastIndexOf(':');
    String host = colon < 0 ? address : address.substring(0, colon);
    return host.startsWith("[") && host.endsWith("]") ? host.substring(1, host.length() - 1) : host;
  }

  /** Whether a server that listens on {@code host} does so on all addresses of this machine. */
  public static boolean isEverywhere(String host) {
    try {
      return InetAddress.getByName(host).isAnyLocalAddress();
    } catch (UnknownHostException unknown) {
      return false;
    }
  }

  /** Whether {@code host} is known and leads to this machine alone. */
  public static boolean isLoopback(String host) {
    try {
      return InetAddress.getByName(host).isLoopbackAddress();
    } catch (UnknownHostException unknown) {
      return false;
    }
  }
}
