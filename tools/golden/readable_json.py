"""JSON for files that people diff: indented, but a list of plain values stays on one line."""

import json
import unicodedata


def to_json(value):
    return _render(value, "") + "\n"


def _render(value, indent):
    inner = indent + "  "
    if isinstance(value, dict) and value:
        rows = [f"{inner}{json.dumps(key)}: {_render(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        rows = [inner + _render(item, inner) for item in value]
        return "[\n" + ",\n".join(rows) + f"\n{indent}]"
    if isinstance(value, list):
        return "[" + ", ".join(_render(item, inner) for item in value) + "]"
    if isinstance(value, float):
        return format(value, ".9g")  # enough to give a float32 back exactly
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=not _survives_an_editor(value))
    return json.dumps(value)


def _survives_an_editor(text):
    """Whether the text shows all its characters and is in the normal form that an editor may bring it to."""
    return text.replace("\n", "").isprintable() and unicodedata.is_normalized("NFC", text)
