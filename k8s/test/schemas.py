#!/usr/bin/env python3
"""Makes the schemas by which kubeconform checks manifests without a network.

    k8s/test/schemas.py OUT SWAGGER.json CRD.yaml...

SWAGGER.json is api/openapi-spec/swagger.json of the Kubernetes release; the CRDs are those of KEDA, of the Prometheus
operator, of cert-manager and of the Gateway API, as their releases have them. Unknown fields are errors, as kubeconform
-strict and the API server's strict validation have it. Then:

    KUBECONFORM_SCHEMAS=OUT .ci/chart

Needs PyYAML.
"""

import json
import pathlib
import sys

import yaml

# The CRDs of the Prometheus operator have the text "=" without quotes.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)

QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"
INT_OR_STRING = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"


class Swagger:
    """Kinds of Kubernetes itself, each with everything that it refers to written out."""

    def __init__(self, path):
        self.definitions = json.loads(pathlib.Path(path).read_text())["definitions"]

    def kinds(self):
        """(group, version, kind, schema) of each."""
        for name, definition in self.definitions.items():
            for gvk in definition.get("x-kubernetes-group-version-kind", []):
                if "metadata" in definition.get("properties", {}):
                    yield gvk["group"], gvk["version"], gvk["kind"], self.written_out(definition, (name,))

    def written_out(self, schema, within):
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/definitions/")
            if name in within:
                return {"type": "object"}
            if name in (QUANTITY, INT_OR_STRING):
                return {"type": ["string", "integer", "number"]}
            return self.written_out(self.definitions[name], (*within, name))
        result = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "description"}
        for key in ("items", "additionalProperties"):
            if isinstance(result.get(key), dict):
                result[key] = self.written_out(result[key], within)
        if "properties" in result:
            result["properties"] = {name: self.written_out(value, within) for name, value in schema["properties"].items()}
        return strict(result)


def strict(schema):
    """Nothing but what is named; fields may be null, as the API server has it."""
    if "properties" in schema and "additionalProperties" not in schema:
        schema["additionalProperties"] = False
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if schema.get("format") in ("int-or-string", "byte", "date-time", "int32", "int64", "double"):
        del schema["format"]
    return schema


def of_crd(schema):
    """A CRD's schema as JSON schema."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["string", "integer"]}
    result = {key: value for key, value in schema.items() if not key.startswith("x-") and key != "description"}
    for key in ("items", "additionalProperties", "not"):
        if isinstance(result.get(key), dict):
            result[key] = of_crd(result[key])
    for key in ("allOf", "anyOf", "oneOf"):
        if key in result:
            result[key] = [{k: v for k, v in part.items() if not k.startswith("x-")} for part in result[key]]
    if "properties" in result:
        result["properties"] = {name: of_crd(value) for name, value in result["properties"].items()}
    if schema.get("x-kubernetes-preserve-unknown-fields"):
        result["additionalProperties"] = True
    return strict(result)


def crd_kinds(path):
    for document in yaml.safe_load_all(pathlib.Path(path).read_text()):
        if document and document.get("kind") == "CustomResourceDefinition":
            spec = document["spec"]
            for version in spec["versions"]:
                schema = of_crd(version["schema"]["openAPIV3Schema"])
                schema["properties"]["apiVersion"] = {"type": "string"}
                schema["properties"]["kind"] = {"type": "string"}
                schema["properties"]["metadata"] = {"type": "object"}
                yield spec["group"], version["name"], spec["names"]["kind"], schema


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    for kinds in [Swagger(sys.argv[2]).kinds(), *map(crd_kinds, sys.argv[3:])]:
        for group, version, kind, schema in kinds:
            # Named as kubeconform asks: the group's first word, so that HTTPRoute is httproute-gateway-v1.json.
            parts = [kind, *([group.split(".")[0]] if group else []), version]
            (out / ("-".join(parts).lower() + ".json")).write_text(json.dumps(schema))
            count += 1
    print(f"{count} schemas in {out}")


if __name__ == "__main__":
    main()
