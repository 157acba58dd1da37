package io.expertmesh.engine.constraint;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/** Keeps an answer inside a grammar. */
final class JsonConstraint implements TokenConstraint {
  private final StateMasks masks;
  private final Steps steps;
  private Position[] positions;
  private @Nullable BitSet allowed;

  JsonConstraint(StateMasks masks, Rule root, Steps steps) {
    this.masks = masks;
    this.steps = steps;
    this.positions = Steps.start(root);
  }

  @Override
  public BitSet allowed() {
    BitSet known = allowed;
    if (known == null) {
      known = findAllowed();
      allowed = known;
    }
    return known;
  }

  private BitSet findAllowed() {
    BitSet out = new BitSet(masks.trie().vocabulary());
    MaskWalk walk = new MaskWalk(masks.trie(), steps, out);
    IntList ends = new IntList();
    for (Position position : positions) {
      StateMask mask = masks.of(position.rule(), position.state());
      if (position.frame().depth() + mask.reach() > steps.maxDepth()) {
        // Near the nesting limit a state allows less than it does elsewhere.
        walk.below(0, new Position[]{position}, ends);
        continue;
      }
      mask.addTo(out);
      if (!position.frame().isOutermost()) {
        for (int node : mask.exits()) {
          walk.below(node, position.frame().returns(), ends);
        }
      }
    }
    return out;
  }

  @Override
  public boolean mayEnd() {
    return Steps.mayEnd(positions);
  }

  @Override
  public void accept(int tokenId) {
    Position[] next = positions;
    byte[] bytes = tokenId < 0 || tokenId >= masks.trie().vocabulary() ? new byte[0] : masks.trie().token(tokenId);
    for (byte b : bytes) {
      next = steps.step(next, b & 0xFF);
    }
    if (bytes.length == 0 || next.length == 0) {
      throw new IllegalArgumentException("Token " + tokenId + " is not allowed here; choose one of allowed().");
    }
    positions = next;
    allowed = null;
  }
}
