"""Writes golden checkpoints as GGUF files, as llama.cpp's converter would: see README.md.

    python tools/golden/gguf_files.py [--golden FOLDER]

Names come from gguf-py's tables, keys and changes of tensors from llama.cpp's conversion/*.py. There is no tokenizer.
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import load_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

REPOSITORY = Path(__file__).resolve().parents[2]
ARCHITECTURES = {
    "llama": "LLAMA", "mixtral": "LLAMA", "qwen2": "QWEN2", "qwen2_moe": "QWEN2MOE", "qwen3_moe": "QWEN3MOE", "olmo": "OLMO",
    "olmo2": "OLMO2", "olmoe": "OLMOE", "deepseek": "DEEPSEEK", "deepseek_v2": "DEEPSEEK2", "deepseek_v3": "DEEPSEEK2",
    "gpt_oss": "GPT_OSS", "phimoe": "PHIMOE", "granitemoe": "GRANITE_MOE", "glm4_moe": "GLM4_MOE",
}
PAIRED = {"llama", "mixtral", "olmo", "deepseek", "granitemoe"}
CASES = [
    "llama-plain-f32", "llama-bias-f32", "mixtral-full-f32", "qwen2-yarn-f32", "qwen2-moe-sparse-f32",
    "qwen3-moe-wide-f32", "olmo-clip-f32", "olmo2-plain-f32", "deepseek-base-f32", "deepseek-v2-lite-f32",
    "deepseek-v3-groups-f32", "gpt-oss-mxfp4-bf16", "phimoe-longrope-f32", "granitemoe-tied-f32", "glm4-moe-groups-f32",
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--golden", type=Path, default=REPOSITORY / "model/src/test/resources/golden")
    options = parser.parse_args()
    torch.set_num_threads(1)
    (options.golden / "gguf").mkdir(exist_ok=True)
    for case in CASES:
        write(options.golden / case, options.golden / "gguf" / f"{case}.gguf")


def write(folder, path):
    config = json.loads((folder / "config.json").read_text())
    tensors = {}
    for file in sorted(folder.glob("model*.safetensors")):
        tensors |= load_file(file)
    model = config["model_type"]
    arch = gguf.MODEL_ARCH[ARCHITECTURES[model]]
    writer = gguf.GGUFWriter(path, gguf.MODEL_ARCH_NAMES[arch])
    keys(writer, config, model)
    names = gguf.get_tensor_name_map(arch, config["num_hidden_layers"])
    for name, tensor in sorted(changed(config, model, tensors).items()):
        base, _, suffix = name.rpartition(".")
        short = names.get_name(base) if suffix in ("weight", "bias") else None
        add(writer, f"{short}.{suffix}" if short else name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def add(writer, name, tensor):
    if not name.startswith(("blk.", "token_embd", "output", "rope_")):
        raise ValueError(f"no GGUF name for {name}")
    if tensor.dtype == torch.bfloat16 and tensor.ndim > 1 and "gate_inp" not in name and "bias" not in name:
        data = gguf.quants.quantize(tensor.to(torch.float32).numpy(), gguf.GGMLQuantizationType.BF16)
        writer.add_tensor(name, data, raw_dtype=gguf.GGMLQuantizationType.BF16)
    elif tensor.dtype == torch.uint8:
        writer.add_tensor(name, tensor.numpy(), raw_dtype=gguf.GGMLQuantizationType.MXFP4)
    else:
        writer.add_tensor(name, np.ascontiguousarray(tensor.to(torch.float32).numpy()))


def keys(writer, c, model):
    """Of conversion/base.py and the architecture's file."""
    predicting = c.get("num_nextn_predict_layers", 0) if model == "glm4_moe" else 0
    if predicting:
        writer.add_nextn_predict_layers(predicting)
    writer.add_block_count(c["num_hidden_layers"] + predicting)
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(c["num_attention_heads"])
    latent = model in ("deepseek_v2", "deepseek_v3")
    writer.add_head_count_kv(1 if latent else c["num_key_value_heads"])
    rope = c.get("rope_parameters") or {"rope_theta": c["rope_theta"]} | (c.get("rope_scaling") or {})
    writer.add_rope_freq_base(rope["rope_theta"])
    if "rms_norm_eps" in c:
        writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    elif model == "olmo":
        writer.add_layer_norm_eps(1e-5)
    experts = next((c[k] for k in ("num_local_experts", "num_experts", "n_routed_experts") if k in c), None)
    if experts:
        writer.add_expert_count(experts)
        writer.add_expert_used_count(c["num_experts_per_tok"])
    if c.get("n_group") is not None:
        writer.add_expert_group_count(c["n_group"])
        writer.add_expert_group_used_count(c["topk_group"])
    if model in ("deepseek_v3", "glm4_moe"):
        writer.add_expert_gating_func(gguf.ExpertGatingFuncType.SIGMOID)
    if latent:
        rank, rotated = c["kv_lora_rank"], c["qk_rope_head_dim"]
        if c["q_lora_rank"]:
            writer.add_q_lora_rank(c["q_lora_rank"])
        writer.add_kv_lora_rank(rank)
        writer.add_key_length(rank + rotated)
        writer.add_value_length(rank)
        writer.add_key_length_mla(c["qk_nope_head_dim"] + rotated)
        writer.add_value_length_mla(c["v_head_dim"])
        writer.add_rope_dimension_count(rotated)
    else:
        head = c.get("head_dim") or c["hidden_size"] // c["num_attention_heads"]
        if c.get("head_dim"):
            writer.add_key_length(head)
            writer.add_value_length(head)
        partial = c.get("partial_rotary_factor") or rope.get("partial_rotary_factor") or 1.0
        writer.add_rope_dimension_count(int(head * partial))
    if "n_routed_experts" in c:
        writer.add_leading_dense_block_count(c["first_k_dense_replace"])
        writer.add_expert_feed_forward_length(c["moe_intermediate_size"])
        writer.add_expert_shared_count(c["n_shared_experts"])
        writer.add_expert_weights_scale(c.get("routed_scaling_factor", 1.0))
        if model == "glm4_moe" or (c.get("norm_topk_prob") and model != "deepseek"):
            writer.add_expert_weights_norm(c["norm_topk_prob"])
    elif "moe_intermediate_size" in c:
        writer.add_expert_feed_forward_length(c["moe_intermediate_size"])
    if "shared_expert_intermediate_size" in c:
        writer.add_expert_shared_feed_forward_length(c["shared_expert_intermediate_size"])
    if c.get("clip_qkv") is not None:
        writer.add_clamp_kqv(c["clip_qkv"])
    if model == "olmoe" and c["norm_topk_prob"]:
        writer.add_expert_weights_norm(True)
    if model == "gpt_oss":
        writer.add_sliding_window(c["sliding_window"])
        writer.add_expert_feed_forward_length(c["intermediate_size"])
    if model == "phimoe" and c.get("sliding_window"):
        writer.add_sliding_window(c["sliding_window"])
    if model == "granitemoe":
        writer.add_attention_scale(c["attention_multiplier"])
        writer.add_embedding_scale(c["embedding_multiplier"])
        writer.add_residual_scale(c["residual_multiplier"])
        writer.add_logit_scale(c["logits_scaling"])
    scaling(writer, rope, latent)


