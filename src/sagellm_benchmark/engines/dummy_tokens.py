"""A tokenizer of any size for dummy weights, with which each generated token is one visible English-looking word.

A real model's tokens are words or parts of words, and some are half a character: a server would hold those back, and an
event would hold several tokens. Here, every token that can be generated is a space and some letters. A text of such
words has exactly one token for each, so counting the text and counting on the server give the same number.
"""

from __future__ import annotations

import itertools
import string
from typing import TYPE_CHECKING, Any

from sagellm_benchmark.engines.common_words import COMMON_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPECIAL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_SPACE = "Ġ"  # a space in byte-level vocabularies
_NORMAL, _CONTROL = 1, 3  # llama.cpp's token types
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def silent_count(vocabulary: int) -> int:
    """Return how many tokens, from the first, occur only in prompts: bytes and control tokens."""
    return min(256 + len(_SPECIAL), vocabulary)


def vocabulary_of(size: int) -> list[str]:
    """Return exactly `size` distinct tokens: control tokens, the 256 bytes, common words, then made-up words."""
    tokens = dict.fromkeys(itertools.chain(_SPECIAL, _bytes(), (_SPACE + word for word in COMMON_WORDS)))
    for word in _made_up():
        if len(tokens) >= size:
            break
        tokens[_SPACE + word] = None
    return list(tokens)[:size]


def add_to(writer: Any, size: int) -> None:
    """Add the tokenizer to a GGUFWriter."""
    tokens = vocabulary_of(size)
    writer.add_tokenizer_model("gpt2")
    # By Llama 3's rules, a word in the vocabulary is one token, without merging it from letters.
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL if token in _SPECIAL else _NORMAL for token in tokens])
    writer.add_token_merges([f"{_SPACE} {letter}" for letter in string.ascii_lowercase])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_chat_template(_TEMPLATE)


def _made_up() -> Iterator[str]:
    """Yield a … z, aa … zz, aaa …, without end."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            yield "".join(letters)


def _bytes() -> list[str]:
    """Return the 256 bytes as in byte-level vocabularies: visible ones as themselves, the others moved beyond 255."""
    visible = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    moved = (chr(256 + number) for number in itertools.count())
    return [chr(byte) if byte in visible else next(moved) for byte in range(256)]
