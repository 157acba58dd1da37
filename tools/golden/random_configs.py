"""Writes tiny checkpoints of random configurations and what transformers computes with them: see README.md.

    python tools/golden/random_configs.py FOLDER [--seed N] [--only FAMILY...]

A configuration depends on the seed, its family and its number alone. NLLB-MoE's are made under transformers 4.57.6, all others under the
pinned release.
"""

import argparse
import itertools
import random
import shutil
from pathlib import Path

import torch
import transformers
from safetensors.torch import save_file

import checkpoints
import encoder_decoder
import families
from checkpoints import Case
from encoder_decoder_cases import FAMILIES as ENCODER_DECODERS
from encoder_decoder_cases import Case as EncoderDecoderCase
from encoder_decoder_cases import Prompt
from generate import MIN_LOGIT_MARGIN, MIN_ROUTER_MARGIN
from readable_json import to_json
from reference import record

GREEDY_TOKENS = 8
SEEDS = 60  # of weights, before another configuration is drawn
PROMPTS_PER_SEED = 12
LONGEST = 40  # tokens of a prompt
EACH = dict.fromkeys(
    "olmoe mixtral qwen2_moe qwen3_moe flex_olmo granitemoe phimoe gpt_oss deepseek_v2 deepseek_v3 glm4_moe".split(), 12
) | dict.fromkeys("llama mistral qwen2 olmo olmo2".split(), 8) | dict(switch=14, nllb=14)
WITHOUT_HEAD_DIM = {"olmoe", "qwen2_moe", "flex_olmo", "granitemoe", "phimoe", "qwen2", "olmo", "olmo2"}
HIDDEN_BY_HEADS = {"llama", "deepseek_v2"}  # heads must divide hidden_size, whatever their width
CAN_BE_FUSED = {"olmoe", "qwen2_moe", "qwen3_moe", "flex_olmo", "deepseek_v2", "deepseek_v3", "glm4_moe"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", metavar="FAMILY", nargs="+", choices=list(EACH), default=list(EACH))
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    transformers.utils.logging.set_verbosity(transformers.logging.CRITICAL)
    transformers.utils.logging.disable_progress_bar()
    old = transformers.__version__ == ENCODER_DECODERS["nllb"].oracle
    for family in options.only:
        if (family == "nllb") != old:
            print(f"{family}: not made by transformers {transformers.__version__}")
            continue
        for number in range(EACH[family]):
            make(family, number, options.seed, options.folder / f"{family.replace('_', '-')}-{number:02}")


def make(family, number, seed, folder):
    """Draws configurations until one has weights with which no rounding can change a choice."""
    draw = random.Random(f"{seed} {family} {number}")
    for attempt in itertools.count(1):
        drawn = draw_encoder_decoder(draw, family, folder.name) if family in ENCODER_DECODERS else draw_decoder(draw, family, folder.name)
        for weights in range(SEEDS):
            found = (run_encoder_decoder if family in ENCODER_DECODERS else run_decoder)(drawn, draw.randrange(1 << 30), folder)
            if found:
                write(drawn, folder, found)
                print(f"{folder.name}: configuration {attempt}, weights {weights + 1}: {drawn.config}", flush=True)
                return


def write(case, folder, results):
    save_file({f"prompt{i}.{key}": value for i, result in enumerate(results) for key, value in result["tensors"].items()},
              folder / "reference.safetensors")
    kept = ("token_ids", "decoder_token_ids", "forced_bos_token_id", "greedy_token_ids")
    prompts = [{key: result[key] for key in kept if key in result} for result in results]
    description = {
        "case": case.name,
        "torch": torch.__version__.split("+")[0],
        "transformers": transformers.__version__,
        "runs": [{"dtype": "float32", "tensors": "reference.safetensors", "prompts": prompts}],
    }
    (folder / "reference.json").write_text(to_json(description))


# Decoder-only models


def run_decoder(case, seed, folder):
    """-> for each prompt what the model computes, or None if the weights of this seed leave a choice to rounding."""
    checkpoints.write(case, seed, folder)
    model = checkpoints.load(folder, torch.float32)
    generator = torch.Generator().manual_seed(seed)
    results = []
    for length in case.prompt_lengths:
        token_ids = torch.randint(2, case.config["vocab_size"], (length,), generator=generator).tolist()
        generated, margins = greedy(model, token_ids)
        _, router_margin = record(model, token_ids + generated)
        tensors, margin = record(model, token_ids)
        if min(margins) < MIN_LOGIT_MARGIN or min(margin, router_margin) < MIN_ROUTER_MARGIN:
            return None
        results.append(dict(token_ids=token_ids, greedy_token_ids=generated, min_logit_margin=min(margins), tensors=tensors))
    return results


@torch.inference_mode()
def greedy(model, token_ids):
    """Without a cache: transformers' cache of a window of one token holds all of them, and its cached keys are of no use to a sequence
    that outgrows its original context (longrope)."""
    generated, margins = [], []
    for _ in range(GREEDY_TOKENS):
        logits = model(input_ids=torch.tensor([token_ids + generated]), use_cache=False).logits[0, -1]
        first, second = logits.topk(2).values.tolist()
        generated.append(int(logits.argmax()))
        margins.append(first - second)
    return generated, margins


def draw_decoder(r, family, name):
    like = next(case for case in checkpoints.CASES + families.CASES if case.family == family)
    config = sizes(r, family) | FAMILIES[family](r)
    config["rope_parameters"] = config.get("rope_parameters") or rope(r, config)
    defaults = like.defaults
    if family == "olmo":
        config.pop("rms_norm_eps")
    latent = "kv_lora_rank" in config
    if latent:
        config["num_key_value_heads"] = config["num_attention_heads"]
        config.pop("head_dim", None)
    if family in HIDDEN_BY_HEADS:
        config["hidden_size"] -= config["hidden_size"] % config["num_attention_heads"]
    if "num_experts" in defaults and "num_experts" not in config:
        defaults = {key: value for key, value in defaults.items() if key != "num_experts"}
    tied = config["tie_word_embeddings"]
    return Case(
        name,
        "",
        config,
        prompt_lengths=(r.randint(1, 6), r.randint(7, LONGEST)),
        family=family,
        defaults=defaults,
        scales=like.scales,
        dtype=torch.bfloat16 if chance(r, 0.1) else torch.float32,
        max_shard_size="20KB" if chance(r, 0.1) else "1GB",
        fused_experts=family in CAN_BE_FUSED and not tied and chance(r, 0.15),
        old_config=chance(r, 0.4),
        own_arithmetic=False,
    )


def chance(r, probability=0.5):
    return r.random() < probability


def divisor(r, n):
    return r.choice([d for d in range(1, n + 1) if n % d == 0])


def sizes(r, family):
    heads = r.choice([1, 2, 3, 4, 6])
    head_dim = 2 * r.randint(1, 8)
    config = dict(
        vocab_size=r.randint(23, 101),
        hidden_size=heads * head_dim,
        intermediate_size=r.randint(3, 45),
        num_hidden_layers=r.randint(1, 4),
        num_attention_heads=heads,
        num_key_value_heads=divisor(r, heads),
        max_position_embeddings=r.choice([64, 100, 256]),
        rms_norm_eps=r.choice([1e-6, 1e-5, 1e-3, 1e-1]),
        tie_word_embeddings=chance(r, 0.3),
    )
    if family not in WITHOUT_HEAD_DIM:
        config["head_dim"] = head_dim
        if chance(r):
            config["hidden_size"] = r.randint(6, 56)
    return config


def rope(r, config):
    theta = r.choice([30.0, 1000.0, 10000.0, 1000000.0])
    original = r.choice([8, 16, 40])
    kind = r.choice(["default", "default", "linear", "llama3", "yarn", "yarn"])
    options = {
        "default": {},
        "linear": dict(factor=r.uniform(1, 10)),
        "llama3": dict(
            factor=r.uniform(1, 16),
            low_freq_factor=r.uniform(0.5, 2),
            high_freq_factor=r.uniform(2.5, 6),
            original_max_position_embeddings=original,
        ),
        "yarn": dict(factor=r.uniform(1, 40), original_max_position_embeddings=original)
        | (dict(beta_fast=r.choice([4.0, 16.0, 32.0]), beta_slow=r.choice([0.5, 1.0])) if chance(r) else {})
        | (dict(mscale=r.uniform(0.5, 1.2), mscale_all_dim=r.uniform(0.5, 1.2)) if chance(r) else {})
        | (dict(attention_factor=r.uniform(0.7, 1.4)) if chance(r, 0.2) else {})
        | (dict(truncate=False) if chance(r, 0.2) else {}),
    }[kind]
    return dict(rope_type=kind, rope_theta=theta, **options)


def experts(r, name, least=1):
    count = r.randint(max(2, least), 9)
    return {name: count, "num_experts_per_tok": r.randint(least, min(count, 4))}


def window(r):
    return r.randint(1, 12)


def olmoe(r):
    return dict(
        **experts(r, "num_experts"),
        norm_topk_prob=chance(r),
        clip_qkv=r.uniform(0.2, 1.5) if chance(r, 0.4) else None,
        attention_bias=chance(r, 0.2),
    )


def mixtral(r):
    return dict(**experts(r, "num_local_experts"), sliding_window=window(r) if chance(r) else None)


def qwen2_moe(r):
    return dict(
        **experts(r, "num_experts"),
        moe_intermediate_size=r.randint(3, 20),
        shared_expert_intermediate_size=r.randint(3, 20),
        norm_topk_prob=chance(r),
        qkv_bias=chance(r),
        decoder_sparse_step=r.choice([1, 1, 2, 3]),
        mlp_only_layers=sorted(r.sample(range(4), r.choice([0, 0, 1, 2]))),
        use_sliding_window=chance(r),
        sliding_window=window(r),
        max_window_layers=r.randint(0, 4),
    )


def qwen3_moe(r):
    return dict(
        **experts(r, "num_experts"),
        moe_intermediate_size=r.randint(3, 20),
        norm_topk_prob=chance(r),
        attention_bias=chance(r),
        decoder_sparse_step=r.choice([1, 1, 2, 3]),
        mlp_only_layers=sorted(r.sample(range(4), r.choice([0, 0, 1, 2]))),
        use_sliding_window=chance(r),
        sliding_window=window(r),
    )


def llama(r):
    return dict(attention_bias=chance(r), mlp_bias=chance(r))


def mistral(r):
    return dict(sliding_window=window(r) if chance(r) else None)


def qwen2(r):
    return dict(use_sliding_window=chance(r), sliding_window=window(r), max_window_layers=r.randint(0, 4))


def olmo(r):
    return dict(attention_bias=chance(r), clip_qkv=r.uniform(0.2, 1.5) if chance(r) else None)


def olmo2(r):
    return dict(attention_bias=chance(r))


def flex_olmo(r):
    return dict(**experts(r, "num_experts"), norm_topk_prob=chance(r), attention_bias=chance(r))


def granitemoe(r):
    return dict(
        **experts(r, "num_local_experts"),
        attention_bias=chance(r),
        embedding_multiplier=r.uniform(0.3, 2),
        residual_multiplier=r.uniform(0.3, 1.5),
        attention_multiplier=r.uniform(0.1, 1),
        logits_scaling=r.uniform(0.3, 2),
    )


def gpt_oss(r):
    layers = r.randint(1, 4)
    return dict(
        **experts(r, "num_local_experts"),
        num_hidden_layers=layers,
        attention_bias=chance(r),
        swiglu_limit=r.uniform(0.5, 8),
        swiglu_alpha=r.uniform(0.5, 2.5),
        sliding_window=window(r),
        layer_types=[r.choice(["full_attention", "sliding_attention"]) for _ in range(layers)],
    )


def phimoe(r):
    heads, half = r.choice([1, 2, 3, 4]), r.randint(1, 6)
    longrope = dict(
        rope_type="longrope",
        rope_theta=r.choice([100.0, 10000.0]),
        short_factor=[r.uniform(1, 3) for _ in range(half)],
        long_factor=[r.uniform(1, 9) for _ in range(half)],
        short_mscale=r.uniform(0.7, 1.4),
        long_mscale=r.uniform(0.7, 1.4),
        original_max_position_embeddings=r.randint(3, 44),
    )
    return dict(
        num_local_experts=r.randint(2, 9),
        num_experts_per_tok=2,
        num_attention_heads=heads,
        num_key_value_heads=divisor(r, heads),
        hidden_size=2 * half * heads,
        attention_bias=chance(r),
        lm_head_bias=chance(r),
        router_jitter_noise=r.choice([0.01, 0.05, 0.2, 0.6]),
        sliding_window=window(r) if chance(r, 0.3) else None,
        rope_parameters=longrope if chance(r, 0.6) else dict(rope_type="default", rope_theta=r.choice([100.0, 10000.0])),
    )


def latent(r):
    return dict(
        hidden_size=r.randint(6, 50),
        q_lora_rank=r.randint(2, 18) if chance(r) else None,
        kv_lora_rank=r.randint(2, 20),
        qk_nope_head_dim=r.randint(1, 12),
        qk_rope_head_dim=2 * r.randint(1, 5),
        v_head_dim=r.randint(1, 12),
        attention_bias=chance(r),
    )


def groups(r, least):
    count = r.randint(1, 4)
    size = r.randint(max(least, 2), 4)
    used = r.randint(1, count)
    return dict(
        n_routed_experts=count * size,
        n_group=count,
        topk_group=used,
        num_experts_per_tok=r.randint(1, min(4, used * size)),
        moe_intermediate_size=r.randint(3, 16),
        n_shared_experts=r.randint(1, 3),
        routed_scaling_factor=r.uniform(0.5, 2.5),
        first_k_dense_replace=r.randint(0, 2),
    )


def deepseek_v2(r):
    method = r.choice(["greedy", "group_limited_greedy"])
    config = latent(r)
    for name in ("kv_lora_rank", "qk_nope_head_dim"):  # or torch could not take two floats for a complex number
        config[name] += config[name] % 2
    return config | groups(r, 1) | dict(topk_method=method, norm_topk_prob=False, mlp_bias=chance(r, 0.3))


def deepseek_v3(r):
    return latent(r) | groups(r, 2) | dict(norm_topk_prob=chance(r), rope_interleave=chance(r))


def glm4_moe(r):
    config = groups(r, 2) | dict(norm_topk_prob=chance(r), use_qk_norm=chance(r), attention_bias=chance(r))
    config["head_dim"] = 4 * r.randint(1, 4)
    config["rope_parameters"] = rope(r, config) | dict(partial_rotary_factor=r.choice([0.5, 0.5, 1.0]))
    return config


FAMILIES = {
    function.__name__: function
    for function in (
        olmoe, mixtral, qwen2_moe, qwen3_moe, llama, mistral, qwen2, olmo, olmo2, flex_olmo, granitemoe, gpt_oss, phimoe,
        deepseek_v2, deepseek_v3, glm4_moe,
    )
}


# Models with an encoder


def run_encoder_decoder(case, seed, folder):
    family = ENCODER_DECODERS[case.family]
    encoder_decoder.write(case, seed, folder)
    model = encoder_decoder.load(family, folder)
    generator = torch.Generator().manual_seed(seed)
    results = []
    for prompt in case.prompts:
        for _ in range(PROMPTS_PER_SEED):
            result = encoder_decoder.run(family, model, encoder_decoder.random_prompt(case, prompt, generator))
            if encoder_decoder.decisive(result, model.config.pad_token_id, 1, ()):
                results.append(result)
                break
        else:
            return None
    return results


def draw_encoder_decoder(r, family, name):
    prompts = (
        Prompt(r.randint(1, 5), prefix=r.randint(1, 3), forced_bos=80 if family == "nllb" and chance(r, 0.3) else None),
        Prompt(r.randint(6, LONGEST), prefix=r.randint(1, 10)),
    )
    return EncoderDecoderCase(name, family, "", (draw_switch if family == "switch" else draw_nllb)(r), prompts)


def draw_switch(r):
    layers, decoder_layers = r.randint(1, 4), r.randint(1, 4)
    buckets = 2 * r.randint(2, 10)
    return dict(
        d_model=r.randint(8, 40),
        d_kv=r.randint(2, 10),
        d_ff=r.randint(3, 24),
        num_heads=r.randint(1, 5),
        num_layers=layers,
        num_sparse_encoder_layers=r.randint(0, layers),
        num_decoder_layers=decoder_layers,
        num_sparse_decoder_layers=r.randint(0, decoder_layers),
        num_experts=r.randint(2, 7),
        expert_capacity=r.choice([1, 2, 3, 64]),
        router_bias=chance(r),
        relative_attention_num_buckets=buckets,
        relative_attention_max_distance=r.randint(buckets, 60),
        layer_norm_epsilon=r.choice([1e-6, 1e-2]),
        tie_word_embeddings=chance(r),
    )


def draw_nllb(r):
    heads = r.choice([1, 2, 3, 4])
    return dict(
        d_model=12 * r.randint(1, 3),
        encoder_layers=r.randint(1, 4),
        decoder_layers=r.randint(1, 4),
        encoder_sparse_step=r.randint(0, 3),
        decoder_sparse_step=r.randint(0, 3),
        encoder_ffn_dim=r.randint(3, 24),
        decoder_ffn_dim=r.randint(3, 24),
        encoder_attention_heads=heads,
        decoder_attention_heads=r.choice([1, 2, 3, 4]),
        num_experts=r.randint(2, 7),
        expert_capacity=r.choice([1, 3, 64]),
        router_bias=chance(r),
        scale_embedding=chance(r),
        moe_token_dropout=r.choice([0.0, 0.2, 0.35]),
        moe_eval_capacity_token_fraction=r.choice([-1.0, 0.25, 0.6, 1.0]),
        normalize_router_prob_before_dropping=chance(r),
        batch_prioritized_routing=chance(r, 0.3),
    )


if __name__ == "__main__":
    main()
