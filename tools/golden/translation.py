"""A tiny translation model with a tokenizer, and what transformers 4.57.6 translates with it: see README.md.

    python tools/golden/translation.py [--out FOLDER]
"""

import argparse
import gzip
import itertools
import shutil
from pathlib import Path

import torch
import transformers
from transformers import AddedToken, NllbMoeConfig, NllbMoeForConditionalGeneration, NllbTokenizer

from transformers.models.nllb.tokenization_nllb import FAIRSEQ_LANGUAGE_CODES

from encoder_decoder import fill
from readable_json import to_json

REPOSITORY = Path(__file__).resolve().parents[2]
RESOURCES = REPOSITORY / "model/src/test/resources"
ORACLE = "4.57.6"
MAX_NEW_TOKENS = 12
MIN_MARGIN = 0.003
MIN_DISTINCT_TOKENS = 5
TRANSLATIONS = (
    ("eng_Latn", "fra_Latn", "The quick brown fox jumps over the lazy dog."),
    ("eng_Latn", "deu_Latn", "The quick brown fox jumps over the lazy dog."),
    ("fra_Latn", "zho_Hans", "Bonjour tout le monde, comment allez-vous ?"),
)


def tokenizer_for(pieces):
    """With the ids of the release: the languages after the pieces, then the mask."""
    first = len(NllbTokenizer(str(pieces)).sp_model) + 1
    special = [AddedToken(code, special=True) for code in FAIRSEQ_LANGUAGE_CODES] + [AddedToken("<mask>", special=True, lstrip=True)]
    named = [AddedToken(token, special=True) for token in ("<s>", "<pad>", "</s>", "<unk>")]
    return NllbTokenizer(str(pieces), added_tokens_decoder=dict(enumerate(named)) | dict(enumerate(special, first)))


def model_for(tokenizer, seed):
    model = NllbMoeForConditionalGeneration(
        NllbMoeConfig(
            vocab_size=len(tokenizer),
            d_model=16,
            encoder_layers=2,
            decoder_layers=2,
            encoder_attention_heads=2,
            decoder_attention_heads=2,
            encoder_ffn_dim=12,
            decoder_ffn_dim=12,
            encoder_sparse_step=2,
            decoder_sparse_step=2,
            num_experts=4,
            # Tight, so that it matters which tokens go through the decoder together.
            moe_eval_capacity_token_fraction=0.5,
            max_position_embeddings=128,
            decoder_start_token_id=2,
        )
    )
    model.tie_weights()
    fill(model, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        # Text is to come out, not language codes.
        model.model.shared.weight[tokenizer.all_special_ids] *= 0.5
    return model.eval()


@torch.inference_mode()
def translate(model, tokenizer, source, target, text):
    """-> what reference.json says of the translation; None if rounding could upset it or it is dull."""
    tokenizer.src_lang = source
    inputs = tokenizer(text, return_tensors="pt")
    output = model.generate(
        **inputs,
        forced_bos_token_id=tokenizer.convert_tokens_to_ids(target),
        max_new_tokens=MAX_NEW_TOKENS,
        do_sample=False,
        output_scores=True,
        return_dict_in_generate=True,
    )
    ids = output.sequences[0].tolist()
    margins = [float(scores[0].topk(2).values.diff().abs()) for scores in output.scores[1:]]
    special = set(ids[2:-1]) & set(tokenizer.all_special_ids)
    if min(margins) < MIN_MARGIN or len(set(ids)) < MIN_DISTINCT_TOKENS or special:
        return None
    return {
        "source": source,
        "target": target,
        "text": text,
        "input_ids": inputs["input_ids"][0].tolist(),
        "output_ids": ids,
        "translation": tokenizer.decode(ids, skip_special_tokens=True),
    }


def main():
    parser = argparse.ArgumentParser(description="A tiny translation model and its translations.")
    parser.add_argument("--out", type=Path, default=RESOURCES / "translation/tiny-nllb")
    folder = parser.parse_args().out
    if transformers.__version__ != ORACLE:
        raise SystemExit(f"made by transformers {ORACLE} only")
    torch.set_num_threads(1)
    transformers.utils.logging.set_verbosity_error()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    pieces = folder / "sentencepiece.bpe.model"
    pieces.write_bytes(gzip.decompress((RESOURCES / "tokenizers/nllb/model.gz").read_bytes()))
    tokenizer = tokenizer_for(pieces)
    for seed in itertools.count(1):
        model = model_for(tokenizer, seed)
        translations = [translate(model, tokenizer, *wanted) for wanted in TRANSLATIONS]
        if None not in translations and translations[0]["translation"] != translations[1]["translation"]:
            break
    tokenizer.src_lang = "eng_Latn"
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    (folder / "reference.json").write_text(
        to_json({"seed": seed, "transformers": transformers.__version__, "max_new_tokens": MAX_NEW_TOKENS, "translations": translations})
    )
    print("seed", seed, [each["translation"] for each in translations])


if __name__ == "__main__":
    main()
