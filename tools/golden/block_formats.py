"""Weights in every block format with the values that gguf-py and torch give them: see README.md.

    python tools/golden/block_formats.py [--out FOLDER]
"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers.integrations.mxfp4 import convert_moe_packed_tensors

REPOSITORY = Path(__file__).resolve().parents[2]
TYPES = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q4_K", "Q5_K", "Q6_K", "MXFP4"]
WRITABLE = ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "MXFP4"]  # gguf-py quantises no K type
F16_FIELDS = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=REPOSITORY / "model/src/test/resources/golden/block-formats")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    rng = np.random.default_rng(1)
    formats = {name: gguf_format(name, rng) for name in TYPES}
    write_gguf(options.out / "formats.gguf", formats)
    tensors = {name: torch.from_numpy(values) for name, (_, values) in formats.items()}
    tensors |= write_scaled(options.out / "model.safetensors", rng)
    save_file(tensors, options.out / "values.safetensors")
    config = {"model_type": "none", "quantization_config": {"quant_method": "fp8", "weight_block_size": [4, 16]}}
    (options.out / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def gguf_format(name, rng):
    """(2, 1024) weights as bytes and as f32: a row that gguf-py quantised if it can, and one of random blocks."""
    qtype = gguf.GGMLQuantizationType[name]
    elements, size = gguf.GGML_QUANT_SIZES[qtype]
    rows = [random_blocks(name, 1024 // elements, size, rng) for _ in range(2)]
    if name in WRITABLE:
        rows[0] = gguf.quants.quantize(rng.standard_normal(1024, dtype=np.float32), qtype).view(np.uint8).reshape(-1)
    data = np.stack(rows)
    return data, gguf.quants.dequantize(data.view(stored_dtype(name)), qtype).astype(np.float32).reshape(2, 1024)


def stored_dtype(name):
    return np.float16 if name == "F16" else np.uint8


def random_blocks(name, count, size, rng):
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in F16_FIELDS.get(name, []):
        scales = (rng.standard_normal(count) * 2.0 ** rng.integers(-12, 6, count)).astype(np.float16)
        scales[0], scales[-1] = 6e-8, 65504  # the smallest subnormal number and the largest
        blocks[:, at : at + 2] = scales.view(np.uint8).reshape(count, 2)
    if name == "MXFP4":
        blocks[:4, 0] = [0, 1, 2, 254]
    if name in ("F16", "BF16"):  # infinities and NaN have bits of their own in each library
        blocks[:, 1] &= 0xBB
    return blocks.reshape(-1)


def write_gguf(path, formats):
    writer = gguf.GGUFWriter(path, "none")
    for name, (data, _) in formats.items():
        writer.add_tensor(name, data.view(stored_dtype(name)), raw_dtype=gguf.GGMLQuantizationType[name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def write_scaled(path, rng):
    """Formats whose scales are tensors of their own: FP8 as DeepSeek-V3 has it, MXFP4 as gpt-oss has it."""
    fp8 = torch.from_numpy(rng.integers(0, 256, (10, 64), dtype=np.uint8))
    fp8[fp8 & 0x7F == 0x7F] = 0
    scale_inv = torch.from_numpy((rng.standard_normal((3, 4)) * 2.0 ** rng.integers(-20, 5, (3, 4))).astype(np.float32))
    fp8 = fp8.view(torch.float8_e4m3fn)
    spread = scale_inv.repeat_interleave(4, 0)[:10].repeat_interleave(16, 1)
    blocks = torch.from_numpy(rng.integers(0, 256, (2, 6, 3, 16), dtype=np.uint8))
    scales = torch.from_numpy(rng.integers(100, 140, (2, 6, 3), dtype=np.uint8))
    # transformers gives (experts, columns, rows).
    mxfp4 = convert_moe_packed_tensors(blocks, scales, dtype=torch.float32).transpose(1, 2).contiguous()
    save_file(
        {
            "layer.weight": fp8,
            "layer.weight_scale_inv": scale_inv,
            "experts.down_proj_blocks": blocks,
            "experts.down_proj_scales": scales,
        },
        path,
        metadata={"format": "pt"},
    )
    return {"layer.weight": fp8.to(torch.float32) * spread, "experts.down_proj": mxfp4}


if __name__ == "__main__":
    main()
