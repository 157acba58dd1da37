"""Gateways that KEDA scales by their queues."""

import json
import time

from cluster.answers import Load
from cluster.kube import RELEASE, deployments, helm, kubectl, wait, wait_until_whole


def gateways():
    """Wanted and ready."""
    of = next(d for d in deployments() if d["metadata"]["name"] == f"{RELEASE}-gateway")
    return of["spec"]["replicas"], of["status"].get("readyReplicas", 0)


def scale_gateways(url, expected, values, clients=24):
    """Many clients: two gateways get company, and are two again after the load. No request fails when one goes."""
    scaling = {"enabled": True, "minReplicas": 2, "maxReplicas": 3, "targetQueue": 2, "targetRunningPercent": 10,
               "pollingSeconds": 3, "scaleDownSeconds": 15}
    helm("upgrade", [*values, "--set-json", f"gateway.autoscaling={json.dumps(scaling)}"])
    wait_until_whole()
    wait("KEDA", lambda: "True" in kubectl("get", "scaledobject", f"{RELEASE}-gateway", "-o",
                                           "jsonpath={.status.conditions[?(@.type=='Ready')].status}"), 400, 1)
    with Load(url, expected, clients) as load:
        start = time.monotonic()
        wait("a third gateway", lambda: gateways() == (3, 3), 180, 0.5)
        seconds = round(time.monotonic() - start, 1)
    with Load(url, expected, 1) as after:
        start = time.monotonic()
        wait("two gateways", lambda: gateways() == (2, 2), 300, 1)
    many, one = load.report(), after.report()
    return {"seconds_to_three": seconds, "seconds_back_to_two": round(time.monotonic() - start, 1), "while_many": many,
            "while_one_goes": one, "failed": many["failed"] + one["failed"], "wrong": many["wrong"] + one["wrong"]}
