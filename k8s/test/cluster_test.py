#!/usr/bin/env python3
"""Installs the chart on the cluster of KUBECONFIG and tries to break it.

    k8s/test/cluster_test.py [--minutes 5] [--image REPOSITORY --tag TAG] [--keep]

In a namespace that enforces the "restricted" pod standard: time from `helm install` to the first token; answers compared
with `./expertmesh serve --numerics exact`, every token and log-probability; then, under load, a pod deleted every ten
seconds, a rollout restart of everything, and the router that leads killed. Where KEDA is installed: load on experts of one
domain, whose group gets replicas and loses them again while the others stay; then groups that sleep, woken by one request
and by a hundred. Ends with one line of JSON, and exit code 0 only if no request failed and no
token was wrong. Where there is no cluster it says so.

Needs kubectl, helm and Python 3.9; the images in the cluster (deploy/docker/README.md); and a node port that this
machine reaches, as with kind and k3d on Linux, or --url.
"""

import argparse
import http.client
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "expertmesh-test"
RELEASE = "expertmesh"
PROMPTS = [
    "<|user|>\nWhat is 17 + 25?\n<|assistant|>\n",
    "<|user|>\nHow do you say river in French?\n<|assistant|>\n",
    "public static int sum(int[] values) {",
    "Once upon a time there was",
    "def fibonacci(n):",
    "The capital of",
]


SUMS = ["<|user|>\nWhat is %d + %d?\n<|assistant|>\n" % pair for pair in ((17, 25), (3, 9), (44, 81), (12, 12))]
# Sums need the experts 0, 5 and 14 of the demo model least of all. It computes so little that a replica is busy for some
# percent of its time only, so that is what its groups are scaled by here.
DOMAIN_GROUPS = [{"name": "hot", "ids": "1-4,6-13,15"}, {"name": "a", "ids": "0"}, {"name": "b", "ids": "5"},
                 {"name": "c", "ids": "14"}]
SCALING = {"enabled": True, "minReplicas": 1, "maxReplicas": 3, "targetUtilization": 3, "targetQueueDelayMillis": 5000,
           "pollingSeconds": 3, "cooldownSeconds": 10, "scaleDownSeconds": 15}


def say(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def run(*command, check=True, timeout=900):
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    if check and done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def kubectl(*arguments, **options):
    return run("kubectl", "--namespace", NAMESPACE, *arguments, **options)


def questions():
    """Greedy and sampled requests whose answers are known from the embedded model."""
    for i, prompt in enumerate(PROMPTS):
        for sampled in (False, True):
            yield {
                "model": "demo", "prompt": prompt, "max_tokens": 24 + 4 * i, "ignore_eos": True, "logprobs": 2,
                "return_token_ids": True, **({"temperature": 0.9, "seed": 7 + i} if sampled else {"temperature": 0}),
            }


def sums():
    """Requests of one domain."""
    for prompt in SUMS:
        yield {"model": "demo", "prompt": prompt, "max_tokens": 40, "ignore_eos": True, "logprobs": 2,
               "return_token_ids": True, "temperature": 0}


def essence(answer):
    choice = answer["choices"][0]
    return choice["token_ids"], choice["text"], choice["logprobs"]["token_logprobs"], choice["logprobs"]["top_logprobs"]


class Client:
    """One kept connection, which is opened anew when the server has said that it closes it."""

    def __init__(self, url, timeout=120):
        self.address = urllib.parse.urlsplit(url).netloc
        self.timeout = timeout
        self.connection = None

    def ask(self, question):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=self.timeout)
        try:
            self.connection.request("POST", "/v1/completions", json.dumps(question), {"Content-Type": "application/json"})
            response = self.connection.getresponse()
            body = response.read()
            if response.will_close:
                self.close()
        except Exception:
            self.close()
            raise
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {body[:300]!r}")
        return json.loads(body)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