def scaling(writer, rope, latent):
    kind = rope.get("rope_type", rope.get("type", "default"))
    if kind == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    elif kind == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        if "beta_fast" in rope:
            writer.add_rope_scaling_yarn_beta_fast(rope["beta_fast"])
            writer.add_rope_scaling_yarn_beta_slow(rope["beta_slow"])
        if latent:
            writer.add_rope_scaling_yarn_log_mul(0.1 * rope["mscale_all_dim"])
    elif kind == "longrope":
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        writer.add_rope_scaling_attn_factors(rope.get("long_mscale", rope.get("attention_factor", 1.0)))


def changed(config, model, tensors):
    """The tensors with names that gguf-py's table knows, laid out as in GGUF files."""
    out = {}
    stacks = {}
    for name, tensor in tensors.items():
        if model in PAIRED and ".self_attn.q_proj." in name:
            tensor = pair(tensor, config["num_attention_heads"])
        if model in PAIRED and ".self_attn.k_proj." in name:
            tensor = pair(tensor, config["num_key_value_heads"])
        parts = name.split(".")
        if parts[1] == "layers" and int(parts[2]) >= config["num_hidden_layers"]:
            continue  # predicts further tokens
        if "experts" in parts and parts[parts.index("experts") + 1].isdigit():
            at = parts.index("experts") + 1
            # gguf-py knows the merged names of Mixtral and of the others.
            prefix = ".".join(parts[:at]).replace("model.layers", "layers").replace("block_sparse_moe", "feed_forward")
            if "block_sparse_moe" not in name:
                prefix = ".".join(parts[:at])
            stacks.setdefault(f"{prefix}.{parts[at + 1]}.weight", {})[int(parts[at])] = tensor
        elif name.endswith("block_sparse_moe.input_linear.weight"):
            gate, up = tensor.chunk(2, dim=1)
            prefix = f"blk.{parts[2]}.ffn_"
            out[prefix + "gate_exps.weight"], out[prefix + "up_exps.weight"] = gate, up
        elif name.endswith("kv_b_proj.weight"):
            rows = tensor.view(config["num_attention_heads"], -1, tensor.shape[-1])
            k, v = rows.split([config["qk_nope_head_dim"], config["v_head_dim"]], dim=1)
            out[name.replace("kv_b_proj", "k_b_proj")] = k.transpose(1, 2)
            out[name.replace("kv_b_proj", "v_b_proj")] = v
        elif model == "gpt_oss" and ".experts." in name:
            gpt_oss_experts(out, name, tensor, tensors)
        elif name.endswith("sinks"):
            out[name + ".weight"] = tensor
        elif name.endswith("e_score_correction_bias"):
            out[f"blk.{parts[2]}.exp_probs_b.bias"] = tensor
        else:
            out[name] = tensor
    for name, stack in stacks.items():
        out[name] = torch.stack([stack[i] for i in range(len(stack))])
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    kind = rope.get("rope_type", rope.get("type"))
    if kind == "llama3":
        out["rope_freqs.weight"] = llama3_factors(config, rope)
    if kind == "longrope":
        out["rope_factors_long.weight"] = torch.tensor(rope["long_factor"])
        out["rope_factors_short.weight"] = torch.tensor(rope["short_factor"])
    return out


