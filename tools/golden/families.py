"""The cases of the decoder-only families: for each at least two shapes, its options switched both ways."""

import torch

from checkpoints import Case

DEFAULT_ROPE = dict(rope_type="default", rope_theta=10000.0)

SMALL = dict(
    vocab_size=61,
    hidden_size=36,
    intermediate_size=20,
    num_hidden_layers=2,
    num_attention_heads=6,
    num_key_value_heads=2,
    rms_norm_eps=1e-5,
    max_position_embeddings=128,
    rope_parameters=DEFAULT_ROPE,
    tie_word_embeddings=False,
    pad_token_id=1,
    bos_token_id=None,
    eos_token_id=0,
)
ABSENT = object()  # an option of SMALL that a family does not know
SPREAD = {"lm_head.weight": 0.5}  # logits far apart


def family(name, defaults, scales, *cases):
    def case(title, about, config, **options):
        return Case(
            name.replace("_", "-") + "-" + title,
            about,
            config,
            family=name,
            own_arithmetic=options.pop("own_arithmetic", False),
            defaults={option: value for option, value in {**SMALL, **defaults}.items() if value is not ABSENT},
            scales={**SPREAD, **scales, **options.pop("scales", {})},
            **options,
        )

    return [case(*arguments, **options) for *arguments, options in cases]


MIXTRAL = family(
    "mixtral",
    dict(num_local_experts=5, num_experts_per_tok=2),
    {},
    (
        "window-f32",
        "a sliding window of 8 tokens, a longer prompt",
        dict(sliding_window=8),
        dict(prompt_lengths=(5, 21), matters=dict(sliding_window=None, rms_norm_eps=1e-1)),
    ),
    (
        "full-f32",
        "no sliding window; heads that are wider than hidden_size / heads, top 3, another rotary base",
        dict(
            hidden_size=32,
            num_attention_heads=4,
            num_key_value_heads=4,
            head_dim=10,
            num_local_experts=4,
            num_experts_per_tok=3,
            sliding_window=None,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
        ),
        dict(matters=dict(sliding_window=4, rope_parameters=DEFAULT_ROPE)),
    ),
    (
        "bf16",
        "bfloat16 weights, computed in float32 and in bfloat16; a sliding window",
        dict(hidden_size=32, num_attention_heads=4, num_local_experts=4, sliding_window=5),
        dict(dtype=torch.bfloat16, own_arithmetic=True, prompt_lengths=(2, 9), scales={"lm_head.weight": 0.2}),
    ),
)

QWEN2_MOE = family(
    "qwen2_moe",
    dict(
        moe_intermediate_size=12,
        shared_expert_intermediate_size=14,
        num_experts=5,
        num_experts_per_tok=2,
        use_sliding_window=False,
        norm_topk_prob=False,
    ),
    {},
    (
        "sparse-f32",
        "as Qwen1.5-MoE: every layer sparse, no renormalisation, full attention",
        dict(),
        dict(matters=dict(norm_topk_prob=True, rms_norm_eps=1e-1)),
    ),
    (
        "mixed-f32",
        "four layers: decoder_sparse_step 2 (layers 1 and 3) less layer 3 in mlp_only_layers, renormalised, no q/k/v bias; "
        "sliding attention in even layers below max_window_layers",
        dict(
            hidden_size=32,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            decoder_sparse_step=2,
            mlp_only_layers=[3],
            norm_topk_prob=True,
            qkv_bias=False,
            use_sliding_window=True,
            sliding_window=6,
            max_window_layers=2,
            num_experts=4,
            num_experts_per_tok=3,
        ),
        dict(
            prompt_lengths=(3, 19),
            matters=dict(
                norm_topk_prob=False,
                layer_types=["full_attention"] * 4,
                sliding_window=7,
            ),
        ),
    ),
)

