#!/usr/bin/env python3
"""Asks several engines for the greedy continuations of the same prompts and says where they differ.

    compare.py --server http://localhost:8080 --server http://localhost:8081
    compare.py --server http://localhost:8080 --transformers FILE.gguf --llama-cpp FILE.gguf

The first server's answers are what the others are compared with. --transformers needs torch, transformers, gguf and
accelerate; it takes the weights of the file as float32 and computes in float32, and says how close the two best tokens
were where somebody differs. --llama-cpp needs Node and `npm install` in benchmarks/llama-cpp.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import urllib.request

TEXTS = [
    "The capital of France is",
    "Once upon a time, there was a small village",
    "def fibonacci(n):",
    "Water boils at a temperature of",
    "The three primary colours are",
    "Dear Sir or Madam,\nI am writing to",
    "Photosynthesis is the process by which",
]
QUESTIONS = [
    "What is the capital of France?",
    "Write a haiku about the sea.",
    "Explain gravity to a child in two sentences.",
    "What is 12 + 30?",
    "Name three animals that live in Africa.",
]
CHAT = ("<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n")
LLAMA_CPP = pathlib.Path(__file__).parents[2] / "benchmarks" / "llama-cpp" / "bench.mjs"


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        return json.load(response)


def ask_server(url, prompt, count):
    return post(url + "/v1/completions", {"prompt": prompt, "max_tokens": count, "temperature": 0, "ignore_eos": True,
                                          "return_token_ids": True})["choices"][0]["token_ids"]


def ask_llama_cpp(file, prompt, count):
    command = ["node", str(LLAMA_CPP), "--model", str(file.resolve()), "--generate", str(count),
               "--greedy", ",".join(map(str, prompt))]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)["token_ids"]


class Transformers:
    """Greedy decoding; margins: by generated token, how far apart the best two logits were."""

    def __init__(self, file):
        import torch
        from transformers import AutoModelForCausalLM

        self.torch = torch
        self.model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32).eval()
        self.margins = []

    def ask(self, prompt, count):
        answer, tokens, cache = [], list(prompt), None
        self.margins = []
        with self.torch.no_grad():
            while len(answer) < count:
                output = self.model(self.torch.tensor([tokens]), past_key_values=cache, use_cache=True)
                best = output.logits[0, -1].topk(2)
                self.margins.append(float(best.values[0] - best.values[1]))
                tokens, cache = [int(best.indices[0])], output.past_key_values
                answer += tokens
        return answer


def difference(expected, actual):
    """The first place where they differ, or None."""
    return next((i for i, pair in enumerate(zip(expected, actual, strict=True)) if pair[0] != pair[1]), None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", action="append", required=True, metavar="URL")
    parser.add_argument("--transformers", type=pathlib.Path, metavar="FILE.gguf")
    parser.add_argument("--llama-cpp", type=pathlib.Path, metavar="FILE.gguf")
    parser.add_argument("--tokens", type=int, default=32, help="tokens to generate; default: 32")
    options = parser.parse_args()

    engines = {url: lambda prompt, url=url: ask_server(url, prompt, options.tokens) for url in options.server}
    transformers = None
    if options.transformers:
        transformers = Transformers(options.transformers)
        engines["transformers"] = lambda prompt: transformers.ask(prompt, options.tokens)
    if options.llama_cpp:
        engines["llama.cpp"] = lambda prompt: ask_llama_cpp(options.llama_cpp, prompt, options.tokens)

    first, *others = engines
    equal = dict.fromkeys(others, 0)
    prompts = TEXTS + [CHAT % question for question in QUESTIONS]
    for text in prompts:
        prompt = post(first + "/tokenize", {"prompt": text, "add_special_tokens": False})["tokens"]
        expected = engines[first](prompt)
        print(json.dumps(text), "->", json.dumps(post(first + "/detokenize", {"tokens": expected})["prompt"]))
        for name in others:
            place = difference(expected, engines[name](prompt))
            equal[name] += place is None
            close = f", where the best two logits are {transformers.margins[place]:.3f} apart" \
                if place is not None and transformers else ""
            print(f"    {name}: " + ("equal" if place is None else f"differs from token {place + 1} on{close}"), flush=True)
    for name in others:
        print(f"{name}: {equal[name]} of {len(prompts)} equal to {first}'s")
    sys.exit(0 if all(equal[name] == len(prompts) for name in others if name.startswith("http")) else 1)


if __name__ == "__main__":
    main()