def pair(weight, heads):
    """LlamaModel.permute of llama.cpp's conversion/llama.py."""
    halves = weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
    return halves.swapaxes(1, 2).reshape(weight.shape)


def gpt_oss_experts(out, name, tensor, tensors):
    prefix = f"blk.{name.split('.')[2]}.ffn_"
    if name.endswith("down_proj_bias"):
        out[prefix + "down_exps.bias"] = tensor
    elif name.endswith("gate_up_proj_bias"):
        out[prefix + "gate_exps.bias"], out[prefix + "up_exps.bias"] = tensor[:, ::2], tensor[:, 1::2]
    elif name.endswith("_blocks"):
        scales = tensors[name.replace("_blocks", "_scales")]
        packed = mxfp4(tensor, scales)
        if "gate_up" in name:
            out[prefix + "gate_exps.weight"], out[prefix + "up_exps.weight"] = packed[:, ::2], packed[:, 1::2]
        else:
            out[prefix + "down_exps.weight"] = packed


def mxfp4(blocks, scales):
    """ggml's blocks from gpt-oss's: the values, and so the nibbles, in another order."""
    low, high = blocks & 15, blocks >> 4
    elements = torch.stack([low, high], dim=-1).flatten(-2)
    bytes_ = elements[..., :16] | (elements[..., 16:] << 4)
    packed = torch.cat([scales.unsqueeze(-1), bytes_], dim=-1).flatten(-2).contiguous()
    assert torch.equal(
        torch.from_numpy(gguf.quants.dequantize(packed.numpy(), gguf.GGMLQuantizationType.MXFP4)),
        convert_moe_packed_tensors(blocks, scales, dtype=torch.float32).transpose(1, 2),
    )
    return packed


def llama3_factors(config, rope):
    """LlamaModel.generate_extra_tensors."""
    dim = config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]
    wavelengths = 2 * np.pi * rope["rope_theta"] ** (torch.arange(0, dim, 2, dtype=torch.float32) / dim)
    low = rope["original_max_position_embeddings"] / rope["low_freq_factor"]
    high = rope["original_max_position_embeddings"] / rope["high_freq_factor"]
    factors = []
    for wavelength in wavelengths.tolist():
        if wavelength < high:
            factors.append(1.0)
        elif wavelength > low:
            factors.append(rope["factor"])
        else:
            smooth = (rope["original_max_position_embeddings"] / wavelength - rope["low_freq_factor"]) / (
                rope["high_freq_factor"] - rope["low_freq_factor"]
            )
            factors.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return torch.tensor(factors)


if __name__ == "__main__":
    main()
