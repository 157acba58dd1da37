"""A second version of the model beside the first: shares, roll back, promotion, with requests running."""

import json
import shutil
import struct

from cluster.answers import Client, Load, embedded_answers, essence
from cluster.kube import NAMESPACE, ROOT, deployments, helm, kubectl, pods, run, say, wait, wait_until_whole

# In group 0 of four.
CHANGED_EXPERT = 3
VOLUME = {
    "apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "expertmesh-test-models"},
         "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadOnlyMany"], "storageClassName": "",
                  "claimRef": {"namespace": NAMESPACE, "name": "models"}, "hostPath": {"type": "Directory"}}},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "models", "namespace": NAMESPACE},
         "spec": {"accessModes": ["ReadOnlyMany"], "storageClassName": "", "volumeName": "expertmesh-test-models",
                  "resources": {"requests": {"storage": "1Gi"}}}}]}


def tuned_model(folder):
    """The demo model in FOLDER/v2, with the signs of one expert's last matrices turned in every layer."""
    copy = folder / "v2"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(ROOT / "models" / "demo", copy)
    file = copy / "model.safetensors"
    content = bytearray(file.read_bytes())
    length = struct.unpack_from("<Q", content)[0]
    for name, tensor in json.loads(content[8:8 + length]).items():
        if name.endswith(f".experts.{CHANGED_EXPERT}.down_proj.weight"):
            first, end = (8 + length + offset for offset in tensor["data_offsets"])
            size = {"F32": 4, "F16": 2, "BF16": 2}[tensor["dtype"]]
            for sign in range(first + size - 1, end, size):
                content[sign] ^= 0x80
    file.write_bytes(content)
    folder.chmod(0o755)
    copy.chmod(0o755)
    return copy


def versions_of(url, question, count=100):
    """How many of so many requests each version answered."""
    client, seen = Client(url), {}
    for _ in range(count):
        name = client.ask({**question, "max_tokens": 1})["system_fingerprint"]
        seen[name] = seen.get(name, 0) + 1
    client.close()
    return seen


def pods_of_gateways():
    return {pod["metadata"]["name"] for pod in pods(**{"app.kubernetes.io/component": "gateway"})}


def share(values, percent):
    """By one value. The kubelet brings the ConfigMap along at once when the router's pods change."""
    helm("upgrade", [*values, "--set", f"canary.percent={percent}"])
    kubectl("annotate", "pod", "-l", "app.kubernetes.io/component=router", "--overwrite", f"expertmesh.io/traffic=to-{percent}")


def version_beside(url, main, values, clients, folder):
    """The steps of docs/operations/upgrade.md, each while clients ask. The nodes see FOLDER under the same name."""
    asked = [question for question, _ in main]
    model = tuned_model(folder)
    VOLUME["items"][0]["spec"]["hostPath"]["path"] = str(folder)
    run("kubectl", "apply", "-f", "-", stdin=json.dumps(VOLUME))
    # By itself it has another name.
    nameless = [{key: value for key, value in question.items() if key != "model"} for question in asked]
    tuned = [(q, right) for q, (_, right) in zip(asked, embedded_answers(nameless, model))]
    question = asked[0]
    report = {"differ": sum(a[1] != b[1] for a, b in zip(main, tuned))}
    canary = [*values, "--set", "model.name=demo,canary.enabled=true,canary.source=pvc,canary.pvc.claimName=models,canary.path=v2",
              "--set", "canary.groups={0}"]
    by_name = [({**q, "expertmesh": {"version": "canary"}}, right) for q, right in tuned]

    with Load(url, main, clients) as load:
        share(canary, 0)
        wait_until_whole()
    report["beside"] = load.report()
    names = {d["metadata"]["name"] for d in deployments()}
    assert "expertmesh-canary-0" in names and "expertmesh-canary-1" not in names, names
    gateways = pods_of_gateways()
    client = Client(url)
    report["named"] = sum(essence(client.ask(q)) == right for q, right in by_name)
    first = client.ask({**question, "max_tokens": 1})["system_fingerprint"]
    second = client.ask({**by_name[0][0], "max_tokens": 1})["system_fingerprint"]

    share(canary, 50)
    wait("half of the requests", lambda: 25 <= versions_of(url, question).get(second, 0) <= 75, 150, 1)
    share(canary, 0)
    wait("the roll back", lambda: versions_of(url, question) == {first: 100}, 150, 1)
    report["gateways_restarted_by_shares"] = len(pods_of_gateways() - gateways)
    share(canary, 100)
    wait("all requests", lambda: versions_of(url, question) == {second: 100}, 150, 1)

    with Load(url, tuned, clients) as load:
        promoted = [*canary, "--set", "canary.percent=100,model.source=pvc,model.pvc.claimName=models,model.path=v2"]
        helm("upgrade", promoted)
        wait_until_whole()
        say("promoted")
        helm("upgrade", [*promoted, "--set", "canary.enabled=false"])
        wait("the canary's pods to go", lambda: all("canary" not in d["metadata"]["name"] for d in deployments()), 120)
        wait_until_whole()
    report["promoted"] = load.report()
    report["failed"] = report["beside"]["failed"] + report["promoted"]["failed"]
    report["wrong"] = report["beside"]["wrong"] + report["promoted"]["wrong"]
    report["ok"] = report["named"] == len(by_name) and report["gateways_restarted_by_shares"] == 0

    helm("upgrade", values)
    wait_until_whole()
    run("kubectl", "delete", "pvc", "models", "--namespace", NAMESPACE, "--wait=false", check=False)
    run("kubectl", "delete", "pv", "expertmesh-test-models", "--wait=false", check=False)
    return report
