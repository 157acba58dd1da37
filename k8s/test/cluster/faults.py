"""What pods have to put up with while requests run."""

import random
import time

from cluster.kube import RELEASE, deployments, kubectl, pods, say, wait, wait_until_whole, whole


def delete_pods(seconds, every):
    """Deletes a pod of a Deployment whose replicas are all there, every so often; the router's too."""
    deleted, end, chance = {}, time.monotonic() + seconds, random.Random(3)
    while time.monotonic() < end:
        due = time.monotonic() + every
        candidates = [d for d in deployments() if whole(d)]
        if candidates:
            chosen = chance.choice(candidates)
            there = [p for p in pods(**chosen["spec"]["selector"]["matchLabels"]) if "deletionTimestamp" not in p["metadata"]]
            pod = chance.choice(there)["metadata"]["name"]
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
    wait_until_whole()
    return {"seconds_to_the_next": seconds, "was": before, "is": after}
