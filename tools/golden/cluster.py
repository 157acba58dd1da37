#!/usr/bin/env python3
"""Serves each golden checkpoint with `./expertmesh cluster --shards 3` and compares its greedy answers with the reference's.

    python tools/golden/cluster.py [--only CASE...] [--shards 3] [--backend cpu|tornado|tornado,cpu,...]

Needs nothing but Python: real processes, asked over HTTP. Dense models have no experts to share out and are left out.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "model" / "src" / "test" / "resources" / "golden"
DENSE = ("llama-", "mistral-", "olmo-", "olmo2-", "qwen2-tied", "qwen2-window", "qwen2-yarn")


def with_tokenizer(case, folder):
    """The checkpoint in `folder`, with a tokenizer that has the right number of tokens: golden checkpoints have none."""
    for file in case.iterdir():
        if not file.name.startswith("reference"):
            (folder / file.name).symlink_to(file)
    if not (folder / "tokenizer.json").exists():
        config = json.loads((case / "config.json").read_text())
        level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        vocabulary = {f"t{i}": i for i in range(config["vocab_size"])}
        (folder / "tokenizer.json").write_text(json.dumps({
            "version": "1.0", "added_tokens": [], "decoder": level,
            "pre_tokenizer": level,
            "model": {"type": "BPE", "vocab": vocabulary, "merges": []}}))
    return folder


def ask(url, prompt):
    body = {"prompt": prompt["token_ids"], "max_tokens": len(prompt["greedy_token_ids"]), "temperature": 0,
            "ignore_eos": True, "return_token_ids": True}
    forced = [prompt["forced_bos_token_id"]] if prompt.get("forced_bos_token_id") is not None else []
    if "decoder_token_ids" in prompt:
        body["decoder_prompt"] = prompt["decoder_token_ids"] + forced
        body["max_tokens"] -= len(forced)
    request = urllib.request.Request(url + "/v1/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return forced + json.load(response)["choices"][0]["token_ids"]
    except urllib.error.HTTPError as refused:
        raise RuntimeError(refused.read().decode()) from refused


def check(case, shards, backend):
    """How many of its answers are equal, of how many, and what was wrong."""
    reference = json.loads((case / "reference.json").read_text())
    config = json.loads((case / "config.json").read_text())
    # A forced token that is given in decoder_prompt belongs to the prompt, which counts where capacity is tight.
    tight = config.get("moe_eval_capacity_token_fraction", 1) < 1
    prompts = [prompt for prompt in reference["runs"][0]["prompts"]
               if not (tight and prompt.get("forced_bos_token_id") is not None)]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile("w+") as log:
        command = [ROOT / "expertmesh", "cluster", "--shards", str(shards), "--backend", backend, "--port", "0", "--grpc-port", "0", "--model",
                   with_tokenizer(case, pathlib.Path(folder))]
        # Opening a device and compiling its kernels may take longer than gateways wait by default.
        patient = {**os.environ, "EXPERTMESH_EXPERTS_STARTTIMEOUT": "5m"}
        cluster = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=patient)
        try:
            ready = cluster.stdout.readline()
            if not ready:
                cluster.wait()
                log.seek(0)
                return 0, len(prompts), log.read().strip().splitlines()[-1]
            url = json.loads(ready)["gateway"]["http"]
            equal, wrong = 0, ""
            for prompt in prompts:
                answer = ask(url, prompt)
                if answer == prompt["greedy_token_ids"]:
                    equal += 1
                else:
                    wrong = f"{answer}, not {prompt['greedy_token_ids']}"
            return equal, len(prompts), wrong
        except RuntimeError as refused:
            return 0, len(prompts), str(refused)
        finally:
            cluster.send_signal(signal.SIGTERM)
            cluster.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="CASE")
    parser.add_argument("--shards", type=int, default=3)
    parser.add_argument("--backend", default="cpu", help="of the expert processes; several in turn, such as tornado,cpu,cpu")
    options = parser.parse_args()
    failed = 0
    for case in sorted(path.parent for path in GOLDEN.glob("*/config.json") if path.with_name("reference.json").exists()):
        if case.name in options.only if options.only else not case.name.startswith(DENSE):
            equal, prompts, wrong = check(case, options.shards, options.backend)
            failed += equal < prompts
            print(f"{case.name}: {equal} of {prompts} answers equal {wrong}".rstrip(), flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
