"""Tiny encoder-decoder checkpoints (Switch Transformers, NLLB-MoE) and what transformers computes with them: see README.md.

    python tools/golden/encoder_decoder.py [--only CASE] [--check] [--out FOLDER]

A case is made by the release of transformers that is its oracle; the others are left alone. `--check` compares the checkpoints that are
there with whatever release is installed and writes nothing.
"""

import argparse
import itertools
import json
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import DynamicCache, EncoderDecoderCache
from transformers.modeling_outputs import MoEModelOutput

from encoder_decoder_cases import CASES, FAMILIES, VOCABULARY
from readable_json import to_json

REPOSITORY = Path(__file__).resolve().parents[2]
GREEDY_TOKENS = 24
MIN_LOGIT_MARGIN = 0.02
MIN_ROUTER_MARGIN = 0.001
MIN_PRIORITY_MARGIN = 0.0001
MIN_DISTINCT_TOKENS = 6
PROMPTS_PER_SEED = 12
MIN_EFFECT = 0.1
PROMPT = ("token_ids", "decoder_token_ids", "forced_bos_token_id")


class Recorder:
    """Context manager: while it is open, forward passes leave their intermediate tensors in `tensors`, the last pass those that stay."""

    def __init__(self, family, model):
        self.tensors = {}
        self.router_margin = float("inf")
        self.priority_margin = float("inf")  # between the probabilities that decide who goes first
        self.dropped = {}
        self._choices = family.choices
        self._handles = []
        for prefix, stack in family.stacks(model).items():
            family.watch(self, prefix, stack)
        self.keep_output(model.lm_head, "logits")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for handle in self._handles:
            handle.remove()

    def keep_output(self, module, name):
        hook = lambda _, inputs, output: self._put(name, output[0] if isinstance(output, tuple) else output)
        self._handles.append(module.register_forward_hook(hook))

    def keep_input(self, module, name):
        # The keyword is what older releases pass.
        hook = lambda _, inputs, named: self._put(name, inputs[0] if inputs else named["hidden_states"])
        self._handles.append(module.register_forward_pre_hook(hook, with_kwargs=True))

    def keep_routing(self, router, layer, weights_of):
        """`weights_of`: the router's first two outputs -> the weight of each expert for each token, 0 where it is not applied."""
        logits = {}
        self._handles.append(router.classifier.register_forward_hook(lambda _, inputs, output: logits.update(now=output.detach().clone())))

        def hook(_, inputs, output):
            weights = weights_of(*output[:2]).reshape(-1, router.num_experts)
            ranked = logits["now"].float().reshape(-1, router.num_experts).sort(dim=-1, descending=True)
            expert_ids = ranked.indices[:, : self._choices]
            applied = weights.gather(1, expert_ids)
            if (applied > 0).sum() != (weights > 0).sum():
                raise ValueError(f"{layer}: the router chose other experts than its logits say")
            self._put(f"{layer}.gate_weights", applied)
            self.tensors[f"{layer}.expert_ids"] = expert_ids.to(torch.int32).clone()
            top = ranked.values[:, : self._choices + 1]
            self.router_margin = min(self.router_margin, (top[:, :-1] - top[:, 1:]).min().item())
            if getattr(router, "batch_prioritized_routing", False) and len(top) > 1:
                likely = ranked.values.softmax(dim=-1)[:, 0].sort().values
                self.priority_margin = min(self.priority_margin, (likely[1:] - likely[:-1]).min().item())
            stack = "encoder" if layer.startswith("encoder.") else "decoder"
            for rank, count in zip(("first", "second"), (applied == 0).sum(dim=0).tolist()):
                self.dropped[f"{stack} {rank}"] = self.dropped.get(f"{stack} {rank}", 0) + count

        self._handles.append(router.register_forward_hook(hook))

    def _put(self, name, tensor):
        self.tensors[name] = tensor.detach().reshape(-1, tensor.shape[-1]).to(torch.float32).clone()


