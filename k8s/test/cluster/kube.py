"""The cluster of KUBECONFIG through kubectl and helm, and the release on it."""

import json
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CHART = str(ROOT / "k8s" / "chart")
NAMESPACE = "expertmesh-test"
RELEASE = "expertmesh"


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(*command, check=True, timeout=900, stdin=None):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, input=stdin)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def kubectl(*arguments, **options):
    return run("kubectl", "--namespace", NAMESPACE, *arguments, **options)


def helm(command, values, release=RELEASE):
    """`helm install` or `upgrade` with values as the command line has them."""
    return run("helm", command, release, CHART, "--namespace", NAMESPACE, *values)


def wait(what, condition, seconds, pause=0.2):
    end = time.monotonic() + seconds
    trouble = None
    while time.monotonic() < end:
        try:
            result = condition()
            if result:
                return result
        except Exception as failure:
            trouble = failure
        time.sleep(pause)
    raise SystemExit(f"{what} did not come up in {seconds} s ({trouble})\n{kubectl('get', 'pods', '-o', 'wide', check=False)}"
                     f"{kubectl('get', 'events', '--field-selector', 'type=Warning', check=False)}")


def deployments():
    return json.loads(kubectl("get", "deployments", "-o", "json"))["items"]


def whole(deployment):
    status, wanted = deployment["status"], deployment["spec"]["replicas"]
    return (status.get("observedGeneration") == deployment["metadata"]["generation"]
            and all(status.get(which, 0) == wanted for which in ("replicas", "updatedReplicas", "availableReplicas")))


def wait_until_whole(seconds=600):
    wait("all replicas", lambda: all(whole(d) for d in deployments()), seconds)


def pods(**labels):
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    return json.loads(kubectl("get", "pods", *(["-l", selector] if selector else []), "-o", "json"))["items"]


def replicas():
    """By group: wanted and ready."""
    prefix = f"{RELEASE}-expert-"
    return {d["metadata"]["name"].removeprefix(prefix): (d["spec"]["replicas"], d["status"].get("readyReplicas", 0))
            for d in deployments() if d["metadata"]["name"].startswith(prefix)}


def has_keda():
    return "scaledobjects.keda.sh" in run("kubectl", "get", "crds", "-o", "name")


def node_port():
    address = json.loads(run("kubectl", "get", "nodes", "-o", "json"))["items"][0]["status"]["addresses"]
    port = kubectl("get", "service", f"{RELEASE}-gateway", "-o", "jsonpath={.spec.ports[0].nodePort}")
    return f"http://{next(a['address'] for a in address if a['type'] == 'InternalIP')}:{port}"
