package io.expertmesh.cli;

import java.io.PrintWriter;
import java.util.List;
import picocli.CommandLine.Model.CommandSpec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The line of JSON on standard output by which a service says that it is ready, and where. */
final class ReadyLine {
  private final ObjectNode line = JsonMapper.shared().createObjectNode().put("pid", ProcessHandle.current().pid());

  /** An address, such as {@code "grpc": "127.0.0.1:9090"}. */
  ReadyLine address(String name, String address) {
    line.put(name, address);
    return this;
  }

  /** The labels of the model's versions, the main one's first. */
  ReadyLine versions(List<String> labels) {
    ArrayNode list = line.putArray("versions");
    labels.forEach(list::add);
    return this;
  }

  void print(CommandSpec spec) {
    PrintWriter out = spec.commandLine().getOut();
    out.println(line);
    out.flush();
  }
}
