"""The tiny encoder-decoder checkpoints, and where each family keeps its modules."""

from dataclasses import dataclass, field

import torch
from transformers import (
    NllbMoeConfig,
    NllbMoeForConditionalGeneration,
    SwitchTransformersConfig,
    SwitchTransformersForConditionalGeneration,
)

VOCABULARY = 89


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
