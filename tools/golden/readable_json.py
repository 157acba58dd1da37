"""JSON for files that people diff: indented, but a list of plain values stays on one line."""

import json


def to_json(value, indent=""):
    return _render(value, indent) + "\n"


def _render(value, indent):
    inner = indent + "  "
    if isinstance(value, dict) and value:
        rows = [f"{inner}{json.dumps(key)}: {_render(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        rows = [inner + _render(item, inner) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    if isinstance(value, float):
        return format(value, ".9g")  # enough to give a float32 back exactly
    if isinstance(value, list):
        return "[" + ", ".join(_render(item, inner) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)