@torch.inference_mode()
def run(family, model, prompt):
    """`prompt`: token_ids, decoder_token_ids and perhaps forced_bos_token_id -> what `reference.json` says of it, and `tensors`.

    The tensors are those of one pass over the encoder's tokens and the decoder's prefix; the greedy continuation uses the cache.
    """
    encoder_ids = torch.tensor([prompt["token_ids"]])
    prefix = torch.tensor([prompt["decoder_token_ids"]])
    with Recorder(family, model) as recorder:
        step = model(input_ids=encoder_ids, decoder_input_ids=prefix, output_router_logits=False)
        tensors = dict(recorder.tensors)
        dropped = dict(recorder.dropped)
        tensors["logprobs"] = torch.log_softmax(tensors["logits"], dim=-1)
        recorder.tensors = {}
        encoded = MoEModelOutput(last_hidden_state=step.encoder_last_hidden_state)
        generated, margins = [], []
        while True:
            logits = step.logits[0, -1].to(torch.float32)
            token = int(logits.argmax())
            if prompt.get("forced_bos_token_id") is not None and not generated:
                token = prompt["forced_bos_token_id"]
            else:
                first, second = logits.topk(2).values.tolist()
                margins.append(first - second)
            generated.append(token)
            if len(generated) == GREEDY_TOKENS:
                break
            step = model(
                encoder_outputs=encoded,
                attention_mask=torch.ones_like(encoder_ids),
                decoder_input_ids=torch.tensor([[token]]),
                past_key_values=step.past_key_values,
                output_router_logits=False,
            )
        if recorder.dropped != dropped:
            raise ValueError("a step of one token dropped a choice")
    return {
        **{key: prompt[key] for key in PROMPT if key in prompt},
        "greedy_token_ids": generated,
        "logit_margins": margins,
        "min_logit_margin": min(margins),
        "min_router_margin": recorder.router_margin,
        "dropped": dropped,
        "priority_margin": recorder.priority_margin,
        "tensors": tensors,
    }


def check_generate(model, result):
    """transformers' own generate() gives the same tokens, up to the end token, at which it stops."""
    encoder_ids, prefix, expected = (torch.tensor([result[key]]) for key in ("token_ids", "decoder_token_ids", "greedy_token_ids"))
    output = model.generate(
        input_ids=encoder_ids,
        attention_mask=torch.ones_like(encoder_ids),
        decoder_input_ids=prefix,
        # Made here, since 5.23.0 makes one of as many layers as the encoder has.
        past_key_values=EncoderDecoderCache(DynamicCache(), DynamicCache()),
        forced_bos_token_id=result.get("forced_bos_token_id"),
        do_sample=False,
        max_new_tokens=GREEDY_TOKENS,
    )
    produced = output[0, prefix.shape[1] :].tolist()
    expected = expected[0].tolist()
    if produced != expected[: len(produced)] or (len(produced) < GREEDY_TOKENS and produced[-1] != model.config.eos_token_id):
        raise ValueError(f"generate() gives {produced}, the steps give {expected}")


@torch.no_grad()
def fill(model, generator):
    """Random weights that make routing decisive and logits far apart. Nothing stays at an initial one or zero."""
    for name, parameter in model.named_parameters():
        if "norm" in name and name.endswith("weight"):
            parameter.uniform_(0.5, 1.5, generator=generator)
        elif name.endswith("bias"):
            parameter.normal_(0, 0.2, generator=generator)
        elif "shared" in name or "embed_tokens" in name:
            parameter.normal_(0, 0.15 if getattr(model.config, "scale_embedding", False) else 0.5, generator=generator)
        elif "relative_attention_bias" in name or "classifier" in name or "lm_head" in name:
            parameter.normal_(0, 0.5, generator=generator)
        elif name.endswith(".q.weight"):
            # Switch does not scale its scores; large ones would make rounding errors larger than what is compared.
            parameter.normal_(0, 0.12, generator=generator)
        else:
            # Large, so that a tied output matrix does not merely find the last token again.
            parameter.normal_(0, 0.4, generator=generator)


def write(case, seed, folder):
    family = FAMILIES[case.family]
    shutil.rmtree(folder, ignore_errors=True)
    model = family.model_class(family.config_class(**{**family.small, **case.config}))
    model.tie_weights()
    fill(model, torch.Generator().manual_seed(seed))
    if not model.config.tie_word_embeddings:
        # Only the output matrix is apart: both stacks embed with the shared matrix, as in published checkpoints.
        for stack in family.stacks(model).values():
            stack.embed_tokens.weight.data.copy_(model.get_input_embeddings().weight)
    model.save_pretrained(folder)
    (folder / "generation_config.json").unlink(missing_ok=True)
    path = folder / "config.json"
    config = {key: value for key, value in json.loads(path.read_text()).items() if key not in case.left_out}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def load(family, folder, **config):
    model, report = family.model_class.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True, **config
    )
    unmatched = {kind: keys for kind, keys in report.items() if keys}
    if unmatched:
        raise ValueError(f"{folder}: transformers could not place every tensor: {unmatched}")
    return model.eval()


