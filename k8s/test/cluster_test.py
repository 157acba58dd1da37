#!/usr/bin/env python3
"""Installs the chart on the cluster of KUBECONFIG and tries to break it.

    k8s/test/cluster_test.py [--minutes 5] [--image REPOSITORY --tag TAG] [--only CASE...] [--keep]

In a namespace that enforces the "restricted" pod standard: time from `helm install` to the first token; answers compared
with `./expertmesh serve --numerics exact`, every token and log-probability. Then the cases, each under load:

    dashboard   every query of the dashboard, asked of a Prometheus that runs here
    delete      a pod deleted every ten seconds
    rollout     a restart of everything
    leader      the router that leads killed
    refusals    upgrades with a mistake: a model, a Secret, an image that are not there, a group with other weights
    policies    who reaches whom, tried by pods, with the NetworkPolicies of the default and with strict ones; skipped
                where the cluster's network plugin does not enforce them
    canary      a second version of the model: its share, roll back, promotion
    gateways    many clients, for whom a third gateway comes, and goes afterwards
    scaling     load on experts of one domain, whose group gets replicas and loses them again while the others stay
    sleep       groups that sleep, woken by one request and by a hundred

The last three need KEDA, canary needs --models. Ends with one line of JSON, which names the cases that were skipped and
why, and exit code 0 only if no request failed and no token was wrong. Where there is no cluster it says so.

Needs kubectl, helm and Python 3.9; the images in the cluster (deploy/docker/README.md); and a node port that this
machine reaches, as with kind and k3d on Linux, or --url.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import dashboard_test
from cluster.answers import SUMS, Client, Load, embedded_answers, essence, first_token, questions, sums
from cluster.faults import delete_pods, kill_leader
from cluster.gateways import scale_gateways
from cluster.kube import CHART, NAMESPACE, RELEASE, has_keda, helm, kubectl, node_port, pods, run, say, wait_until_whole
from cluster.policies import who_reaches_whom
from cluster.refusals import bad_upgrades
from cluster.scaling import scale_by_load, sleep_and_wake
from cluster.versions import version_beside

CASES = ["dashboard", "delete", "rollout", "leader", "refusals", "policies", "canary", "gateways", "scaling", "sleep"]
KEDA_CASES = {"scaling", "gateways", "sleep"}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=CASES, default=CASES, metavar="CASE")
    parser.add_argument("--minutes", type=float, default=5, help="how long pods are deleted")
    parser.add_argument("--every", type=float, default=10, help="seconds between two deletions")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--image", default="expertmesh", help="repository of the images")
    parser.add_argument("--tag", default="", help="of the images; the chart's version if left out")
    parser.add_argument("--models", type=Path, metavar="FOLDER",
                        help="an empty folder that the nodes see under the same name, for the second version of the model")
    parser.add_argument("--set", action="append", default=[], help="more values for the chart")
    parser.add_argument("--url", help="where the gateways are reached, in place of a node port")
    parser.add_argument("--keep", action="store_true", help="leave the namespace")
    return parser.parse_args()


def what_is_missing():
    """Why there can be no test; None if nothing is missing."""
    for tool in ("kubectl", "helm"):
        if shutil.which(tool) is None:
            return f"it needs {tool}"
    asked = subprocess.run(["kubectl", "get", "--raw", "/readyz"], capture_output=True, text=True)
    if asked.returncode:
        said = asked.stderr.strip().splitlines() or ["no answer"]
        return f"KUBECONFIG={os.environ.get('KUBECONFIG', '')} names no cluster that answers ({said[-1]})"
    return None


def skipped(options):
    """Cases that cannot run here, and why."""
    keda = has_keda()
    for case in options.only:
        if case == "dashboard" and shutil.which("prometheus") is None:
            yield case, "it needs prometheus"
        elif case == "canary" and options.models is None:
            yield case, "it needs --models"
        elif case in KEDA_CASES and not keda:
            yield case, "the cluster has no KEDA"


def dry_run(values):
    """The cluster takes every manifest, without a warning of its pod standard."""
    manifests = run("helm", "template", RELEASE, CHART, "--namespace", NAMESPACE, "--validate", *values)
    dry = subprocess.run(["kubectl", "apply", "--namespace", NAMESPACE, "--dry-run=server", "--validate=strict", "-f", "-"],
                         input=manifests, capture_output=True, text=True)
    if dry.returncode or "Warning" in dry.stderr:
        raise SystemExit(f"the cluster does not take the manifests as they are:\n{dry.stdout}{dry.stderr}")


def start_to_ready():
    """Seconds from the start of a container to its pod's readiness, by component: the first and the last."""
    seconds = {}
    for pod in pods():
        started = datetime.fromisoformat(pod["status"]["containerStatuses"][0]["state"]["running"]["startedAt"].rstrip("Z"))
        ready = next(c["lastTransitionTime"] for c in pod["status"]["conditions"] if c["type"] == "Ready")
        component = pod["metadata"]["labels"]["app.kubernetes.io/component"]
        seconds.setdefault(component, []).append((datetime.fromisoformat(ready.rstrip("Z")) - started).total_seconds())
    return {component: [min(all_), max(all_)] for component, all_ in seconds.items()}


