package io.expertmesh.model.jinja;

/** @param text the name, the string's value, the number as written, the operator, or the data between tags */
record Token(Type type, String text, int line) {
  enum Type {
    DATA, VARIABLE_BEGIN, VARIABLE_END, BLOCK_BEGIN, BLOCK_END, NAME, STRING, INTEGER, FLOAT, OPERATOR, END
  }

  boolean is(Type expected) {
    return type == expected;
  }

  boolean isOperator(String operator) {
    return type == Type.OPERATOR && text.equals(operator);
  }

  boolean isName(String name) {
    return type == Type.NAME && text.equals(name);
  }
}
