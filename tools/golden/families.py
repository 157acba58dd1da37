"""The cases of the decoder-only families: for each at least two shapes, its options switched both ways."""

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
SPREAD = {"lm_head.weight": 0.5}  # logits far apart


def family(name, defaults, scales, *cases):
    def case(title, about, config, **options):
        return Case(
            f"{name}-{title}",
            about,
            config,
            family=name.replace("-", "_"),
            defaults={**SMALL, **defaults},
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
)

CASES = MIXTRAL
