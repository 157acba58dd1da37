#!/usr/bin/env python3
"""Asks a Prometheus of its own for every query of the dashboard, on the cluster of KUBECONFIG.

    k8s/test/dashboard_test.py NAMESPACE [SECONDS]

Starts `prometheus`, which scrapes the release's pods for SECONDS (60), and needs a release under load meanwhile. Exit code 0 if every query of every panel returns data, other than those of what did not happen.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

CHART = Path(__file__).resolve().parents[1] / "chart"


def scrape_configuration(namespace):
    """With the pods that there are: not every Prometheus can ask an API server itself."""
    pods = json.loads(subprocess.run(["kubectl", "--namespace", namespace, "get", "pods", "-o", "json"], check=True,
                                     capture_output=True, text=True).stdout)["items"]
    targets = [{"targets": [f"{pod['status']['podIP']}:{port['containerPort']}"],
                "labels": {"namespace": namespace, "pod": pod["metadata"]["name"],
                           "service": pod["metadata"]["labels"]["app.kubernetes.io/component"]}}
               for pod in pods if "podIP" in pod["status"]
               for port in pod["spec"]["containers"][0]["ports"] if port["name"] in ("http", "status")]
    return {"global": {"scrape_interval": "5s"}, "rule_files": [str(CHART / "files" / "alerts.yaml")],
            "scrape_configs": [{"job_name": "expertmesh", "static_configs": targets}]}


def watch(namespace, seconds):
    """Scrapes for so long, then returns the titles of the panels with a query that has no data."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "prometheus.yaml"
        file.write_text(json.dumps(scrape_configuration(namespace)))
        server = subprocess.Popen(["prometheus", f"--config.file={file}", f"--storage.tsdb.path={folder}/data",
                                   "--web.listen-address=127.0.0.1:19090"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(seconds)
            return without_data(namespace)
        finally:
            server.terminate()
            server.wait(20)


def ask(query):
    url = "http://127.0.0.1:19090/api/v1/query?" + urllib.parse.urlencode({"query": query})
    answer = json.load(urllib.request.urlopen(url, timeout=20))
    return [sample for sample in answer["data"]["result"] if sample["value"][1] != "NaN"]


def without_data(namespace):
    dashboard = json.loads((CHART / "files" / "dashboard.json").read_text())
    queries = [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel.get("targets", [])]
    empty = [title for title, query in queries if not ask(query.replace("$namespace", namespace))]
    print(f"{len(queries) - len(empty)} of {len(queries)} queries return data" + "".join(f"\n  empty: {title}" for title in empty),
          file=sys.stderr)
    # Without failures there is no series of them.
    return sorted(set(empty) - {"Failures of calls to experts"})


def main():
    if shutil.which("prometheus") is None:
        print("skipped  the test of the dashboard: it needs prometheus")
        return 0
    return 1 if watch(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 60) else 0


if __name__ == "__main__":
    sys.exit(main())
