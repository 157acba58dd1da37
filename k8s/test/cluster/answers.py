"""Requests, the right answers to them, and clients that ask and compare."""

import http.client
import json
import random
import signal
import socket
import subprocess
import threading
import time
import urllib.parse
import urllib.request

from cluster.kube import ROOT, wait

PROMPTS = [
    "<|user|>\nWhat is 17 + 25?\n<|assistant|>\n",
    "<|user|>\nHow do you say river in French?\n<|assistant|>\n",
    "public static int sum(int[] values) {",
    "Once upon a time there was",
    "def fibonacci(n):",
    "The capital of",
]
SUMS = ["<|user|>\nWhat is %d + %d?\n<|assistant|>\n" % pair for pair in ((17, 25), (3, 9), (44, 81), (12, 12))]


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


def embedded_answers(asked, model=None):
    """What one process answers, with the demo model unless another is given."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [ROOT / "expertmesh", "serve", "--numerics", "exact", "--port", str(port)]
    server = subprocess.Popen([*command, *(["--model", str(model)] if model else [])],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        url = f"http://127.0.0.1:{port}"
        wait("the embedded model", lambda: urllib.request.urlopen(url + "/health", timeout=5).status == 200, 600)
        client = Client(url)
        return [(question, essence(client.ask(question))) for question in asked]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def first_token(url):
    wait("the first token", lambda: Client(url, 10).ask({"model": "demo", "prompt": "Hello", "max_tokens": 1}), 600)
