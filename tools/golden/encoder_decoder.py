"""Tiny encoder-decoder checkpoints (Switch Transformers, NLLB-MoE) and what transformers computes with them: see README.md.

    python tools/golden/encoder_decoder.py [--only CASE] [--check] [--out FOLDER]

A case is made by the release of transformers that is its oracle; the others are left alone. `--check` compares the checkpoints that are
there with whatever release is installed and writes nothing.
"""

import argparse
import itertools
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    DynamicCache,
    EncoderDecoderCache,
    NllbMoeConfig,
    NllbMoeForConditionalGeneration,
    SwitchTransformersConfig,
    SwitchTransformersForConditionalGeneration,
)
from transformers.modeling_outputs import MoEModelOutput

from readable_json import to_json

REPOSITORY = Path(__file__).resolve().parents[2]
GREEDY_TOKENS = 24
MIN_LOGIT_MARGIN = 0.02
MIN_ROUTER_MARGIN = 0.001
MIN_PRIORITY_MARGIN = 0.0001
MIN_DISTINCT_TOKENS = 6
PROMPTS_PER_SEED = 12
MIN_EFFECT = 0.1
VOCABULARY = 89
PROMPT = ("token_ids", "decoder_token_ids", "forced_bos_token_id")


@dataclass(frozen=True)
class Prompt:
    length: int  # tokens of the encoder's input
    prefix: int = 1  # tokens that the decoder is given in one pass, the start token included
    forced_bos: int | None = None  # the first generated token, whatever the logits say


@dataclass(frozen=True)
class Case:
    name: str
    family: str
    about: str
    config: dict
    prompts: tuple
    dropped: tuple = ()  # which of "encoder first", "encoder second", "decoder first", "decoder second" choices must be dropped somewhere
    left_out: tuple = ()  # of config.json
    matters: dict = field(default_factory=dict)  # config values that would change the logits: proof that the option bites


class Switch:
    oracle = "5.23.0"
    model_class = SwitchTransformersForConditionalGeneration
    config_class = SwitchTransformersConfig
    choices = 1
    small = dict(
        vocab_size=VOCABULARY,
        d_model=32,
        d_kv=6,
        d_ff=18,
        num_heads=4,
        num_layers=4,
        num_sparse_encoder_layers=2,
        num_decoder_layers=2,
        num_sparse_decoder_layers=1,
        num_experts=4,
        decoder_start_token_id=0,
        pad_token_id=0,
        eos_token_id=1,
    )

    @staticmethod
    def stacks(model):
        return {"encoder.": model.encoder, "": model.decoder}

    @staticmethod
    def watch(recorder, prefix, stack):
        recorder.keep_input(stack.block[0].layer[0], f"{prefix}embeddings")
        for n, block in enumerate(stack.block):
            recorder.keep_output(block.layer[0], f"{prefix}layers.{n}.attention_residual")
            if stack.is_decoder:
                recorder.keep_output(block.layer[1], f"{prefix}layers.{n}.cross_attention_residual")
            mlp = block.layer[-1].mlp
            if block.layer[-1].is_sparse:
                recorder.keep_routing(mlp.router, f"{prefix}layers.{n}", lambda mask, probabilities: mask * probabilities)
            recorder.keep_output(mlp, f"{prefix}layers.{n}.{'expert' if block.layer[-1].is_sparse else 'feed_forward'}_output")
            recorder.keep_output(block, f"{prefix}layers.{n}.output")
        recorder.keep_output(stack.final_layer_norm, f"{prefix}final_norm")

    @staticmethod
    def about_positions(config):
        """The bucket of every distance (key position minus query position) from -150 to 150."""
        from transformers.models.switch_transformers.modeling_switch_transformers import SwitchTransformersAttention

        distances = torch.arange(-150, 151)
        sizes = config.relative_attention_num_buckets, config.relative_attention_max_distance
        bucket = SwitchTransformersAttention._relative_position_bucket
        return {
            "first_distance": -150,
            "encoder_buckets": bucket(distances, True, *sizes).tolist(),
            "decoder_buckets": bucket(distances, False, *sizes).tolist(),
        }


class Nllb:
    oracle = "4.57.6"
    model_class = NllbMoeForConditionalGeneration
    config_class = NllbMoeConfig
    choices = 2
    small = dict(
        vocab_size=VOCABULARY,
        d_model=32,
        encoder_ffn_dim=18,
        encoder_attention_heads=4,
        decoder_ffn_dim=22,
        decoder_attention_heads=4,
        num_experts=5,
        max_position_embeddings=64,
        decoder_start_token_id=2,
    )

    @staticmethod
    def stacks(model):
        return {"encoder.": model.model.encoder, "": model.model.decoder}

    @staticmethod
    def watch(recorder, prefix, stack):
        recorder.keep_input(stack.layers[0].self_attn_layer_norm, f"{prefix}embeddings")
        for n, layer in enumerate(stack.layers):
            if hasattr(layer, "cross_attention"):
                recorder.keep_input(layer.cross_attention_layer_norm, f"{prefix}layers.{n}.attention_residual")
                recorder.keep_input(layer.ff_layer_norm, f"{prefix}layers.{n}.cross_attention_residual")
            else:
                recorder.keep_input(layer.ff_layer_norm, f"{prefix}layers.{n}.attention_residual")
            if layer.is_sparse:
                recorder.keep_routing(layer.ffn.router, f"{prefix}layers.{n}", lambda top_1_mask, weights: weights)
            recorder.keep_output(layer.ffn, f"{prefix}layers.{n}.{'expert' if layer.is_sparse else 'feed_forward'}_output")
            recorder.keep_output(layer, f"{prefix}layers.{n}.output")
        recorder.keep_output(stack.layer_norm, f"{prefix}final_norm")

    @staticmethod
    def about_positions(config):
        return {}