def random_prompt(case, prompt, generator):
    start = FAMILIES[case.family].small["decoder_start_token_id"]
    draw = lambda count: torch.randint(3, VOCABULARY, (count,), generator=generator).tolist()
    tokens = {"token_ids": draw(prompt.length), "decoder_token_ids": [start] + draw(prompt.prefix - 1)}
    return tokens if prompt.forced_bos is None else {**tokens, "forced_bos_token_id": prompt.forced_bos}


def decisive(result, pad_token, distinct_tokens, dropped):
    return (
        result["min_logit_margin"] >= MIN_LOGIT_MARGIN
        and result["min_router_margin"] >= MIN_ROUTER_MARGIN
        and result["priority_margin"] >= MIN_PRIORITY_MARGIN
        # The padding token would be hidden from positions and attention.
        and pad_token not in result["greedy_token_ids"]
        and len(set(result["greedy_token_ids"])) >= distinct_tokens
        and all(result["dropped"].get(kind, 0) > 0 for kind in dropped)
    )


def search(case, family, model, seed):
    """-> for each prompt of `case` what the model computes for a random one that no rounding can upset; None where none is found."""
    generator = torch.Generator().manual_seed(1_000_000 + seed)
    results = []
    for prompt in case.prompts:
        # A short prompt need not be interesting as well.
        demands = (MIN_DISTINCT_TOKENS, case.dropped) if prompt is case.prompts[-1] else (MIN_DISTINCT_TOKENS // 2, ())
        for _ in range(PROMPTS_PER_SEED):
            result = run(family, model, random_prompt(case, prompt, generator))
            if decisive(result, model.config.pad_token_id, *demands):
                results.append(result)
                break
        else:
            return None
    return results


def generate(case, folder):
    family = FAMILIES[case.family]
    for seed in itertools.count(1):
        write(case, seed, folder)
        model = load(family, folder)
        results = search(case, family, model, seed)
        if results is not None:
            break
    for result in results:
        check_generate(model, result)
    for option, other in case.matters.items():
        without = run(family, load(family, folder, **{option: other}), results[-1])
        effect = (without["tensors"]["logits"] - results[-1]["tensors"]["logits"]).abs().max().item()
        if effect < MIN_EFFECT:
            raise ValueError(f"{case.name}: {option}={other} changes the logits by {effect} only; the case tests nothing")
    tensors = {f"prompt{i}.{key}": value for i, result in enumerate(results) for key, value in result["tensors"].items()}
    save_file(tensors, folder / "reference.safetensors")
    description = {
        "case": case.name,
        "about": case.about,
        "seed": seed,
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "checkpoint_dtype": "float32",
        **family.about_positions(model.config),
        "runs": [
            {
                "dtype": "float32",
                "tensors": "reference.safetensors",
                "prompts": [
                    {key: value for key, value in result.items() if key not in ("tensors", "priority_margin")} for result in results
                ],
            }
        ],
    }
    (folder / "reference.json").write_text(to_json(description))
    print(case.name, "seed", seed, [result["dropped"] for result in results])
    for path in sorted(folder.iterdir()):
        print(f"    {path.name}  {path.stat().st_size} bytes")


def check(case, folder):
    """The installed transformers against what is on disk."""
    family = FAMILIES[case.family]
    model = load(family, folder)
    expected = load_file(folder / "reference.safetensors")
    worst = 0.0
    for i, prompt in enumerate(json.loads((folder / "reference.json").read_text())["runs"][0]["prompts"]):
        result = run(family, model, prompt)
        if result["greedy_token_ids"] != prompt["greedy_token_ids"]:
            raise ValueError(f"{case.name}, prompt {i}: {result['greedy_token_ids']} instead of {prompt['greedy_token_ids']}")
        for key, value in result["tensors"].items():
            worst = max(worst, (value - expected[f"prompt{i}.{key}"]).abs().max().item())
    print(f"{case.name}: transformers {transformers.__version__} differs by {worst:.2e} at most")


def main():
    parser = argparse.ArgumentParser(description="Golden tensors of encoder-decoder models from Hugging Face transformers.")
    parser.add_argument("--only", metavar="CASE", choices=[case.name for case in CASES])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--out", type=Path, default=REPOSITORY / "model/src/test/resources/golden")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    for case in CASES:
        if options.only not in (None, case.name):
            continue
        if options.check:
            check(case, options.out / case.name)
        elif transformers.__version__ == FAMILIES[case.family].oracle:
            generate(case, options.out / case.name)
        else:
            print(f"{case.name}: made by transformers {FAMILIES[case.family].oracle} only")


if __name__ == "__main__":
    main()
