"""Tiny checkpoints with random weights, on disk in the layouts in which real ones come."""

import itertools
import json
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

# Awkward on purpose: hardly a width is a multiple of a vector register, and half a head's width is odd.
SMALL = dict(
    vocab_size=97,
    hidden_size=40,
    intermediate_size=20,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=4,
    num_experts=6,
    num_experts_per_tok=2,
    norm_topk_prob=False,
    clip_qkv=None,
    rms_norm_eps=1e-5,
    max_position_embeddings=128,
    rope_parameters=dict(rope_type="default", rope_theta=10000.0),
    tie_word_embeddings=False,
    pad_token_id=1,
    bos_token_id=None,
    eos_token_id=0,
)

# Standard deviations by the end of a parameter's name; the last one that fits counts.
SCALES = {"": 0.25, "mlp.gate.weight": 0.5, "router.weight": 0.5, "embed_tokens.weight": 0.5}


@dataclass(frozen=True)
class Case:
    name: str
    about: str
    config: dict = field(default_factory=dict)  # on top of `defaults`
    prompt_lengths: tuple = (1, 13)
    dtype: torch.dtype = torch.float32
    matters: dict = field(default_factory=dict)  # config values that would change the logits: proof that the option bites
    family: str = "olmoe"
    defaults: dict = field(default_factory=lambda: SMALL)
    scales: dict = field(default_factory=dict)  # on top of SCALES
    max_shard_size: str = "1GB"
    fused_experts: bool = False
    old_config: bool = False
    old_names: dict = field(default_factory=dict)  # of config.json: what transformers writes now, to what releases have
    extra_config: dict = field(default_factory=dict)  # what config.json has beyond what transformers reads
    mtp_layer: bool = False
    mxfp4: bool = False
    fp8_block: int = 0  # float8 weights with a scale per block of that many rows and columns
    own_arithmetic: bool = True  # computed not only in float32, but in `dtype` as well


