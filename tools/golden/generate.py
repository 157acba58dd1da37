"""Writes the golden files that the Java tests compare with: see README.md.

    python tools/golden/generate.py [--only CASE...] [--out FOLDER] [--demo-model FOLDER]
"""

import argparse
import itertools
import json
from pathlib import Path

import safetensors
import torch
import transformers
from safetensors.torch import save_file

import chat_templates
import checkpoints
import demo
import families
from readable_json import to_json
from reference import greedy, record

REPOSITORY = Path(__file__).resolve().parents[2]

# A seed is taken only if no test on it can hang on the last bits of a sum.
MIN_LOGIT_MARGIN = 0.02
MIN_ROUTER_MARGIN = 0.001
MIN_DISTINCT_TOKENS = 6  # a continuation that only repeats itself tests little
MAX_SEEDS = 1000
MIN_EFFECT = 0.1  # of a config value that `matters`, on some logit

CASES = checkpoints.CASES + families.CASES
VERSIONS = {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__}


def main():
    parser = argparse.ArgumentParser(description="Golden tensors from Hugging Face transformers.")
    parser.add_argument("--only", metavar="CASE", nargs="+", default=case_names(), help="of " + ", ".join(case_names()))
    parser.add_argument("--out", type=Path, default=REPOSITORY / "model/src/test/resources/golden")
    parser.add_argument("--demo-model", type=Path, default=REPOSITORY / "models/demo")
    options = parser.parse_args()
    for name in options.only:
        if name not in case_names():
            parser.error(f"no case '{name}'; there are: {', '.join(case_names())}")

    if "demo" in options.only and not (options.demo_model / "config.json").is_file():
        parser.error(f"no demo model in {options.demo_model}; say where it is with --demo-model")

    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for case in CASES:
        if case.name in options.only:
            generate(case, options.out / case.name)
    if "demo" in options.only:
        demo.generate(options.demo_model, options.out / "demo", VERSIONS)
        print_folder(options.out / "demo")
    if "chat-templates" in options.only:
        chat_templates.generate(options.out)


def case_names():
    return [case.name for case in CASES] + ["demo", "chat-templates"]


def generate(case, folder):
    for seed in itertools.count(1):
        checkpoints.write(case, seed, folder)
        prompts = random_prompts(case, seed)
        runs = {dtype: run(folder, dtype, prompts) for dtype in arithmetics(case)}
        if decisive(runs):
            break
        if seed == MAX_SEEDS:
            raise ValueError(f"{case.name}: no seed up to {seed} is decisive; spread its logits or choose other sizes")
    check_options_matter(case, folder, prompts, runs[torch.float32])
    if case.mtp_layer:
        checkpoints.add_mtp_layer(folder)

    description = {"case": case.name, "about": case.about, "seed": seed, **VERSIONS, "checkpoint_dtype": name_of(case.dtype), "runs": []}
    for dtype, results in runs.items():
        file = "reference.safetensors" if dtype == torch.float32 else f"reference-{name_of(dtype)}.safetensors"
        tensors = {f"prompt{i}.{key}": value for i, result in enumerate(results) for key, value in result["tensors"].items()}
        save_file(tensors, folder / file)
        description["runs"].append(
            {
                "dtype": name_of(dtype),
                "tensors": file,
                "prompts": [{key: value for key, value in result.items() if key != "tensors"} for result in results],
            }
        )
    (folder / "reference.json").write_text(to_json(description))
    print_folder(folder)


def arithmetics(case):
    return dict.fromkeys([torch.float32, case.dtype]) if case.own_arithmetic else [torch.float32]


def random_prompts(case, seed):
    generator = torch.Generator().manual_seed(1_000_000 + seed)
    vocabulary = {**case.defaults, **case.config}["vocab_size"]
    return [torch.randint(2, vocabulary, (length,), generator=generator).tolist() for length in case.prompt_lengths]


def run(folder, dtype, prompts):
    """What the checkpoint computes for each prompt when all arithmetic is in `dtype`."""
    model = checkpoints.load(folder, dtype)
    results = []
    for token_ids in prompts:
        greedy_ids, margins, _ = greedy(model, token_ids)
        # The router margin is taken over the continuation too: its routing decides the greedy tokens.
        _, router_margin = record(model, token_ids + greedy_ids)
        tensors, _ = record(model, token_ids)
        results.append(
            {
                "token_ids": token_ids,
                "greedy_token_ids": greedy_ids,
                "logit_margins": margins,
                "min_logit_margin": min(margins),
                **({} if router_margin == float("inf") else {"min_router_margin": router_margin}),  # dense models have none
                "tensors": tensors,
            }
        )
    return results


def decisive(runs):
    for result in runs[torch.float32]:
        if result["min_logit_margin"] < MIN_LOGIT_MARGIN or result.get("min_router_margin", 1) < MIN_ROUTER_MARGIN:
            return False
        if len(set(result["greedy_token_ids"])) < MIN_DISTINCT_TOKENS:
            return False
    return all(agree(runs[torch.float32], results) for results in runs.values())


def agree(expected, actual):
    """Whether two precisions choose the same experts and the same greedy tokens."""
    for a, b in zip(expected, actual, strict=True):
        if a["greedy_token_ids"] != b["greedy_token_ids"]:
            return False
        if any(not torch.equal(a["tensors"][key], b["tensors"][key]) for key in a["tensors"] if key.endswith("expert_ids")):
            return False
    return True


def check_options_matter(case, folder, prompts, results):
    """Every option that the case is for bites, and so does every kind of bias and attention sink."""
    expected = results[-1]["tensors"]["logits"]

    def check(what, model):
        without, _ = record(model, prompts[-1])
        effect = (without["logits"] - expected).abs().max().item()
        if not effect >= MIN_EFFECT:
            raise ValueError(f"{case.name}: {what} changes the logits by {effect} only; the case tests nothing")

    for option, other in case.matters.items():
        check(f"{option}={other}", checkpoints.load(folder, torch.float32, **{option: other}))
    kinds = {last_names(name) for name in state(checkpoints.load(folder, torch.float32)) if name.endswith(("bias", "sinks"))}
    for kind in sorted(kinds):
        model = checkpoints.load(folder, torch.float32)
        for name, tensor in state(model).items():
            if last_names(name) == kind:
                tensor.fill_(float("-inf") if kind.endswith("sinks") else 0)
        check(f"no {kind}", model)


def state(model):
    return {name: tensor.detach() for name, tensor in model.state_dict().items()}


def last_names(name):
    return ".".join(name.split(".")[-2:])


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


def print_folder(folder):
    for path in sorted(folder.iterdir()):
        print(f"{path}  {path.stat().st_size} bytes")
        if path.name.startswith("reference") and path.suffix == ".safetensors":
            with safetensors.safe_open(path, "pt") as file:
                print(f"    {len(file.keys())} tensors, such as {', '.join(sorted(file.keys())[:3])}")


if __name__ == "__main__":
    main()
