"""Tiny SentencePiece models, and what the reference libraries make of 1,000 awkward texts with them.

Writes `model/src/test/resources/tokenizers`. The texts are the same for every tokenizer; ids and decoded texts are those
of `sentencepiece` for `.model` files and of Hugging Face `tokenizers` for `tokenizer.json`.
"""

import argparse
import gzip
import io
import json
import os
import random
import sys
import tempfile
from pathlib import Path

import sentencepiece
from tokenizers import Tokenizer

ROOT = Path(__file__).resolve().parents[2]
COUNT = 1000

WORDS = """the The expert gateway tokenizer mixture of experts is a in don't we'll I'M naïve café Straße Grüße être ça
piñas mañana Привет мир дела 你好 世界 天气 こんにちは 元気 안녕하세요 세계 مرحبا بالعالم नमस्ते दुनिया สวัสดี ชาวโลก Γειά Κόσμε שלום ภาษาไทย
Việt Nguyễn İstanbul ǅ ß ﬁne ﬂow Å Ω ½ ² ① ㎏ ｆｕｌｌ ｶﾞ 가 각 def return null 0x1F http://example.org/?q=1&r=2#x
user@example.org C++ #include <html> </sx> <0x41> <0xE4> <unk ▁ ▁▁a \\n {{x}} [INST] <extra 3.14159 1,234,567 2024-01-31
007 １２３ ٣٤ x²+y² e=mc² … — “quoted” ‘q’ $9.99 €5 100% !!! ?! ... ___ *** ``` // \\ " ' ` ~ ^ |""".split()

PIECES = [" ", "  ", "   ", "        ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r", "\u00a0", "\u2003", "\u200b", "\u200d",
          "\u2028", "\u3000", "\ufeff", "\u00ad", "\u200e", "\u0000", "\u0001", "\u0007", "\u001b", "\u007f", "\u0085",
          "\ufffd", "\uffff", "\ue000", "\U000e0041", "\U0010fffd", "\u0378", "e\u0301", "e\u0301\u0302\u0303",
          "a\u0323\u0308", "o\u0308", "n\u0303", "\u0301", "\u0338", "=\u0338", "k\u0327", "\u1100\u1161\u11a8",
          "\uac00\u11a8", "\u0e01\u0e49", "\u0915\u094d\u0937", "\u0b95\u0bca", "🚀", "👍🏽", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪",
          "1️⃣", "❤️", "𝕳𝖊𝖑𝖑𝖔", "𝟘𝟙", "𐐀", "𠀀", "𓀀", "﷽", "ﷺ", "㍿", "\u212b", "ſ", "ẛ̣", "ﬃ"]

RANGES = [(0x20, 0x7e), (0xa0, 0x17f), (0x370, 0x3ff), (0x400, 0x4ff), (0x590, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f),
          (0x1100, 0x11ff), (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2100, 0x214f), (0x2460, 0x24ff), (0x3000, 0x30ff),
          (0x4e00, 0x4fff), (0xac00, 0xadff), (0xf900, 0xfaff), (0xfe00, 0xffef), (0x1f300, 0x1f6ff),
          (0x1d400, 0x1d7ff), (0x20000, 0x200ff)]

FIRST = ["", " ", "  ", "   ", " a", "a ", "  a  ", "\n", "\t", "\r\n", "▁", "▁ ", " ▁", "\u0000", "a\u0000b", "\ufeffa",
         "a" * 300, " " * 70, "\n" * 40, "ab" * 200, "🚀" * 30, "\u00ad", " \u00ad ", "\u0301", "e\u0301 " * 20]

FOREIGN = ["Der Fluß fließt über die Straße, schöne Grüße aus München.", "Être ou ne pas être, voilà la question : ça dépend.",
           "El niño comió piñas mañana por la tarde.", "Привет, мир! Как дела сегодня?", "你好，世界。今天天气很好。",
           "こんにちは世界、元気ですか。", "안녕하세요 세계", "مرحبا بالعالم", "नमस्ते दुनिया", "สวัสดีชาวโลก", "Γειά σου Κόσμε"]

