package io.expertmesh.transport;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;

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

  /**
   * The addresses of all of {@code endpoints}, host:port each: a name that stands for several machines, such as that of a
   * headless Service, becomes as many. One that cannot be looked up stays as it is.
   */
  public static List<String> each(List<String> endpoints) {
    List<String> all = new ArrayList<>();
    for (String endpoint : endpoints) {
      try {
        InetAddress[] machines = InetAddress.getAllByName(host(endpoint));
        String port = endpoint.substring(endpoint.lastIndexOf(':') + 1);
        if (machines.length == 1) {
          all.add(endpoint);
        } else {
          for (InetAddress machine : machines) {
            all.add(of(machine.getHostAddress(), Integer.parseInt(port)));
          }
        }
      } catch (UnknownHostException | NumberFormatException unclear) {
        all.add(endpoint);
      }
    }
    return all;
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
