"""Who reaches whom: pods that open connections, with the chart's NetworkPolicies as they are and as strict as they can be."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

from cluster.answers import Load
from cluster.kube import NAMESPACE, RELEASE, has_keda, helm, kubectl, pods, replicas, run, say, wait, wait_until_whole

OUTSIDE = f"{NAMESPACE}-outside"
# Where the pods that try are, by name.
PROBES = {"stranger": NAMESPACE, "friend": NAMESPACE, "outsider": OUTSIDE, "monitor": OUTSIDE, "scaler": OUTSIDE}
MESH = ("gateway", "router", "expert")
PORTS = {"expert:grpc": 9200, "expert:status": 8082, "router:grpc": 9091, "router:status": 8081, "router:scaler": 9092,
         "gateway:http": 8080, "gateway:grpc": 9090}
LISTENER_PORT = 9091
PATIENCE = 3
# Prints those of its arguments, host/port, that accept a connection.
OPENS = f"""
for address in "$@"; do
  timeout {PATIENCE} bash -c "exec 3<>/dev/tcp/$address" 2> /dev/null && echo "$address" &
done
wait
"""


def pod(name, namespace, image, container):
    """As the restricted pod standard asks."""
    return {
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": {"probe": name}},
        "spec": {
            "automountServiceAccountToken": False, "enableServiceLinks": False, "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "volumes": [{"name": "tmp", "emptyDir": {}}],
            "containers": [{
                "name": name, "image": image, "imagePullPolicy": "IfNotPresent",
                "securityContext": {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                    "capabilities": {"drop": ["ALL"]}},
                "resources": {"limits": {"memory": "384Mi"}},
                "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}], **container}]}}


def start_probes():
    """Pods of the image of the router, which is there already; one of them is a router, to have something that listens."""
    image = kubectl("get", "deployment", f"{RELEASE}-router", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
    run("kubectl", "create", "namespace", OUTSIDE)
    run("kubectl", "label", "namespace", OUTSIDE, "pod-security.kubernetes.io/enforce=restricted")
    made = [pod(name, namespace, image, {"command": ["sleep", "infinity"]}) for name, namespace in PROBES.items()]
    made.append(pod("listener", OUTSIDE, image, {"args": ["router", "--host=0.0.0.0", f"--port={LISTENER_PORT}", "--plaintext"]}))
    run("kubectl", "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": made}))
    for one in made:
        run("kubectl", "wait", "--for=condition=Ready", "--timeout=180s", "--namespace", one["metadata"]["namespace"],
            f"pod/{one['metadata']['name']}")


def remove_probes():
    run("kubectl", "delete", "pod", "-n", NAMESPACE, "-l", "probe", "--wait=false", check=False)
    run("kubectl", "delete", "namespace", OUTSIDE, "--timeout=120s", check=False)


def address_of(name, namespace):
    return run("kubectl", "get", "pod", name, "-n", namespace, "-o", "jsonpath={.status.podIP}")


def opened(name, namespace, addresses):
    """Those of the addresses, host/port, that accept a connection of the pod."""
    return set(run("kubectl", "exec", name, "-n", namespace, "--", "bash", "-c", OPENS, "bash", *addresses, check=False).split())


def enforced():
    """Whether the cluster keeps a policy that closes a port which was open."""
    listener = f"{address_of('listener', OUTSIDE)}/{LISTENER_PORT}"
    closes = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "control", "namespace": OUTSIDE},
              "spec": {"podSelector": {"matchLabels": {"probe": "listener"}}, "policyTypes": ["Ingress"]}}

    def is_open():
        return listener in opened("outsider", OUTSIDE, [listener])
    wait("the pod that listens", is_open, 120, 1)
    run("kubectl", "apply", "-f", "-", stdin=json.dumps(closes))
    end = time.monotonic() + 30
    while is_open():
        if time.monotonic() > end:
            return False
        time.sleep(1)
    run("kubectl", "delete", "networkpolicy", "control", "-n", OUTSIDE)
    wait("the pod that listens, without the policy", is_open, 60, 1)
    return True


def serving(component):
    """Pods that are ready and stay."""
    return [p for p in pods(**{"app.kubernetes.io/component": component}) if "deletionTimestamp" not in p["metadata"]
            and any(c["type"] == "Ready" and c["status"] == "True" for c in p["status"].get("conditions", []))]


def targets(keda):
    """Addresses of everything that listens, by component and port, of every pod; and those of Services, in the same way."""
    found, services = {}, {}
    for target, port in PORTS.items():
        if target != "router:scaler" or keda:
            found[target] = [f"{p['status']['podIP']}/{port}" for p in serving(target.split(":")[0])]
    for service in json.loads(kubectl("get", "services", "-o", "json"))["items"]:
        component = service["metadata"]["labels"].get("app.kubernetes.io/component")
        for port in service["spec"]["ports"]:
            if service["spec"]["clusterIP"] != "None" and f"{component}:{port['name']}" in found:
                services.setdefault(f"{component}:{port['name']}", []).append(f"{service['spec']['clusterIP']}/{port['port']}")
    api = json.loads(run("kubectl", "get", "service", "kubernetes", "-n", "default", "-o", "json"))["spec"]
    found["the Kubernetes API"] = [f"{api['clusterIP']}/{api['ports'][0]['port']}"]
    found["elsewhere"] = [f"{address_of('listener', OUTSIDE)}/{LISTENER_PORT}"]
    return found, services


def differences(allowed, keda):
    """What is open that should not be, and the other way round; and how many connections were tried."""
    listening, services = targets(keda)
    sources = {name: (name, namespace, None) for name, namespace in PROBES.items()}
    for component in MESH:
        chosen = serving(component)[0]
        sources[component] = (chosen["metadata"]["name"], NAMESPACE, chosen["status"]["podIP"])

    def tried(item):
        source, (name, namespace, own) = item
        others = {}
        for target, addresses in listening.items():
            part = target.split(":")[0]
            # No policy of the mesh says what probes may call; and a pod reaches itself, by its Service too.
            if own or part in MESH:
                others[target] = [a for a in [*addresses, *([] if part == source else services.get(target, []))]
                                  if not own or not a.startswith(own + "/")]
        open_ = opened(name, namespace, [a for addresses in others.values() for a in addresses])
        wrong = [f"{source} {'does not reach' if target in allowed[source] else 'reaches'} {target} at {address}"
                 for target, addresses in others.items() for address in addresses
                 if (address in open_) != (target in allowed[source])]
        return wrong, sum(map(len, others.values()))

    with ThreadPoolExecutor(4) as workers:
        results = list(workers.map(tried, sources.items()))
    return [one for wrong, _ in results for one in wrong], sum(count for _, count in results)


def compared(what, allowed, keda):
    """Plugins need a moment for a changed policy or pod."""
    end = time.monotonic() + 60
    while True:
        wrong, count = differences(allowed, keda)
        if not wrong or time.monotonic() > end:
            say(f"{what}: {count} connections tried, {len(wrong)} of them not as they should be {wrong[:5]}")
            return {"connections": count, "not_as_they_should_be": wrong}
        time.sleep(1)


def strict_values(keda):
    """Only a friend reaches gateways, only a monitor the metrics, and pods call only what they need."""
    def outside(name):
        return {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": OUTSIDE}}, "podSelector": {"matchLabels": {"probe": name}}}
    nodes = json.loads(run("kubectl", "get", "nodes", "-o", "json"))["items"]
    # The test's own requests come through a node.
    through = [{"ipBlock": {"cidr": f"{a['address']}/{128 if ':' in a['address'] else 32}"}}
               for node in nodes for a in node["status"]["addresses"] if a["type"] == "InternalIP"]
    policy = {"gatewayFrom": [{"podSelector": {"matchLabels": {"probe": "friend"}}}, *through],
              "metricsFrom": [outside("monitor")], "egress": {"enabled": True}}
    scaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 2, "pollingSeconds": 3, "kedaFrom": [
        {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "keda"}}}, outside("scaler")]}
    return ["--set-json", f"networkPolicy={json.dumps(policy)}", *(["--set-json", f"autoscaling={json.dumps(scaling)}"] if keda else [])]


def who_reaches_whom(url, expected, values, clients):
    """Skipped where the cluster does not enforce policies."""
    api = {"gateway:http", "gateway:grpc"}
    calls = {"gateway": {"expert:grpc", "router:grpc"}, "expert": {"router:grpc"}, "router": set()}
    outer = {"the Kubernetes API", "elsewhere"}
    default = {**{name: api for name in PROBES}, **{part: api | outer | may for part, may in calls.items()}}
    keda = has_keda()
    strict = {"stranger": set(), "outsider": set(), "friend": api, "monitor": {"expert:status", "router:status", "gateway:http"},
              "scaler": {"router:scaler"}, **calls, "router": {"the Kubernetes API", "router:scaler"}}
    report = {}
    try:
        start_probes()
        if not enforced():
            return {"skipped": "the cluster's network plugin does not enforce NetworkPolicies"}
        with Load(url, expected, clients) as load:
            report["default"] = compared("the default policies", default, False)
            helm("upgrade", [*values, *strict_values(keda)])
            # Under these policies pods start too.
            kubectl("rollout", "restart", "deployment")
            wait_until_whole(900)
            if keda:
                def ready():
                    said = kubectl("get", "scaledobjects", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}")
                    return said.split() and set(said.split()) == {"True"}
                wait("KEDA's answers", ready, 400, 1)
                wait("two replicas of each group", lambda: set(replicas().values()) == {(2, 2)}, 300, 1)
                report["keda"] = "its questions are answered"
            report["strict"] = compared("the strict policies", strict, keda)
            helm("upgrade", values)
            wait_until_whole()
    finally:
        remove_probes()
    right = not report["default"]["not_as_they_should_be"] and not report["strict"]["not_as_they_should_be"]
    return {"ok": right, **report, **load.report()}
