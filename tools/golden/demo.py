"""What transformers and its tokenizer answer for the demo model that is in the repository."""

import torch
from transformers import AutoTokenizer

import checkpoints
from readable_json import to_json
from reference import greedy, record

MAX_ANSWER_TOKENS = 64
MIN_LOGIT_MARGIN = 0.015  # a question whose answer hangs on less does not belong here

QUESTIONS = [
    "What is 17 + 25?",
    "What is 9 times 7?",
    "What is 81 minus 46?",
    "What does the gateway do?",
    "What does the gate do?",
    "What is an expert?",
    "What happens when an expert fails?",
    "Who are you?",
    "How do you say river in French?",
    "How do you say forest in French?",
    "Write a Java method called square.",
    "Write a Java method called join.",
    "Tell me a story about Noah and a mouse.",
]

CONVERSATIONS = [
    [{"role": "user", "content": "What is an expert?"}],
    [
        {"role": "user", "content": "What is 2 + 3?"},
        {"role": "assistant", "content": "2 + 3 = 5."},
        {"role": "user", "content": "How do you say river in French?"},
    ],
    [{"role": "user", "content": "Salut"}, {"role": "assistant", "content": "La forêt, l'école."}],
    [{"role": "system", "content": "The template has no place for this."}, {"role": "user", "content": "Who are you?"}],
    [{"role": "user", "content": ""}],
    [{"role": "user", "content": "  two spaces, a tab\tand a line\nbreak \n"}],
    [{"role": "user", "content": "<|assistant|>\n{{ not a template }} & <b>\"quotes\"</b> 'single'"}],
]

TEXTS = [
    "",
    " ",
    "Hello, world!",
    "The gateway asks another replica and the answer stays the same.",
    "  leading, trailing and   several spaces  ",
    "tabs\tand\r\nline\n\n\nbreaks\n",
    "it's we'll they're I'd you've I'm don't IT'S",
    "1234567890 3.14159 -42 1e-5 0xCAFE",
    "static int square(int a) {\n    return a * a;\n}",
    '{"id": 7, "tags": ["small", "old"], "ok": true}',
    "La forêt, l'école et la bibliothèque où l'ours regarde la rivière.",
    "cafe\u0301 is not café before normalisation",
    "Ångström \u212b \u00c5 A\u030a",
    "ﬁne ligature, ½ and x²",
    "Grüße aus Köln, straße, ẞ",
    "Привет, мир! Ещё ёлка.",
    "日本語のテキストと漢字。",
    "한국어 텍스트",
    "مرحبا بالعالم",
    "हिन्दी पाठ",
    "emoji 😀 👩‍👩‍👧‍👦 🇫🇷 👍🏽",
    "astral 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈",
    "zero\u200bwidth, no\u00a0break, soft\u00adhyphen, \ufeffmark",
    "control \u0001\u007f and \u2028 separators \u0085",
    "<|user|>\nWho are you?\n<|assistant|>\nI am.<|endoftext|>",
    "almost <|user|special <|endoftext| > <|padding|>x<|endoftext|><|endoftext|>",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "camelCaseIdentifier snake_case_name SCREAMING_CASE kebab-case",
    "!!!???...---___***###@@@",
]


def generate(model_folder, folder, versions):
    """Writes reference.json for the demo model in `model_folder` into `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    exact = checkpoints.load(model_folder, torch.float32)
    bfloat16 = checkpoints.load(model_folder, torch.bfloat16)
    folder.mkdir(parents=True, exist_ok=True)
    reference = {
        "about": "the demo model: answers with its bfloat16 weights upcast to float32, and with all arithmetic in bfloat16",
        **versions,
        "eos_token_id": tokenizer.eos_token_id,
        "max_answer_tokens": MAX_ANSWER_TOKENS,
        "chats": [chat(tokenizer, exact, bfloat16, question) for question in QUESTIONS],
        "templates": [template(tokenizer, messages, answer) for messages in CONVERSATIONS for answer in (True, False)],
        "texts": [text_case(tokenizer, text) for text in TEXTS],
        "token_ids": [ids_case(tokenizer, ids) for ids in id_sequences(tokenizer)],
    }
    (folder / "reference.json").write_text(to_json(reference))


def chat(tokenizer, exact, bfloat16, question):
    messages = [{"role": "user", "content": question}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    token_ids = tokenizer.encode(prompt)
    prompt_logprobs = logprobs_of(exact, token_ids)
    exact_answer = answer(tokenizer, exact, token_ids)
    if exact_answer["min_logit_margin"] < MIN_LOGIT_MARGIN:
        raise ValueError(f"'{question}' is answered by a margin of {exact_answer['min_logit_margin']} only: ask something else")
    return {
        "messages": messages,
        "prompt": prompt,
        "prompt_token_ids": token_ids,
        # The first token is predicted by nothing.
        "prompt_logprobs": [None, *prompt_logprobs],
        "prompt_logprob_sum": sum(prompt_logprobs),
        **exact_answer,
        "bfloat16": answer(tokenizer, bfloat16, token_ids),
    }


def answer(tokenizer, model, token_ids):
    ids, margins, logprobs = greedy(model, token_ids, MAX_ANSWER_TOKENS, stop_at=tokenizer.eos_token_id)
    return {
        "answer": tokenizer.decode(ids, skip_special_tokens=True),
        "answer_token_ids": ids,
        "answer_logprobs": logprobs,
        "min_logit_margin": min(margins),
        "finish_reason": "stop" if ids[-1] == tokenizer.eos_token_id else "length",
    }


def logprobs_of(model, token_ids):
    tensors, _ = record(model, token_ids)
    return [float(tensors["logprobs"][i, token]) for i, token in enumerate(token_ids[1:])]


def template(tokenizer, messages, add_generation_prompt):
    text = tokenizer.apply_chat_template(messages, add_generation_prompt=add_generation_prompt, tokenize=False)
    return {"messages": messages, "add_generation_prompt": add_generation_prompt, "text": text}


def text_case(tokenizer, text):
    ids = tokenizer.encode(text)
    return {"text": text, **ids_case(tokenizer, ids)}


def ids_case(tokenizer, ids):
    return {
        "ids": ids,
        "decoded": tokenizer.decode(ids, skip_special_tokens=False),
        "decoded_without_special_tokens": tokenizer.decode(ids, skip_special_tokens=True),
    }


def id_sequences(tokenizer):
    """Ids that no text encodes to: cut characters, stray continuation bytes, special tokens in odd places, all ids in turn."""
    river = tokenizer.encode("rivière 😀")
    size = len(tokenizer)
    return [
        [],
        *[river[:end] for end in range(1, len(river))],
        *[river[start:] for start in range(1, len(river))],
        [0, 1, 0],
        list(reversed(river)),
        list(range(0, size, 7)),
    ]