QWEN3_MOE = family(
    "qwen3_moe",
    dict(moe_intermediate_size=12, num_experts=5, num_experts_per_tok=2, norm_topk_prob=True, head_dim=8),
    {},
    (
        "wide-f32",
        "as Qwen3-30B-A3B: heads wider than hidden_size / heads, renormalised, no bias; "
        "config.json as the release has it: num_experts, not num_local_experts; rope_theta",
        dict(rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
        dict(
            old_config=True,
            old_names=dict(num_local_experts="num_experts"),
            matters=dict(norm_topk_prob=False, rms_norm_eps=1e-1, rope_theta=10000.0),
        ),
    ),
    (
        "mixed-f32",
        "three layers, the second dense; not renormalised, attention_bias, a sliding window, tied embeddings, narrow heads",
        dict(
            hidden_size=40,
            num_hidden_layers=3,
            num_attention_heads=4,
            head_dim=6,
            mlp_only_layers=[1],
            norm_topk_prob=False,
            attention_bias=True,
            use_sliding_window=True,
            sliding_window=7,
            tie_word_embeddings=True,
            num_experts=4,
        ),
        dict(prompt_lengths=(2, 19), matters=dict(norm_topk_prob=True, sliding_window=None)),
    ),
    (
        "fused-f32",
        "all experts of a layer in one gate_up_proj and one down_proj tensor, as transformers holds them in memory",
        dict(hidden_size=32, num_attention_heads=4),
        dict(fused_experts=True),
    ),
    (
        "bf16",
        "bfloat16 weights, computed in float32 and in bfloat16; heads wider than hidden_size / heads",
        dict(hidden_size=32, num_attention_heads=4, head_dim=10, num_experts=4),
        dict(dtype=torch.bfloat16, own_arithmetic=True, prompt_lengths=(2, 9), scales={"lm_head.weight": 0.2}),
    ),
)

LLAMA = family(
    "llama",
    dict(intermediate_size=44),
    {},
    (
        "plain-f32",
        "no bias, two key heads, a large epsilon",
        dict(rms_norm_eps=1e-2),
        dict(matters=dict(rms_norm_eps=1e-5)),
    ),
    (
        "bias-f32",
        "attention_bias and mlp_bias, heads narrower than hidden_size / heads, tied embeddings; rope type llama3",
        dict(
            hidden_size=40,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=1,
            head_dim=8,
            attention_bias=True,
            mlp_bias=True,
            tie_word_embeddings=True,
            rope_parameters=dict(
                rope_type="llama3",
                rope_theta=100.0,
                factor=8.0,
                low_freq_factor=1.0,
                high_freq_factor=4.0,
                original_max_position_embeddings=32,
            ),
        ),
        dict(prompt_lengths=(4, 33), matters=dict(rope_parameters=dict(rope_type="default", rope_theta=100.0))),
    ),
    (
        "linear-f32",
        "rope type linear, written as older releases did: rope_theta and rope_scaling",
        dict(rope_parameters=dict(rope_type="linear", rope_theta=500.0, factor=4.0)),
        dict(old_config=True, matters=dict(rope_scaling=None, rope_theta=10000.0)),
    ),
)

MISTRAL = family(
    "mistral",
    dict(intermediate_size=44),
    {},
    (
        "window-f32",
        "a sliding window of 6 tokens in every layer, wide heads",
        dict(sliding_window=6, head_dim=8),
        dict(prompt_lengths=(3, 20), matters=dict(sliding_window=None)),
    ),
    (
        "full-f32",
        "no sliding window, three layers, another rotary base",
        dict(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            sliding_window=None,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0),
        ),
        dict(matters=dict(sliding_window=4, rope_parameters=DEFAULT_ROPE)),
    ),
)

QWEN2 = family(
    "qwen2",
    dict(intermediate_size=44),
    {},
    (
        "tied-f32",
        "tied embeddings, q/k/v biases, full attention",
        dict(tie_word_embeddings=True, use_sliding_window=False, rope_parameters=dict(rope_type="default", rope_theta=1000000.0)),
        dict(matters=dict(rms_norm_eps=1e-1, rope_parameters=DEFAULT_ROPE)),
    ),
    (
        "window-f32",
        "four layers: full attention in the first two (max_window_layers), a sliding window of 5 in the others",
        dict(
            hidden_size=32,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=1,
            use_sliding_window=True,
            sliding_window=5,
            max_window_layers=2,
        ),
        dict(prompt_lengths=(4, 18), matters=dict(layer_types=["full_attention"] * 4, sliding_window=6)),
    ),
    (
        "yarn-f32",
        "YaRN as Qwen2's model cards ask for it: rope_scaling with a factor and the original context alone",
        dict(
            num_hidden_layers=2,
            max_position_embeddings=64,
            rope_parameters=dict(rope_type="yarn", rope_theta=1000.0, factor=4.0, original_max_position_embeddings=16),
        ),
        dict(old_config=True, prompt_lengths=(4, 24), matters=dict(rope_scaling=None)),
    ),
)

