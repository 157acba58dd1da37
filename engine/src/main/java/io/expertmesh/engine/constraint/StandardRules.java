package io.expertmesh.engine.constraint;

import io.expertmesh.engine.constraint.Rule.Rank;
import java.util.List;

/** The rules of plain JSON, which all schemas share, and their masks with them. */
final class StandardRules {
  private final Rule whitespace = new Rule("whitespace", Rank.TERMINAL, 0);
  private final Rule rareCharacter = new Rule("rare character", Rank.TERMINAL, 0);
  private final Rule string = new Rule("string", Rank.TERMINAL, 0);
  private final Rule integer = new Rule("integer", Rank.TERMINAL, 0);
  private final Rule number = new Rule("number", Rank.TERMINAL, 0);
  private final Rule bool = new Rule("boolean", Rank.TERMINAL, 0);
  private final Rule nothing = new Rule("null", Rank.TERMINAL, 0);
  private final Rule object = new Rule("object", Rank.TERMINAL, 1);
  private final Rule array = new Rule("array", Rank.TERMINAL, 1);
  private final Rule value = new Rule("value", Rank.TYPE, 0);

  /** @param alphabet the bytes that may be used */
  StandardRules(ByteSet alphabet) {
    whitespace.define(Nfa.compile(JsonText.whitespace(), alphabet));
    rareCharacter.define(Nfa.compile(JsonText.rareCharacter(), alphabet));
    Expr character = Expr.choice(JsonText.plainAscii(), JsonText.rareCharacter());
    string.define(Nfa.compile(Expr.sequence(Expr.text("\""), Expr.any(character), Expr.text("\"")), alphabet));
    integer.define(Nfa.compile(NumberText.integers(null, null), alphabet));
    number.define(Nfa.compile(NumberText.anyNumber(), alphabet));
    bool.define(Nfa.compile(Expr.choice(Expr.text("true"), Expr.text("false")), alphabet));
    nothing.define(Nfa.compile(Expr.text("null"), alphabet));
    Containers containers = new Containers(whitespace, alphabet);
    object.define(containers.object(List.of(), List.of(new Containers.OpenKey(new Expr.Call(string), value)), 0,
        Integer.MAX_VALUE));
    array.define(containers.array(List.of(), value, 0, Integer.MAX_VALUE));
    Nfa any = new Nfa();
    int start = any.state();
    int end = any.state();
    for (Rule rule : List.of(object, array, string, number, bool, nothing)) {
      any.call(start, rule, end);
    }
    value.define(new SubsetConstruction(any, alphabet).run(start, end));
    Linker.link(List.of(whitespace, rareCharacter, string, integer, number, bool, nothing, object, array, value));
  }

  Rule whitespace() {
    return whitespace;
  }

  /** One character of a string that is not plain ASCII, in any writing. */
  Rule rareCharacter() {
    return rareCharacter;
  }

  Rule object() {
    return object;
  }

  /** Any value at all. */
  Rule value() {
    return value;
  }

  /** Any value of one type. */
  Rule of(JsonType type) {
    return switch (type) {
      case NULL -> nothing;
      case BOOLEAN -> bool;
      case OBJECT -> object;
      case ARRAY -> array;
      case STRING -> string;
      case INTEGER -> integer;
      case FRACTION -> number;
    };
  }
}
