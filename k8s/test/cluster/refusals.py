"""Releases that cannot work: each must say why where an operator looks, and stop nothing that works."""

import json

from cluster.answers import Load
from cluster.kube import NAMESPACE, helm, kubectl, pods, run, say, wait, wait_until_whole

# A volume without a model.
VOLUME = """
{"apiVersion": "v1", "kind": "List", "items": [
  {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "expertmesh-test-empty"},
   "spec": {"capacity": {"storage": "1Mi"}, "accessModes": ["ReadOnlyMany"], "storageClassName": "",
            "claimRef": {"namespace": "%s", "name": "empty"},
            "hostPath": {"path": "/var/tmp/expertmesh-test-empty", "type": "DirectoryOrCreate"}}},
  {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "empty", "namespace": "%s"},
   "spec": {"accessModes": ["ReadOnlyMany"], "storageClassName": "", "volumeName": "expertmesh-test-empty",
            "resources": {"requests": {"storage": "1Mi"}}}}]}
""" % (NAMESPACE, NAMESPACE)


def messages(component):
    """What containers of the component's pods said when they ended."""
    said = []
    for pod in pods(**{"app.kubernetes.io/component": component}):
        for status in pod["status"].get("containerStatuses", []):
            for state in (status["state"], status["lastState"]):
                said.append(state.get("terminated", {}).get("message", ""))
    return said


def warnings():
    return [event["message"] for event in
            json.loads(kubectl("get", "events", "--field-selector", "type=Warning", "-o", "json"))["items"]]


def unready_logs():
    """Of expert pods that run and are not ready."""
    logs = []
    for pod in pods(**{"app.kubernetes.io/component": "expert"}):
        ready = [c["status"] for c in pod["status"].get("conditions", []) if c["type"] == "Ready"]
        if pod["status"]["phase"] == "Running" and ready == ["False"] and "deletionTimestamp" not in pod["metadata"]:
            logs.append(kubectl("logs", pod["metadata"]["name"], check=False))
    return logs


def containing(text, where):
    return lambda: any(text in said for said in where())


def bad_upgrades(url, expected, values, clients):
    """Upgrades with a mistake, each taken back, while requests run."""
    run("kubectl", "apply", "-f", "-", stdin=VOLUME)
    quantized = [{"name": "0", "ids": "0-3"}, {"name": "1", "ids": "4-7"}, {"name": "2", "ids": "8-11"},
                 {"name": "3", "ids": "12-15", "extraArgs": ["--quantize=q8_0"]}]
    cases = [
        ("a model that is not there", ["--set", "model.source=pvc,model.pvc.claimName=empty,model.path=no-such-model"],
         "the container's termination message", containing("no-such-model", lambda: messages("expert"))),
        ("a group with other weights", ["--set-json", f"experts.groups={json.dumps(quantized)}"],
         "the log of a pod that is not ready", containing("No gateway uses this process", unready_logs)),
        ("a Secret that is not there", ["--set", "apiKeys.secretName=no-such-secret"],
         "an event", containing('secret "no-such-secret" not found', warnings)),
        ("an image that is not there", ["--set", "image.tag=no-such-tag"],
         "an event", containing("no-such-tag", warnings)),
    ]
    report = {}
    with Load(url, expected, clients) as load:
        for what, mistake, where, shown in cases:
            helm("upgrade", [*values, *mistake])
            wait(f"{where} about {what}", shown, 180, 1)
            report[what] = where
            say(f"{what}: {where} says so")
            helm("upgrade", values)
            wait_until_whole()
    run("kubectl", "delete", "pvc", "empty", "--namespace", NAMESPACE, "--wait=false", check=False)
    run("kubectl", "delete", "pv", "expertmesh-test-empty", "--wait=false", check=False)
    return {"says": report, **load.report()}