FAMILIES = {"switch": Switch, "nllb": Nllb}

CASES = [
    Case(
        "switch-base-f32",
        "switch",
        "the published options in small: tied embedding, capacity for all, 32 buckets up to 128; every second layer is sparse",
        {},
        (Prompt(3), Prompt(40, prefix=6)),
        matters=dict(relative_attention_max_distance=20),
    ),
    Case(
        "switch-tight-f32",
        "switch",
        "two tokens per expert: drops in the encoder and in the decoder's prefix; a router bias; every encoder layer is sparse, and of the "
        "decoder the second one, which is what num_sparse_decoder_layers 0 means in transformers",
        dict(
            d_kv=10,
            num_heads=2,
            num_layers=2,
            num_sparse_encoder_layers=2,
            num_decoder_layers=3,
            num_sparse_decoder_layers=0,
            num_experts=5,
            expert_capacity=2,
            router_bias=True,
            relative_attention_num_buckets=8,
            relative_attention_max_distance=20,
            layer_norm_epsilon=1e-2,
        ),
        (Prompt(5, prefix=2), Prompt(23, prefix=9)),
        dropped=("encoder first", "decoder first"),
        left_out=("encoder_sparse_step", "decoder_sparse_step", "router_dtype"),
        matters=dict(expert_capacity=64, layer_norm_epsilon=1e-6, relative_attention_max_distance=128),
    ),
    Case(
        "switch-untied-f32",
        "switch",
        "an output matrix of its own, then logits are not scaled; three tokens per expert; 3 // 2 makes every encoder layer sparse, 4 // 1 "
        "the decoder's second layer alone",
        dict(
            num_layers=3,
            num_decoder_layers=4,
            d_ff=14,
            num_experts=3,
            expert_capacity=3,
            tie_word_embeddings=False,
            relative_attention_num_buckets=12,
            relative_attention_max_distance=15,
        ),
        (Prompt(1), Prompt(14, prefix=11)),
        dropped=("encoder first", "decoder first"),
        matters=dict(expert_capacity=64),
    ),
    Case(
        "nllb-base-f32",
        "nllb",
        "the published options in small: capacity for all, the language code forced as first token",
        dict(normalize_router_prob_before_dropping=True, encoder_layers=3, encoder_sparse_step=3, decoder_layers=2, decoder_sparse_step=2),
        (Prompt(3, forced_bos=80), Prompt(21, prefix=6)),
        matters=dict(moe_token_dropout=0.0, scale_embedding=False),
    ),
    Case(
        "nllb-tight-f32",
        "nllb",
        "a quarter of the tokens per expert: first and second choices are dropped in the encoder and in the decoder's prefix; weights are "
        "normalised after dropping; a router bias; different head counts",
        dict(
            moe_eval_capacity_token_fraction=0.25,
            normalize_router_prob_before_dropping=False,
            router_bias=True,
            moe_token_dropout=0.35,
            encoder_layers=3,
            encoder_sparse_step=2,
            encoder_attention_heads=2,
            decoder_layers=2,
            decoder_sparse_step=1,
            decoder_attention_heads=8,
            num_experts=4,
        ),
        (Prompt(6, forced_bos=75), Prompt(19, prefix=9)),
        dropped=("encoder first", "encoder second", "decoder first", "decoder second"),
        matters=dict(moe_eval_capacity_token_fraction=1.0, normalize_router_prob_before_dropping=True, moe_token_dropout=0.0),
    ),
    Case(
        "nllb-priority-f32",
        "nllb",
        "a negative fraction, so that expert_capacity counts; likely tokens go first; normalised before dropping; no embedding scale; no "
        "sparse decoder layer",
        dict(
            moe_eval_capacity_token_fraction=-1.0,
            expert_capacity=4,
            batch_prioritized_routing=True,
            normalize_router_prob_before_dropping=True,
            scale_embedding=False,
            moe_token_dropout=0.0,
            encoder_layers=2,
            encoder_sparse_step=1,
            decoder_layers=2,
            decoder_sparse_step=0,
            num_experts=6,
        ),
        (Prompt(1, prefix=2), Prompt(22, prefix=4)),
        dropped=("encoder first", "encoder second"),
        matters=dict(expert_capacity=64, batch_prioritized_routing=False, normalize_router_prob_before_dropping=False),
    ),
]


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
    """`prompt`: token_ids, decoder_token_ids and perhaps forced_bos_token_id -> what `reference.json` says of it and `tensors`: all tensors of one pass over the encoder's tokens and the decoder's prefix, then the greedy continuation with the cache."""
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
                "prompts": [{key: value for key, value in result.items() if key not in ("tensors", "priority_margin")} for result in results],
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
