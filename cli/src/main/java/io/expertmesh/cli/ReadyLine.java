package io.expertmesh.cli;

import java.io.PrintWriter;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The line of JSON on standard output by which a service says that it is ready, and where. */
final class ReadyLine {
  private final ObjectNode line = JsonMapper.shared().createObjectNode().put("pid", ProcessHandle.current().pid());

  /** An address, such as {@code "grpc": "127.0.0.1:9090"}. */
  ReadyLine address(String name, String address) {
    line.put(name, address);
    return this;
  }

  void print(CommandSpec spec) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
