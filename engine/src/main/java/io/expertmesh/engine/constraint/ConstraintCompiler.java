package io.expertmesh.engine.constraint;

import io.expertmesh.model.failure.FailureException;
import io.expertmesh.model.tokenizer.Tokenizer;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * Makes the constraints behind {@code response_format} for one tokenizer. An answer that a constraint lets end is valid
 * JSON of the asked form; until then there is always a token to go on with. Thread-safe; keep one for each tokenizer.
 *
 * <p>Answers are written as a model would write them: compact or with single spaces, or in lines with an indent; known
 * properties in the order of the schema, optional ones left out or not, others behind them. Only characters whose UTF-8
 * bytes the vocabulary has as single tokens can be used, which is all of them for byte-level vocabularies.
 *
 * <p>A schema's keyword that is not supported is refused, as is a schema that allows no value. {@code format} is enforced
 * for date, time, date-time, duration, email, hostname, ipv4, ipv6 and uuid; other formats are annotations. A string with
 * a pattern or a format has no more escapes than JSON asks for. Integers have up to 18 digits unless a bound says
 * otherwise, and length limits above 10000 characters or 4096 items count as these.
 */
public final class ConstraintCompiler {
  /** Levels of objects and arrays in an answer. */
  static final int MAX_DEPTH = 64;

  private static final int MAX_SCHEMA_NODES = 50_000;
  private static final int MAX_SCHEMA_DEPTH = 200;
  private static final int MAX_CACHED_GRAMMARS = 64;
  private static final long MAX_CACHED_CELLS = 16_000_000;

  private final StateMasks masks;
  private final ByteSet alphabet;
  private final StandardRules standard;
  private final Steps steps = new Steps(MAX_DEPTH);
  private final Map<Key, Grammar> grammars = new LinkedHashMap<>(16, 0.75f, true);
  private long cachedCells;

  /** The schema as text, since the order of properties matters. */
  private record Key(String schema, boolean strict) {}

  private record Grammar(Rule root, long cells) {}

  /** @throws FailureException if the vocabulary cannot write JSON */
  public ConstraintCompiler(Tokenizer tokenizer) {
    this(TokenTrie.of(tokenizer));
  }

  ConstraintCompiler(TokenTrie trie) {
    masks = new StateMasks(trie);
    alphabet = trie.singleBytes();
    standard = new StandardRules(alphabet);
  }

  /** Any JSON object. */
  public TokenConstraint jsonObject() {
    return constraint(standard.object(), "This model's vocabulary has no tokens to write a JSON object with");
  }

  /**
   * Any value that {@code schema} (JSON Schema 2020-12, and the older writings that mean the same) allows.
   *
   * @param strict objects that list their properties and do not mention additional ones have none, as OpenAI's strict mode
   *     demands; properties that are not required stay optional
   * @throws FailureException if the schema is wrong, allows no value, or has something that is not supported
   */
  public TokenConstraint jsonSchema(JsonNode schema, boolean strict) {
    return constraint(grammar(schema, strict).root,
        "The schema allows no value: some of its conditions contradict each other, it nests deeper than " + MAX_DEPTH
            + " levels, or it needs characters that the model's vocabulary lacks");
  }

  /** A rule that others may call: any value that {@code schema} allows. */
  Rule rule(JsonNode schema, boolean strict) {
    return grammar(schema, strict).root;
  }

  TokenConstraint constraint(Rule root, String problem) {
    if (root.weight() + root.height(0) > MAX_DEPTH) {
      throw FailureException.invalidParameter("response_format", problem + ".");
    }
    return new JsonConstraint(masks, root, steps);
  }

  private Grammar grammar(JsonNode schema, boolean strict) {
    checkSize(schema);
    Key key = new Key(schema.toString(), strict);
    synchronized (grammars) {
      Grammar known = grammars.get(key);
      if (known != null) {
        return known;
      }
    }
    SchemaCompiler compiler = new SchemaCompiler(standard, alphabet, schema, strict);
    Grammar grammar = new Grammar(compiler.compile(new SchemaPart(schema, "#")), compiler.cells());
    synchronized (grammars) {
      if (grammars.putIfAbsent(key, grammar) == null) {
        cachedCells += grammar.cells;
      }
      Iterator<Grammar> eldest = grammars.values().iterator();
      while (cachedCells > MAX_CACHED_CELLS || grammars.size() > MAX_CACHED_GRAMMARS) {
        cachedCells -= eldest.next().cells;
        eldest.remove();
      }
    }
    return grammar;
  }

  private static void checkSize(JsonNode schema) {
    if (nodes(schema, 0) > MAX_SCHEMA_NODES) {
      throw FailureException.invalidParameter("response_format",
          "The schema has more than " + MAX_SCHEMA_NODES + " values. Use a smaller one.");
    }
  }

  private static int nodes(JsonNode node, int depth) {
    if (depth > MAX_SCHEMA_DEPTH) {
      throw FailureException.invalidParameter("response_format",
          "The schema nests deeper than " + MAX_SCHEMA_DEPTH + " levels. Use $defs and $ref.");
    }
    int count = 1;
    for (JsonNode child : node.values()) {
      count += nodes(child, depth + 1);
    }
    return count;
  }
}