class Load:
    """Clients that ask one question after the other, and what became of the answers."""

    def __init__(self, url, expected, clients):
        self.url, self.expected = url, expected
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.seconds, self.failures, self.wrong, self.tokens = [], [], [], 0
        self.threads = [threading.Thread(target=self.work, args=(i,), daemon=True) for i in range(clients)]

    def work(self, number):
        client, chance = Client(self.url), random.Random(number)
        while not self.stopping.is_set():
            question, right = chance.choice(self.expected)
            start = time.monotonic()
            try:
                answer = essence(client.ask(question))
            except Exception as failure:
                with self.lock:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {type(failure).__name__}: {failure}")
                time.sleep(0.2)
                continue
            with self.lock:
                self.seconds.append(time.monotonic() - start)
                self.tokens += len(answer[0])
                if answer != right:
                    self.wrong.append({"prompt": question["prompt"], "got": answer[0], "expected": right[0]})
        client.close()

    def __enter__(self):
        self.start = time.monotonic()
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.elapsed = time.monotonic() - self.start

    def report(self):
        ordered = sorted(self.seconds) or [0.0]
        return {
            "seconds": round(self.elapsed), "requests": len(self.seconds) + len(self.failures),
            "failed": len(self.failures), "wrong": len(self.wrong), "tokens_per_s": round(self.tokens / self.elapsed, 1),
            "request_median_s": round(ordered[len(ordered) // 2], 2), "request_longest_s": round(ordered[-1], 2),
            **({"failures": self.failures[:5]} if self.failures else {}), **({"wrongs": self.wrong[:2]} if self.wrong else {}),
        }


def embedded_answers(asked):
    """What one process answers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([ROOT / "expertmesh", "serve", "--numerics", "exact", "--port", str(port)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait("the embedded model", lambda: urllib.request.urlopen(url + "/health", timeout=5).status == 200, 600)
        client = Client(url)
        return [(question, essence(client.ask(question))) for question in asked]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


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


def delete_pods(seconds, every):
    """Deletes a pod of a Deployment whose replicas are all there, every so often; the router's too."""
    deleted, end, chance = {}, time.monotonic() + seconds, random.Random(3)
    while time.monotonic() < end:
        due = time.monotonic() + every
        candidates = [d for d in deployments() if whole(d)]
        if candidates:
            chosen = chance.choice(candidates)
            labels = ",".join(f"{k}={v}" for k, v in chosen["spec"]["selector"]["matchLabels"].items())
            pods = json.loads(kubectl("get", "pods", "-l", labels, "-o", "json"))["items"]
            pod = chance.choice([p for p in pods if "deletionTimestamp" not in p["metadata"]])["metadata"]["name"]
            kubectl("delete", "pod", pod, "--wait=false")
            name = chosen["metadata"]["name"].removeprefix(RELEASE + "-")
            deleted[name] = deleted.get(name, 0) + 1
            say(f"deleted {pod}")
        time.sleep(max(0.0, due - time.monotonic()))
    return deleted


def leader():
    return kubectl("get", "lease", f"{RELEASE}-router", "-o", "jsonpath={.spec.holderIdentity}").split("_")[0]


def kill_leader():
    """Deletes the router that leads without waiting for it, and says how long there is none."""
    time.sleep(3)
    before, start = leader(), time.monotonic()
    kubectl("delete", "pod", before, "--grace-period=0", "--force")
    after = wait("another router that leads", lambda: leader() not in ("", before) and leader(), 60)
    seconds = round(time.monotonic() - start, 1)
    wait("all replicas", lambda: all(whole(d) for d in deployments()), 300)
    return {"seconds_to_the_next": seconds, "was": before, "is": after}


def replicas():
    """By group: wanted and ready."""
    prefix = f"{RELEASE}-expert-"
    return {d["metadata"]["name"].removeprefix(prefix): (d["spec"]["replicas"], d["status"].get("readyReplicas", 0))
            for d in deployments() if d["metadata"]["name"].startswith(prefix)}


def scaled(chart, values, **own):
    """Lets KEDA scale the groups; it may be anywhere, so it is given the address of the router's Service."""
    address = kubectl("get", "service", f"{RELEASE}-router", "-o", "jsonpath={.spec.clusterIP}")
    scaling = {**SCALING, "scalerAddress": f"{address}:9092", **own}
    run("helm", "upgrade", RELEASE, chart, "--namespace", NAMESPACE, *values, "--set-json", f"autoscaling={json.dumps(scaling)}")

    def ready():
        states = kubectl("get", "scaledobjects", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}").split()
        return len(states) == len(DOMAIN_GROUPS) and set(states) == {"True"}
    wait("KEDA", ready, 400, 1)
    wait("all replicas", lambda: all(whole(d) for d in deployments()), 400)


def scale_by_load(url, domain, chart, values):
    """Load on one domain: its group gets three replicas, the others keep one, and then it gets back to one."""
    scaled(chart, values)
    first_token(url)
    wait("one replica of each group", lambda: set(replicas().values()) == {(1, 1)}, 300)
    most, three = {}, None
    with Load(url, domain, 4) as load:
        start = time.monotonic()
        while time.monotonic() - start < 75:
            for group, (wanted, ready) in replicas().items():
                most[group] = max(most.get(group, 0), wanted)
                if group == "hot" and ready == 3 and three is None:
                    three = round(time.monotonic() - start, 1)
            time.sleep(0.5)
    start = time.monotonic()
    wait("one replica of each group", lambda: set(replicas().values()) == {(1, 1)}, 300)
    others = {group: count for group, count in most.items() if group != "hot"}
    return {"seconds_to_three": three, "most_replicas": most, "seconds_back_to_one": round(time.monotonic() - start, 1),
            "ok": three is not None and three <= 45 and set(others.values()) == {1}, **load.report()}


def sleep_and_wake(url, domain, chart, values):
    """All groups sleep; a request wakes those that it needs, and so do a hundred at the same time."""
    scaled(chart, values, minReplicas=0, targetUtilization=100)
    result = {"ok": True}
    for count in (1, 100):
        wait("all groups asleep", lambda: set(replicas().values()) == {(0, 0)}, 300)
        start, seconds, failures, wrong = time.monotonic(), [], [], []

        def ask(number):
            question, right = domain[number % len(domain)]
            client = Client(url, 300)
            try:
                if essence(client.ask(question)) != right:
                    wrong.append(number)
                seconds.append(round(time.monotonic() - start, 1))
            except Exception as failure:
                failures.append(repr(failure))
            finally:
                client.close()

        threads = [threading.Thread(target=ask, args=(i,)) for i in range(count)]
        for thread in threads:
            thread.start()
        most = {}
        while any(thread.is_alive() for thread in threads):
            for group, (wanted, _) in replicas().items():
                most[group] = max(most.get(group, 0), wanted)
            time.sleep(0.5)
        result[f"requests_{count}"] = {"failed": len(failures), "wrong": len(wrong), "first_s": min(seconds, default=None),
                                       "last_s": max(seconds, default=None), "most_replicas": most, **({"failures": failures[:3]} if failures else {})}
        say(f"{count} to groups that sleep: {result[f'requests_{count}']}")
        result["ok"] = result["ok"] and not failures and not wrong
    return result


def first_token(url):
    wait("the first token", lambda: Client(url, 10).ask({"model": "demo", "prompt": "Hello", "max_tokens": 1}), 600)


def node_port():
    address = json.loads(run("kubectl", "get", "nodes", "-o", "json"))["items"][0]["status"]["addresses"]
    port = kubectl("get", "service", f"{RELEASE}-gateway", "-o", "jsonpath={.spec.ports[0].nodePort}")
    return f"http://{next(a['address'] for a in address if a['type'] == 'InternalIP')}:{port}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5, help="how long pods are deleted")
    parser.add_argument("--every", type=float, default=10, help="seconds between two deletions")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--image", default="expertmesh", help="repository of the images")
    parser.add_argument("--tag", default="", help="of the images; the chart's version if left out")
    parser.add_argument("--no-scaling", dest="scaling", action="store_false", help="do not test KEDA")
    parser.add_argument("--set", action="append", default=[], help="more values for the chart")
    parser.add_argument("--url", help="where the gateways are reached, in place of a node port")
    parser.add_argument("--keep", action="store_true", help="leave the namespace")
    options = parser.parse_args()

    for tool in ("kubectl", "helm"):
        if shutil.which(tool) is None:
            print(f"skipped  the test on a cluster: it needs {tool}")
            return 0
    asked = subprocess.run(["kubectl", "get", "--raw", "/readyz"], capture_output=True, text=True)
    if asked.returncode:
        print(f"skipped  the test on a cluster: KUBECONFIG={os.environ.get('KUBECONFIG', '')} names none that answers "
              f"({asked.stderr.strip().splitlines()[-1] if asked.stderr.strip() else 'no answer'})")
        return 0

    say("asking the embedded model")
    expected = embedded_answers([*questions(), *sums()])
    domain = expected[-len(SUMS):]
    report = {"questions": len(expected)}

    run("kubectl", "create", "namespace", NAMESPACE)
    run("kubectl", "label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/warn=restricted")
    try:
        values = ["--set", f"image.repository={options.image},image.tag={options.tag},model.numerics=exact,router.replicas=2",
                  "--set", "gateway.service.type=NodePort", *(part for value in options.set for part in ("--set", value))]
        chart = str(ROOT / "k8s" / "chart")
        manifests = run("helm", "template", RELEASE, chart, "--namespace", NAMESPACE, "--validate", *values)
        dry = subprocess.run(["kubectl", "apply", "--namespace", NAMESPACE, "--dry-run=server", "--validate=strict", "-f", "-"],
                             input=manifests, capture_output=True, text=True)
        if dry.returncode or "Warning" in dry.stderr:
            raise SystemExit(f"the cluster does not take the manifests as they are:\n{dry.stdout}{dry.stderr}")

        say("helm install")
        start = time.monotonic()
        run("helm", "install", RELEASE, chart, "--namespace", NAMESPACE, *values)
        url = options.url or node_port()
        first_token(url)
        report["install_to_first_token_s"] = round(time.monotonic() - start, 1)
        say(f"the first token came after {report['install_to_first_token_s']} s")
        wait("all replicas", lambda: all(whole(d) for d in deployments()), 600)
        report["install_to_all_ready_s"] = round(time.monotonic() - start, 1)
        report["pods"] = sum(d["spec"]["replicas"] for d in deployments())

        client = Client(url)
        different = [q["prompt"] for q, right in expected if essence(client.ask(q)) != right]
        client.close()
        report["answers_equal_to_embedded"] = len(expected) - len(different)
        say(f"{len(expected) - len(different)} of {len(expected)} answers are those of the embedded model")

        if options.minutes:
            with Load(url, expected, options.clients) as load:
                report["deleted"] = delete_pods(options.minutes * 60, options.every)
                wait("all replicas", lambda: all(whole(d) for d in deployments()), 600)
            report["pods_deleted"] = load.report()
            say(f"pods deleted: {report['pods_deleted']}")

        with Load(url, expected, options.clients) as load:
            kubectl("rollout", "restart", "deployment")
            wait("everything after its restart", lambda: all(whole(d) for d in deployments()), 900)
            time.sleep(3)
        report["rollout_restart"] = load.report()
        say(f"rollout restart: {report['rollout_restart']}")

        with Load(url, expected, options.clients) as load:
            report["leader_killed"] = kill_leader()
        report["leader_killed"].update(load.report())
        say(f"router killed: {report['leader_killed']}")
        ok = report["leader_killed"]["seconds_to_the_next"] < 15

        if options.scaling and "scaledobjects.keda.sh" in run("kubectl", "get", "crds", "-o", "name", check=False):
            values += ["--set-json", f"experts.groups={json.dumps(DOMAIN_GROUPS)}"]
            report["domain_load"] = scale_by_load(url, domain, chart, values)
            say(f"load on one domain: {report['domain_load']}")
            report["sleep"] = sleep_and_wake(url, domain, chart, values)
            say(f"groups that sleep: {report['sleep']}")
            ok = ok and report["domain_load"]["ok"] and report["sleep"]["ok"]
        elif options.scaling:
            say("skipped  scaling by load: the cluster has no KEDA")
        parts = ("pods_deleted", "rollout_restart", "leader_killed", "domain_load")
        ok = ok and not different and all(report[p]["failed"] == report[p]["wrong"] == 0 for p in parts if p in report)
    finally:
        if not options.keep:
            run("helm", "uninstall", RELEASE, "--namespace", NAMESPACE, check=False)
            run("kubectl", "delete", "namespace", NAMESPACE, "--timeout=180s", check=False)
    print(json.dumps(report))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
