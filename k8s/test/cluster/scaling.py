"""Groups that KEDA scales by load, to zero too."""

import json
import threading
import time

from cluster.answers import Client, Load, essence, first_token
from cluster.kube import helm, kubectl, replicas, say, wait, wait_until_whole

# Sums need the experts 0, 5 and 14 of the demo model least of all. It computes so little that a replica is busy for some
# percent of its time only, so that is what its groups are scaled by here. A pod that starts beside the load gets of busy
# cores what its request says, no more.
DOMAIN_GROUPS = [{"name": "hot", "ids": "1-4,6-13,15", "resources": {"requests": {"cpu": "300m"}}},
                 {"name": "a", "ids": "0"}, {"name": "b", "ids": "5"}, {"name": "c", "ids": "14"}]
SCALING = {"enabled": True, "minReplicas": 1, "maxReplicas": 3, "targetUtilization": 5, "targetQueueDelayMillis": 5000,
           "pollingSeconds": 3, "cooldownSeconds": 10, "scaleDownSeconds": 15}


def scaled(values, **own):
    """Lets KEDA scale the groups, which asks over TLS unless the values say otherwise."""
    scaling = {**SCALING, **own}
    helm("upgrade", [*values, "--set-json", f"experts.groups={json.dumps(DOMAIN_GROUPS)}",
                     "--set-json", f"autoscaling={json.dumps(scaling)}"])

    def ready():
        states = kubectl("get", "scaledobjects", "-o", "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}").split()
        return len(states) == len(DOMAIN_GROUPS) and set(states) == {"True"}
    wait("KEDA", ready, 400, 1)
    wait_until_whole()


def warm_up(url, domain):
    """Asks until that gets no faster: processes that have just started compile, which looks like load. What went wrong."""
    best, windows_without_gain, trouble = 0.0, 0, {"failed": 0, "wrong": 0}
    for _ in range(24):
        with Load(url, domain, 4) as load:
            time.sleep(10)
        report = load.report()
        for what in trouble:
            trouble[what] += report[what]
        speed = report["tokens_per_s"]
        windows_without_gain = windows_without_gain + 1 if speed < 1.05 * best else 0
        best = max(best, speed)
        say(f"warming up: {speed} tokens/s")
        if windows_without_gain == 3:
            break
    return trouble


def one_each():
    wait("one replica of each group", lambda: set(replicas().values()) == {(1, 1)}, 300)


def scale_by_load(url, domain, values):
    """Load on one domain: its group gets three replicas, the others keep one, and then it gets back to one."""
    scaled(values)
    first_token(url)
    before_it = warm_up(url, domain)
    one_each()
    most, three, changes, before = {}, None, [], {}
    with Load(url, domain, 4) as load:
        start = time.monotonic()
        while time.monotonic() - start < 75:
            now, seconds = replicas(), round(time.monotonic() - start, 1)
            for group, (wanted, ready) in now.items():
                most[group] = max(most.get(group, 0), wanted)
                if before.get(group) != (wanted, ready):
                    changes.append(f"{seconds} s {group}: {ready} of {wanted}")
                if group == "hot" and ready == 3 and three is None:
                    three = seconds
            before = now
            time.sleep(0.5)
    start = time.monotonic()
    one_each()
    others = {group: count for group, count in most.items() if group != "hot"}
    return {"seconds_to_three": three, "most_replicas": most, "seconds_back_to_one": round(time.monotonic() - start, 1),
            "ready_of_wanted": changes, "before_it": before_it,
            "ok": three is not None and three <= 45 and set(others.values()) == {1} and not any(before_it.values()),
            **load.report()}


def sleep_and_wake(url, domain, values):
    """All groups sleep; a request wakes those that it needs, and so do a hundred at the same time."""
    scaled(values, minReplicas=0, targetUtilization=100)
    result = {"failed": 0, "wrong": 0}
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
        result["failed"] += len(failures)
        result["wrong"] += len(wrong)
    return result