# A few rules of NFKC and NMT's white space, so that the map of characters is small.
RULES = ([(f"{code:X}", f"{code - 0xfee0:X}") for code in range(0xff01, 0xff5f)]
         + [("A0", "20"), ("3000", "20"), ("9", "20"), ("A", "20"), ("D", "20"), ("AD", ""), ("FEFF", ""), ("7F", ""),
            ("FB01", "66 69"), ("FB02", "66 6C"), ("FB03", "66 66 69"), ("2026", "2E 2E 2E"), ("65 301", "E9"),
            ("65 301 302", "1EBF 301"), ("61 323", "1EA1"), ("6F 308", "F6"), ("FDFA", "635 644 649 20 627 644 644 647"),
            ("212B", "C5"), ("2460", "31"), ("1D7D8", "30"), ("1D7D9", "31"), ("1F680", "72 6F 63 6B 65 74")])

LANGUAGES = ["ace_Arab", "deu_Latn", "eng_Latn", "fra_Latn", "zho_Hans", "zho_Hant"]


def awkward_texts(seed=5):
    """The same texts every time: words of many scripts, white space, controls, combining marks, any code point."""
    rng = random.Random(seed)
    texts = list(FIRST)
    while len(texts) < COUNT:
        kind, length = rng.randrange(6), rng.randint(1, 24)
        if kind == 0:
            parts = [" ".join(rng.choice(WORDS) for _ in range(length))]
        elif kind == 1:
            parts = [rng.choice(WORDS) + rng.choice(PIECES) for _ in range(length)]
        elif kind == 2:
            parts = [rng.choice(PIECES) for _ in range(length)]
        elif kind == 3:
            low, high = rng.choice(RANGES)
            parts = [chr(rng.randint(low, high)) for _ in range(length)]
        elif kind == 4:
            parts = [chr(rng.choice([rng.randint(0, 0x7f), rng.randint(0, 0xffff), rng.randint(0x10000, 0x10ffff)]))
                     for _ in range(length)]
        else:
            parts = [rng.choice([rng.choice(WORDS), rng.choice(PIECES), " ", chr(rng.randint(*rng.choice(RANGES)))])
                     for _ in range(length)]
        texts.append("".join(c for c in "".join(parts) if not 0xd800 <= ord(c) <= 0xdfff))
    return texts


def corpus():
    """Made-up text to train on."""
    rng = random.Random(11)
    subjects = "the gateway|an expert|the router|a token|the tokenizer|a mixture of experts|the cache|a shard".split("|")
    verbs = "reads|writes|waits for|answers|forgets|splits|merges|counts|follows|streams".split("|")
    objects = "a prompt|the hidden state|rows of the batch|its weights|the next token|two replicas|a list of pieces".split("|")
    ends = ["", " again", " in 12 ms", " without an answer", ", then stops", " (see page 47)", "; 3 of 8 are idle"]
    lines = [f"{rng.choice(subjects).capitalize()} {rng.choice(verbs)} {rng.choice(objects)}{rng.choice(ends)}."
             for _ in range(600)]
    return lines + FOREIGN * 6


def train(**options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus()), model_writer=model, minloglevel=2,
                                             num_threads=1, character_coverage=0.997, **options)
    return model.getvalue()


def models():
    with tempfile.NamedTemporaryFile("w", suffix=".tsv", encoding="utf-8") as rules:
        rules.write("".join(f"{source}\t{target}\n" for source, target in RULES))
        rules.flush()
        return {
            # As Llama 2 and Mixtral have it.
            "bpe": train(model_type="bpe", vocab_size=600, byte_fallback=True, split_digits=True,
                         normalization_rule_name="identity", remove_extra_whitespaces=False,
                         allow_whitespace_only_pieces=True),
            # As umT5 has it.
            "unigram-bytes": train(model_type="unigram", vocab_size=440, byte_fallback=True, pad_id=0, eos_id=1, unk_id=2,
                                   bos_id=-1),
            # As T5 has it, with user-defined pieces.
            "unigram": train(model_type="unigram", vocab_size=170, normalization_rule_tsv=rules.name, pad_id=0, eos_id=1,
                             unk_id=2, bos_id=-1, user_defined_symbols=["[INST]", "▁▁a", "mc²"]),
            # As NLLB has it.
            "nllb": train(model_type="bpe", vocab_size=300, normalization_rule_tsv=rules.name),
        }