def install(values, url, report):
    """Returns where the gateways are."""
    say("helm install")
    start = time.monotonic()
    helm("install", values)
    url = url or node_port()
    first_token(url)
    report["install_to_first_token_s"] = round(time.monotonic() - start, 1)
    say(f"the first token came after {report['install_to_first_token_s']} s")
    wait_until_whole()
    report["install_to_all_ready_s"] = round(time.monotonic() - start, 1)
    report["start_to_ready_s"] = start_to_ready()
    report["pods"] = len(pods())
    return url


def different_answers(url, expected):
    client = Client(url)
    different = [question["prompt"] for question, right in expected if essence(client.ask(question)) != right]
    client.close()
    say(f"{len(expected) - len(different)} of {len(expected)} answers are those of the embedded model")
    return different


def cases(options, url, values, expected):
    """Name and what runs it, in the order in which they run."""
    domain = expected[-len(SUMS):]

    def under_load(action):
        def case():
            with Load(url, expected, options.clients) as load:
                what = action()
                wait_until_whole(900)
                time.sleep(3)
            return {**what, **load.report()}
        return case

    def dashboard():
        empty = dashboard_test.watch(NAMESPACE, 60)
        return {"ok": not empty, "queries_without_data": empty}

    def leader():
        killed = kill_leader()
        return {"ok": killed["seconds_to_the_next"] < 15, **killed}

    return [
        ("dashboard", under_load(dashboard)),
        ("delete", under_load(lambda: {"deleted": delete_pods(options.minutes * 60, options.every)})),
        ("rollout", under_load(lambda: {"restarted": kubectl("rollout", "restart", "deployment").count("restarted")})),
        ("leader", under_load(leader)),
        ("refusals", lambda: bad_upgrades(url, expected, values, options.clients)),
        ("policies", lambda: who_reaches_whom(url, expected, values, options.clients)),
        ("canary", lambda: version_beside(url, expected, values, options.clients, options.models)),
        ("gateways", lambda: scale_gateways(url, expected, values)),
        ("scaling", lambda: scale_by_load(url, domain, values)),
        ("sleep", lambda: sleep_and_wake(url, domain, values)),
    ]


def main():
    options = arguments()
    missing = what_is_missing()
    if missing:
        print(f"skipped  the test on a cluster: {missing}")
        return 0
    left_out = dict(skipped(options))
    for case, why in left_out.items():
        say(f"skipped  {case}: {why}")

    say("asking the embedded model")
    expected = embedded_answers([*questions(), *sums()])
    values = ["--set", f"image.repository={options.image},image.tag={options.tag},model.numerics=exact,router.replicas=2",
              "--set", "gateway.service.type=NodePort", *(part for value in options.set for part in ("--set", value))]
    report, ok = {"questions": len(expected)}, True
    run("kubectl", "create", "namespace", NAMESPACE)
    run("kubectl", "label", "namespace", NAMESPACE, "pod-security.kubernetes.io/enforce=restricted",
        "pod-security.kubernetes.io/warn=restricted")
    try:
        dry_run(values)
        url = install(values, options.url, report)
        different = different_answers(url, expected)
        report["answers_equal_to_embedded"] = len(expected) - len(different)
        ok = not different
        for name, case in cases(options, url, values, expected):
            if name not in options.only or name in left_out:
                continue
            report[name] = case()
            if "skipped" in report[name]:
                left_out[name] = report.pop(name)["skipped"]
                say(f"skipped  {name}: {left_out[name]}")
                continue
            say(f"{name}: {report[name]}")
            ok = ok and report[name].get("ok", True) and report[name]["failed"] == report[name]["wrong"] == 0
    finally:
        if not options.keep:
            run("helm", "uninstall", RELEASE, "--namespace", NAMESPACE, check=False)
            run("kubectl", "delete", "namespace", NAMESPACE, "--timeout=180s", check=False)
    if left_out:
        report["skipped"] = left_out
    print(json.dumps(report))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