CASES = [
    Case(
        "olmoe-base-f32",
        "the published model's options in small: no renormalisation, as many key heads as query heads",
        dict(hidden_size=48, num_hidden_layers=3, num_experts=8, num_experts_per_tok=3),
        matters=dict(norm_topk_prob=True, rms_norm_eps=1e-1),
    ),
    Case(
        "olmoe-normtopk-f32",
        "norm_topk_prob: the chosen experts' weights sum to one",
        dict(norm_topk_prob=True, num_experts_per_tok=3),
        matters=dict(norm_topk_prob=False),
    ),
    Case(
        "olmoe-clip-f32",
        "clip_qkv: queries, keys and values are clamped after the QK-norm",
        dict(clip_qkv=0.6),
        matters=dict(clip_qkv=None),
    ),
    Case(
        "olmoe-gqa-f32",
        "two query heads share a key head; a long prompt; a large epsilon and another rotary base",
        dict(num_key_value_heads=2, rms_norm_eps=1e-2, rope_parameters=dict(rope_type="default", rope_theta=500.0)),
        prompt_lengths=(5, 70),
        matters=dict(rms_norm_eps=1e-5, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
    ),
    Case("olmoe-tied-f32", "no lm_head tensor: the embedding is the output matrix", dict(tie_word_embeddings=True)),
    Case("olmoe-sharded-f32", "several safetensors files and their index", max_shard_size="60KB"),
    Case("olmoe-fused-f32", "all experts of a layer in one gate_up_proj and one down_proj tensor", fused_experts=True),
    Case(
        "olmoe-oldconfig-f32",
        "config.json as older releases wrote it: rope_theta, rope_scaling and torch_dtype at the top level",
        dict(rope_parameters=dict(rope_type="default", rope_theta=200.0)),
        matters=dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
        old_config=True,
    ),
    Case("olmoe-bf16", "bfloat16 weights", dtype=torch.bfloat16),
]


def write(case, seed, folder):
    """Writes config.json and model*.safetensors of `case` with random weights into `folder`, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    config = {**case.defaults, **case.config}
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(case.family, **config), dtype=torch.float32)
    fill(model, {**SCALES, **case.scales}, torch.Generator().manual_seed(seed))
    biases = {name: buffer.clone() for name, buffer in model.named_buffers() if name.endswith("e_score_correction_bias")}
    model.to(case.dtype)
    for name, bias in biases.items():
        model.get_buffer(name).data = bias  # float32 in every release
    model.save_pretrained(folder, max_shard_size=case.max_shard_size)
    (folder / "generation_config.json").unlink(missing_ok=True)
    if case.fused_experts:
        # In memory transformers holds the experts fused; only its writer splits them.
        save_file(model.state_dict(), folder / "model.safetensors", metadata={"format": "pt"})
    if case.mxfp4:
        write_mxfp4(folder, torch.Generator().manual_seed(seed))
    if case.fp8_block:
        write_fp8(folder, case.fp8_block)
    if case.old_config:
        write_old_config(folder / "config.json", case.old_names)
    if case.extra_config:
        config = json.loads((folder / "config.json").read_text())
        (folder / "config.json").write_text(json.dumps({**config, **case.extra_config}, indent=2, sort_keys=True) + "\n")


@torch.no_grad()
def fill(model, scales, generator):
    """Random weights that make routing decisive and logits far apart. Nothing stays at an initial one or zero."""
    for name, parameter in model.named_parameters():
        if "norm" in name and not name.endswith("bias"):
            parameter.uniform_(0.5, 1.5, generator=generator)
        else:
            parameter.normal_(0, scale_of(name, scales), generator=generator)
    for name, buffer in model.named_buffers():
        if name.endswith("e_score_correction_bias"):
            buffer.normal_(0, scale_of(name, scales), generator=generator)


def scale_of(name, scales):
    return [scale for end, scale in scales.items() if name.endswith(end)][-1]


def write_mxfp4(folder, generator):
    """Random MXFP4 experts as gpt-oss has them: blocks [E, out, in / 32, 16] of two 4-bit numbers a byte, and their exponents."""
    tensors = load_file(folder / "model.safetensors")
    for name in [name for name in tensors if name.endswith(("experts.gate_up_proj", "experts.down_proj"))]:
        experts, inputs, outputs = tensors.pop(name).shape
        blocks = torch.randint(0, 256, (experts, outputs, inputs // 32, 16), generator=generator)
        lowest = 123 if name.endswith("gate_up_proj") else 119  # of 2^(e - 127)
        tensors[name + "_blocks"] = blocks.to(torch.uint8)
        tensors[name + "_scales"] = torch.randint(lowest, lowest + 3, blocks.shape[:-1], generator=generator).to(torch.uint8)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {
        "modules_to_not_convert": ["model.layers.*.self_attn", "model.layers.*.mlp.router", "model.embed_tokens", "lm_head"],
        "quant_method": "mxfp4",
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_fp8(folder, block):
    """The projections as DeepSeek-V3 has them: float8 with a scale per block, the last row and column of blocks cut off."""
    tensors = load_file(folder / "model.safetensors")
    for name in [name for name in tensors if name.endswith("_proj.weight") or "kv_a_proj" in name]:
        weight = tensors[name].float()
        rows, columns = (-(-size // block) for size in weight.shape)
        scales = torch.empty(rows, columns)
        for row, column in itertools.product(range(rows), range(columns)):
            scales[row, column] = weight[block_at(row, column, block)].abs().max() / torch.finfo(torch.float8_e4m3fn).max
        tensors[name] = (weight / spread(scales, weight, block)).to(torch.float8_e4m3fn)
        tensors[name + "_scale_inv"] = scales
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {
        "activation_scheme": "dynamic",
        "fmt": "e4m3",
        "quant_method": "fp8",
        "weight_block_size": [block, block],
    }
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def read_fp8(folder, block):
    """The tensors of a checkpoint in float32. transformers reads no blocks that are cut off."""
    tensors = load_file(folder / "model.safetensors")
    for name in [name for name in tensors if name.endswith("_scale_inv")]:
        scales = tensors.pop(name)
        weight = tensors[name.removesuffix("_scale_inv")].float()
        tensors[name.removesuffix("_scale_inv")] = weight * spread(scales, weight, block)
    return {name: tensor.float() for name, tensor in tensors.items()}


def block_at(row, column, block):
    return slice(row * block, (row + 1) * block), slice(column * block, (column + 1) * block)


def spread(scales, weight, block):
    rows, columns = weight.shape
    return scales.repeat_interleave(block, 0)[:rows].repeat_interleave(block, 1)[:, :columns]


def write_old_config(path, old_names):
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    kind = rope.pop("rope_type")
    if "partial_rotary_factor" in rope:
        config["partial_rotary_factor"] = rope.pop("partial_rotary_factor")
    config["rope_scaling"] = None if kind == "default" else {"type": kind, **rope}
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.43.0"
    config = {old_names.get(name, name): value for name, value in config.items()}
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def add_mtp_layer(folder):
    """Adds the layer that predicts a further token, which is no part of decoding: one more decoder layer with extra tensors."""
    config = json.loads((folder / "config.json").read_text())
    tensors = load_file(folder / "model.safetensors")
    layer, hidden = config["num_hidden_layers"], config["hidden_size"]
    last, mtp = f"model.layers.{layer - 1}.", f"model.layers.{layer}."
    tensors.update({mtp + name.removeprefix(last): tensor for name, tensor in tensors.items() if name.startswith(last)})
    tensors[mtp + "enorm.weight"] = torch.full((hidden,), 0.5)
    tensors[mtp + "hnorm.weight"] = torch.full((hidden,), 0.5)
    tensors[mtp + "eh_proj.weight"] = torch.full((hidden, 2 * hidden), 0.5)
    tensors[mtp + "embed_tokens.weight"] = tensors["model.embed_tokens.weight"]
    tensors[mtp + "shared_head.norm.weight"] = tensors["model.norm.weight"]
    tensors[mtp + "shared_head.head.weight"] = tensors["lm_head.weight"]
    save_file({name: tensor.clone() for name, tensor in tensors.items()}, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder, dtype, **changes):
    """The checkpoint as transformers reads it, with its plainest kernels. Every tensor is accounted for,
    but with `changes` to config.json there may be tensors that the changed model does not have."""
    config = json.loads((folder / "config.json").read_text())
    quantization = config.get("quantization_config", {})
    if quantization.get("quant_method") == "fp8":
        del config["quantization_config"]
        with tempfile.TemporaryDirectory() as plain:
            save_file(read_fp8(folder, quantization["weight_block_size"][0]), Path(plain) / "model.safetensors", {"format": "pt"})
            (Path(plain) / "config.json").write_text(json.dumps(config))
            return load(Path(plain), dtype, **changes)
    if quantization:
        quantization["dequantize"] = True  # or transformers asks for kernels of a GPU
    model, report = AutoModelForCausalLM.from_pretrained(
        folder,
        config=AutoConfig.for_model(**{**config, **changes}),
        dtype=dtype,
        attn_implementation="eager",
        experts_implementation="eager",
        output_loading_info=True,
    )
    if model.config.model_type == "phimoe" and model.config.rope_parameters["rope_type"] == "longrope":
        read_longrope(model.model.rotary_emb)
    unmatched = {kind: keys for kind, keys in report.items() if keys and not (changes and kind == "unexpected_keys")}
    if unmatched:
        raise ValueError(f"{folder}: transformers could not place every tensor: {unmatched}")
    return model.eval()


def read_longrope(rotary):
    """transformers 5.23 takes long_mscale beyond the original context, but always short_factor: its predecessors and
    Microsoft's own code tell the function the sequence's length, so that it takes long_factor there. So do we."""
    factors = rotary.rope_init_fn

    def tell_length(_, inputs, named):
        length = int(named["position_ids"].max()) + 1
        rotary.rope_init_fn = lambda config: factors(config, seq_len=length)

    rotary.register_forward_pre_hook(tell_length, with_kwargs=True)