def model_cases(model, texts):
    """Ids of each text and their text, and texts of random ids (of pieces that are text)."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    ids = [processor.encode(text) for text in texts]
    shown = [i for i in range(processor.get_piece_size()) if not processor.is_control(i) and not processor.is_unknown(i)]
    rng = random.Random(3)
    sequences = [[rng.choice(shown) for _ in range(rng.randint(1, 16))] for _ in range(COUNT)]
    unknown = processor.unk_id()
    return {"ids": ids, "decoded": [None if unknown in row else processor.decode(row) for row in ids],
            "sequences": sequences, "decoded_sequences": [processor.decode(row) for row in sequences]}


def json_cases(definition, texts):
    tokenizer = Tokenizer.from_str(definition)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    special = [token.content for token in tokenizer.get_added_tokens_decoder().values() if token.special][:4]
    marked = []
    for i, text in enumerate(texts[::10]):
        half = len(text) // 2
        marked.append(text[:half] + special[i % len(special)] + text[half:])
    ids = [tokenizer.encode(text, add_special_tokens=False).ids for text in texts + marked]
    return {"marked": marked, "ids": ids, "decoded": [tokenizer.decode(row, skip_special_tokens=True) for row in ids],
            "marked_decoded": [tokenizer.decode(row, skip_special_tokens=False) for row in ids[len(texts):]]}


def converted(model, file_name, tokenizer_class):
    """The tokenizer.json that transformers makes of `model`."""
    import transformers
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, file_name).write_bytes(model)
        getattr(transformers, tokenizer_class).from_pretrained(folder).save_pretrained(folder)
        return Path(folder, "tokenizer.json").read_text(encoding="utf-8")


def nllb_cases(model, texts):
    """What transformers' slow NLLB tokenizer (4.57), whose ids are sentencepiece's, makes of `texts`."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    # tokenization_nllb.py: <s> 0, <pad> 1, </s> 2, <unk> 3, then sentencepiece's ids plus one, codes, <mask>.
    def fairseq(piece):
        return 3 if piece == processor.unk_id() else piece + 1
    size = processor.get_piece_size() + 1
    return {"ids": [[fairseq(i) for i in processor.encode(text)] for text in texts],
            "languages": {code: size + i for i, code in enumerate(LANGUAGES)}, "mask": size + len(LANGUAGES)}


def compressed(path, content):
    data = content if isinstance(content, bytes) else json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 9, mtime=0))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "model/src/test/resources/tokenizers")
    parser.add_argument("--model", type=Path, help="write cases of this file (.model or tokenizer.json) to --out FILE")
    arguments = parser.parse_args()
    texts = awkward_texts()
    if arguments.model:
        of_json = arguments.model.suffix == ".json"
        cases = (json_cases(arguments.model.read_text(encoding="utf-8"), texts) if of_json
                 else model_cases(arguments.model.read_bytes(), texts))
        compressed(arguments.out, {"texts": texts, **cases})
        return
    out = arguments.out
    compressed(out / "texts.json.gz", texts)
    for name, model in models().items():
        compressed(out / name / "model.gz", model)
        cases = nllb_cases(model, texts) if name == "nllb" else model_cases(model, texts)
        compressed(out / name / "cases.json.gz", cases)
        if name in ("bpe", "unigram"):
            definition = converted(model, *{"bpe": ("tokenizer.model", "LlamaTokenizer"),
                                            "unigram": ("spiece.model", "T5Tokenizer")}[name])
            compressed(out / name / "tokenizer.json.gz", definition.encode())
            compressed(out / name / "json-cases.json.gz", json_cases(definition, texts))
    demo = (ROOT / "models/demo/tokenizer.json").read_text(encoding="utf-8")
    compressed(out / "byte-level" / "json-cases.json.gz", json_cases(demo, texts))


if __name__ == "__main__":
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    sys.exit(main())