OLMO = family(
    "olmo",
    dict(intermediate_size=44, rms_norm_eps=ABSENT),
    {},
    (
        "clip-f32",
        "clip_qkv; norms without weights",
        dict(clip_qkv=0.7, num_key_value_heads=6),
        dict(matters=dict(clip_qkv=None)),
    ),
    (
        "bias-f32",
        "no clip_qkv, attention_bias, two key heads, tied embeddings, three layers",
        dict(hidden_size=32, num_hidden_layers=3, num_attention_heads=4, attention_bias=True, tie_word_embeddings=True),
        dict(matters=dict(clip_qkv=0.7)),
    ),
)

OLMO2 = family(
    "olmo2",
    dict(intermediate_size=44),
    {},
    (
        "plain-f32",
        "norms after attention and feed-forward, QK-norm over the full projected width, as many key heads as query heads",
        dict(num_key_value_heads=6, rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
        dict(matters=dict(rms_norm_eps=1e-1, rope_parameters=DEFAULT_ROPE)),
    ),
    (
        "bias-f32",
        "attention_bias, two key heads, tied embeddings, three layers, a large epsilon",
        dict(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            attention_bias=True,
            tie_word_embeddings=True,
            rms_norm_eps=1e-2,
        ),
        dict(matters=dict(rms_norm_eps=1e-5)),
    ),
)

FLEX_OLMO = family(
    "flex_olmo",
    dict(num_experts=5, num_experts_per_tok=3, intermediate_size=14, norm_topk_prob=False),
    {},
    (
        "plain-f32",
        "norms after attention and experts, QK-norm over the full projected width, no renormalisation",
        dict(num_key_value_heads=6, rope_parameters=dict(rope_type="default", rope_theta=500000.0)),
        dict(matters=dict(rms_norm_eps=1e-1, rope_parameters=DEFAULT_ROPE)),
    ),
    (
        "norm-f32",
        "norm_topk_prob (which the norm after the experts would hide, were the epsilon not large), attention_bias, "
        "two key heads, tied embeddings, three layers",
        dict(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            attention_bias=True,
            tie_word_embeddings=True,
            norm_topk_prob=True,
            num_experts=4,
            num_experts_per_tok=2,
            rms_norm_eps=0.5,
        ),
        dict(matters=dict(norm_topk_prob=False)),
    ),
)

LATENT = dict(
    num_attention_heads=4,
    num_key_value_heads=4,
    q_lora_rank=None,
    kv_lora_rank=12,
    qk_nope_head_dim=6,
    qk_rope_head_dim=4,
    v_head_dim=8,
    first_k_dense_replace=1,
    moe_intermediate_size=10,
)

DEEPSEEK_V3 = family(
    "deepseek_v3",
    {**LATENT, "n_routed_experts": 6, "num_experts_per_tok": 2},
    {"mlp.gate.weight": 0.25},  # sigmoids that are not all near 0 or 1
    (
        "groups-f32",
        "as DeepSeek-V3: q_lora_rank, 2 of 4 groups, correction bias, renormalised, scaled by 2.5; "
        "config.json as the release has it: rope_scaling with YaRN, fields of its remote code; a layer of the MTP head",
        dict(
            num_hidden_layers=3,
            q_lora_rank=14,
            intermediate_size=14,
            moe_intermediate_size=6,
            n_routed_experts=8,
            num_experts_per_tok=3,
            n_shared_experts=1,
            n_group=4,
            topk_group=2,
            norm_topk_prob=True,
            routed_scaling_factor=2.5,
            max_position_embeddings=160,
            rope_parameters=dict(
                rope_type="yarn",
                rope_theta=1000.0,
                factor=40.0,
                beta_fast=8,
                beta_slow=1,
                mscale=0.7,
                mscale_all_dim=1.2,
                original_max_position_embeddings=16,
            ),
        ),
        dict(
            prompt_lengths=(4, 24),
            old_config=True,
            extra_config=dict(
                aux_loss_alpha=0.001,
                ep_size=1,
                moe_layer_freq=1,
                num_nextn_predict_layers=1,
                scoring_func="sigmoid",
                seq_aux=True,
                topk_method="noaux_tc",
            ),
            mtp_layer=True,
            matters=dict(
                topk_group=4,
                norm_topk_prob=False,
                routed_scaling_factor=1.0,
                rope_interleave=False,
                rope_scaling=None,
            ),
        ),
    ),
    (
        "plain-f32",
        "q_proj, one group, weights as they are, attention_bias, two shared experts, no dense layer, "
        "rope_interleave false, tied embeddings; an epsilon that the norms of the latents must not take",
        dict(
            hidden_size=32,
            num_attention_heads=2,
            num_key_value_heads=2,
            qk_nope_head_dim=10,
            qk_rope_head_dim=6,
            v_head_dim=6,
            n_shared_experts=2,
            n_group=1,
            topk_group=1,
            norm_topk_prob=False,
            routed_scaling_factor=1.0,
            first_k_dense_replace=0,
            attention_bias=True,
            rope_interleave=False,
            tie_word_embeddings=True,
            rms_norm_eps=1e-1,
        ),
        dict(matters=dict(norm_topk_prob=True, routed_scaling_factor=2.5, rope_interleave=True, rms_norm_eps=1e-6)),
    ),
    (
        "fp8",
        "float8 projections with a scale per block of 16 by 16, most of them cut off at an edge; the rest bfloat16",
        dict(
            q_lora_rank=14,
            n_shared_experts=1,
            n_group=3,
            topk_group=2,
            norm_topk_prob=True,
            routed_scaling_factor=2.5,
            rope_parameters=dict(rope_type="default", rope_theta=1000.0),
        ),
        dict(dtype=torch.bfloat16, fp8_block=16, matters=dict(topk_group=3, rope_interleave=False)),
    ),
    (
        "bf16",
        "bfloat16 weights, the correction bias float32, computed in float32 and in bfloat16; q_lora_rank, 2 of 3 groups",
        dict(
            hidden_size=32,
            q_lora_rank=14,
            n_shared_experts=1,
            n_group=3,
            topk_group=2,
            norm_topk_prob=True,
            routed_scaling_factor=2.5,
        ),
        dict(dtype=torch.bfloat16, own_arithmetic=True, prompt_lengths=(2, 9), scales={"lm_head.weight": 0.2}),
    ),
)

DEEPSEEK_V2 = family(
    "deepseek_v2",
    {**LATENT, "n_routed_experts": 6, "num_experts_per_tok": 2},
    {},
    (
        "lite-f32",
        "as DeepSeek-V2-Lite: q_proj, greedy, two shared experts, a dense layer; rope_scaling with YaRN as the release has it",
        dict(
            n_group=1,
            topk_group=1,
            n_shared_experts=2,
            topk_method="greedy",
            routed_scaling_factor=1.0,
            max_position_embeddings=160,
            rope_parameters=dict(
                rope_type="yarn",
                rope_theta=1000.0,
                factor=40.0,
                beta_fast=8,
                beta_slow=1,
                mscale=0.707,
                mscale_all_dim=0.707,
                original_max_position_embeddings=16,
            ),
        ),
        dict(
            prompt_lengths=(4, 24),
            old_config=True,
            extra_config=dict(
                aux_loss_alpha=0.001,
                ep_size=1,
                moe_layer_freq=1,
                scoring_func="softmax",
                seq_aux=True,
            ),
            matters=dict(routed_scaling_factor=2.0, rope_scaling=None),
        ),
    ),
    (
        "groups-f32",
        "q_lora_rank, group_limited_greedy with 2 of 4 groups, weights scaled by 1.6, no dense layer, "
        "attention_bias and mlp_bias; an epsilon that the norms of the latents must not take",
        dict(
            hidden_size=32,
            num_attention_heads=2,
            num_key_value_heads=2,
            q_lora_rank=14,
            qk_nope_head_dim=10,
            qk_rope_head_dim=6,
            v_head_dim=6,
            first_k_dense_replace=0,
            n_shared_experts=1,
            topk_method="group_limited_greedy",
            n_routed_experts=8,
            num_experts_per_tok=3,
            n_group=4,
            topk_group=2,
            routed_scaling_factor=1.6,
            attention_bias=True,
            mlp_bias=True,
            rms_norm_eps=1e-1,
        ),
        dict(matters=dict(topk_method="greedy", topk_group=4, routed_scaling_factor=1.0, rms_norm_eps=1e-6)),
    ),
)

GPT_OSS = family(
    "gpt_oss",
    dict(num_local_experts=4, num_experts_per_tok=2, head_dim=8, num_attention_heads=4),
    # Gates and values beyond the clamp are the rule, and yet the output stays of the residual's size.
    {"gate_up_proj": 0.8, "down_proj": 0.05, "sinks": 1.5, "router.bias": 0.5},
    (
        "mxfp4-bf16",
        "as gpt-oss: MXFP4 experts, other weights bfloat16, biases, sinks, clamp at 7, even layers with a sliding window; "
        "YaRN without truncation",
        dict(
            hidden_size=64,
            intermediate_size=32,
            head_dim=16,
            sliding_window=6,
            max_position_embeddings=128,
            rope_parameters=dict(
                rope_type="yarn",
                rope_theta=1500.0,
                factor=32.0,
                beta_fast=8.0,
                beta_slow=1.0,
                truncate=False,
                original_max_position_embeddings=40,
            ),
        ),
        dict(
            dtype=torch.bfloat16,
            mxfp4=True,
            old_config=True,
            prompt_lengths=(4, 20),
            matters=dict(
                swiglu_limit=100.0,
                layer_types=["full_attention"] * 2,
                rope_scaling=None,
            ),
        ),
    ),
    (
        "f32",
        "unquantised experts in one tensor per projection, another swiglu_limit and swiglu_alpha, all YaRN options at their "
        "defaults, no attention bias, layer_types the other way round, tied embeddings",
        dict(
            hidden_size=40,
            intermediate_size=20,
            num_hidden_layers=3,
            num_experts_per_tok=3,
            swiglu_limit=3.0,
            swiglu_alpha=1.1,
            attention_bias=False,
            sliding_window=5,
            layer_types=["full_attention", "sliding_attention", "sliding_attention"],
            tie_word_embeddings=True,
            rope_parameters=dict(rope_type="yarn", rope_theta=1500.0, factor=8.0, original_max_position_embeddings=16),
        ),
        dict(
            prompt_lengths=(3, 19),
            matters=dict(
                swiglu_limit=7.0,
                swiglu_alpha=1.702,
                layer_types=["sliding_attention", "full_attention", "sliding_attention"],
                rope_parameters=DEFAULT_ROPE,
            ),
        ),
    ),
)

GRANITEMOE = family(
    "granitemoe",
    dict(num_local_experts=5, num_experts_per_tok=2, intermediate_size=12),
    {},
    (
        "tied-f32",
        "all four multipliers, tied embeddings",
        dict(
            embedding_multiplier=0.6,
            residual_multiplier=1.4,
            logits_scaling=0.5,
            attention_multiplier=0.3,
            tie_word_embeddings=True,
        ),
        dict(
            matters=dict(embedding_multiplier=1.0, residual_multiplier=1.0, logits_scaling=1.0, attention_multiplier=1.0),
        ),
    ),
    (
        "bias-f32",
        "multipliers on the other side of one, attention_bias, as many key heads as query heads, three layers",
        dict(
            hidden_size=32,
            num_hidden_layers=3,
            num_attention_heads=4,
            num_key_value_heads=4,
            num_local_experts=4,
            num_experts_per_tok=3,
            attention_bias=True,
            embedding_multiplier=2.0,
            residual_multiplier=0.7,
            logits_scaling=3.0,
            attention_multiplier=1.3,
        ),
        dict(
            scales={"lm_head.weight": 1.5},
            matters=dict(embedding_multiplier=1.0, residual_multiplier=1.0, logits_scaling=1.0, attention_multiplier=1.0),
        ),
    ),
)

PHIMOE = family(
    "phimoe",
    dict(num_local_experts=5, num_experts_per_tok=2, intermediate_size=12),
    {},
    (
        "longrope-f32",
        "as Phi-3.5-MoE: attention_bias, lm_head_bias, longrope with one prompt below and one above the original context "
        "(see read_longrope)",
        dict(
            hidden_size=32,
            num_attention_heads=4,
            attention_bias=True,
            lm_head_bias=True,
            router_jitter_noise=0.2,
            max_position_embeddings=160,
            rope_parameters=dict(
                rope_type="longrope",
                rope_theta=1000.0,
                short_factor=[1.0, 1.1, 1.5, 2.0],
                long_factor=[1.3, 2.5, 5.0, 6.0],
                short_mscale=1.1,
                long_mscale=1.3,
                original_max_position_embeddings=40,
            ),
        ),
        dict(
            prompt_lengths=(6, 43),
            old_config=True,
            matters=dict(
                rope_scaling=dict(
                    type="longrope",
                    short_factor=[1.0, 1.1, 1.5, 2.0],
                    long_factor=[1.0, 1.1, 1.5, 2.0],
                    short_mscale=1.1,
                    long_mscale=1.3,
                    original_max_position_embeddings=40,
                ),
                router_jitter_noise=0.01,
            ),
        ),
    ),
    (
        "window-f32",
        "no biases but the norms', a sliding window, tied embeddings; the router masks nearly all but the chosen experts",
        dict(router_jitter_noise=0.03, sliding_window=6, tie_word_embeddings=True, rms_norm_eps=1e-1),
        dict(prompt_lengths=(3, 20), matters=dict(sliding_window=None, router_jitter_noise=0.3, rms_norm_eps=1e-5)),
    ),
)

GLM4_MOE = family(
    "glm4_moe",
    dict(
        n_routed_experts=6,
        num_experts_per_tok=2,
        moe_intermediate_size=10,
        n_shared_experts=1,
        n_group=1,
        topk_group=1,
        head_dim=8,
    ),
    {"mlp.gate.weight": 0.25},  # sigmoids that are not all near 0 or 1
    (
        "norms-f32",
        "as GLM-4.5: RoPE on half of each head, QK-norm per head, attention_bias, one group, renormalised, scaled; a dense layer",
        dict(
            use_qk_norm=True,
            attention_bias=True,
            norm_topk_prob=True,
            routed_scaling_factor=2.5,
            first_k_dense_replace=1,
            rope_parameters=dict(rope_type="default", rope_theta=1000000.0, partial_rotary_factor=0.5),
        ),
        dict(
            old_config=True,
            matters=dict(norm_topk_prob=False, routed_scaling_factor=1.0, partial_rotary_factor=1.0, use_qk_norm=False),
        ),
    ),
    (
        "groups-f32",
        "no QK-norm, no bias, 2 of 3 groups, weights as they are, two shared experts, no dense layer, RoPE on a quarter of each head",
        dict(
            hidden_size=32,
            num_attention_heads=2,
            head_dim=16,
            use_qk_norm=False,
            norm_topk_prob=False,
            routed_scaling_factor=1.3,
            n_shared_experts=2,
            n_routed_experts=9,
            moe_intermediate_size=6,
            num_experts_per_tok=3,
            n_group=3,
            topk_group=2,
            first_k_dense_replace=0,
            rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.25),
        ),
        dict(
            matters=dict(
                norm_topk_prob=True,
                topk_group=3,
                rope_parameters=dict(rope_type="default", rope_theta=1000.0, partial_rotary_factor=0.5),
            )
        ),
    ),
)

CASES = MIXTRAL + QWEN2_MOE + QWEN3_MOE + LLAMA + MISTRAL + QWEN2 + OLMO + OLMO2 + FLEX_OLMO + DEEPSEEK_V3 + DEEPSEEK_V2 + GPT_OSS + GRANITEMOE + PHIMOE + GLM4_MOE
