"""How the text model reads a text: word pieces, hashed features of words that the vocabulary lacks, numbers and operators.

This is the slow reference of the Rust reader. A text becomes three things:

tokens      rows of the table, in order.
letters     hashed features (a direction of ±1 drawn by a hash, and a length) of words and symbols that have no tokens.
exact       hashed features of the numbers and operators, in the order in which they stand.
"""

import functools
import itertools
import re
import struct
import unicodedata

import numpy as np
import regex
import xxhash

# The kinds of features: the seeds of the hash.
WORD, TRIGRAM, BIGRAM, CHARACTER, SYMBOL, NUMBER, ORDER, NEIGHBOUR = range(1, 9)
TRIGRAMS = 0.7  # all trigrams of a word together, of the length of the word's own vector
SINGLE = 0.3  # a character, of the length of a bigram, in scripts without spaces
MARK = 0.15  # a punctuation mark that the vocabulary lacks
LONGEST_WORD = 64  # longer runs are read as several words
UNSPACED = {"Han", "Hiragana", "Katakana", "Bopomofo", "Thai", "Lao", "Khmer", "Myanmar", "Tibetan", "Yi", "Tai_Tham",
            "New_Tai_Lue", "Javanese"}
OPERATORS = {"==", "!=", "<=", ">=", "&&", "||", "->", "=>", "<<", ">>", "+=", "-=", "*=", "/=", "++", "===", "!==", "**", "//",
             "+", "*", "=", "<", ">", "^", "|", "~", "&", "/", "≤", "≥", "≠", "×", "÷", "±", "−", "¬", "∧", "∨", "→", "←"}
TIGHT = set("+*=<>^|~") | {"==", "!=", "<=", ">=", "&&", "||", "->", "=>", "<<", ">>", "+=", "-=", "*=", "/=", "**"}
UNIT_SIGNS = "%‰°#§"
IRREGULAR = {"ca": "can", "wo": "will", "sha": "shall"}

_ignorable = regex.compile(r"(?![\U000e0020-\U000e007f])\p{Default_Ignorable_Code_Point}")
_separator = regex.compile(r"[\s\p{Cc}\u2581]+")
_number = regex.compile(r"\p{Nd}+(?:[.,:]\p{Nd}+)*")
_digit = regex.compile(r"\p{Nd}")
_names = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
          "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_name = re.compile("[^a-z]*(" + "|".join([*_names, *(name[:3] for name in _names), "sept"]) + ")[^a-z]*")
_latin = regex.compile(r"\p{Script=Latin}")
_unspaced = regex.compile("|".join(rf"\p{{Script={name}}}" for name in sorted(UNSPACED)))
_common = regex.compile(r"\p{Script=Common}|\p{Script=Inherited}")
_marks = {**{c: "^" for c in "²³¹⁰⁴⁵⁶⁷⁸⁹"}, **{chr(c): "_" for c in range(0x2080, 0x208a)},
          **{chr(c): " " for c in (*range(0xbc, 0xbf), *range(0x2150, 0x2160), 0x2189)}}


def normal(text):
    """The text as NFKC, case folded, without invisible characters; its words separated by single spaces."""
    if text.isascii():
        return " ".join(word for word in _separator.split(text.lower()) if word)
    form = "".join(_marks.get(c, "") + c for c in text)
    for _ in range(4):
        folded = _ignorable.sub("", unicodedata.normalize("NFKC", form).casefold())
        folded = unicodedata.normalize("NFKC", folded)
        if folded == form:
            break
        form = folded
    return " ".join(word for word in _separator.split(form) if word)


@functools.lru_cache(1 << 16)
def kind(c):
    """The class of a character: D digit, L Latin letter, F other letter, U letter without spaces, P, S; lower case: joins."""
    if c.isascii():
        return "D" if c.isdigit() else "L" if c.isalpha() else "P"
    category = unicodedata.category(c)
    if category[0] == "M":
        return "m"
    if category == "Nd":
        return "D"
    if category[0] in "LN":
        if _common.match(c):
            return "l"
        return "L" if _latin.match(c) else "U" if _unspaced.match(c) else "F"
    return "P" if category[0] == "P" else "S"


def runs(word):
    """Splits a word into (kind, start, end). Letters and digits that touch are one run, of kind A where both occur."""
    out, at = [], 0
    while at < len(word):
        k = {"m": "S", "l": "L"}.get(kind(word[at]), kind(word[at]))
        end = at + 1
        while end < len(word):
            n = kind(word[end])
            if n in "ml":
                pass
            elif n == k or (k == "A" and n in "LD"):
                pass
            elif (k, n) in {("L", "D"), ("D", "L")}:
                k = "A"
            elif (k, n) in {("L", "F"), ("A", "F"), ("F", "L"), ("F", "D")}:
                k = "F"
            else:
                break
            end += 1
        out.append((k, at, end))
        at = end
    return out


def hashed(seed, text):
    return xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), seed)


def signs(hashes, dims):
    """The ±1 vectors of hashes: bit i of the upper half of number b of the SplitMix64 sequence that begins at the hash is the
    sign of value 32 b + i."""
    with np.errstate(over="ignore"):
        hashes = np.asarray(hashes, np.uint64)[:, None]
        blocks = np.arange(1, dims // 32 + 1, dtype=np.uint64)[None, :]
        z = hashes + blocks * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = (z ^ (z >> np.uint64(31))) >> np.uint64(32)
    bits = (z[:, :, None] >> np.arange(32, dtype=np.uint64)) & np.uint64(1)
    return (1 - 2 * bits.astype(np.int8)).reshape(len(hashes), dims)


def word_features(word):
    """The features of a word of its own: the word and its trigrams."""
    marked = "\2" + word + "\3"
    n = len(word)
    return [(hashed(WORD, word), 1.0)] + [(hashed(TRIGRAM, marked[i:i + 3]), TRIGRAMS / n**0.5) for i in range(n)]


class Word:
    """What was read of a word."""

    __slots__ = ("tokens", "letters", "pieces", "exact", "flow", "words", "unknown")

    def __init__(self):
        self.tokens, self.letters, self.pieces, self.exact = [], [], [], []
        self.flow = []  # words and numbers in order: (is a number, text)
        self.words = self.unknown = 0


class Reader:
    """Reads texts with a WordPiece vocabulary."""

    def __init__(self, vocab, broken_up=0.6, broken_up_long=0.5, negation=True, accents=0.7):
        self.ids = {piece: i for i, piece in enumerate(vocab)}
        self.broken_up, self.negation, self.accents, self.broken_up_long = broken_up, negation, accents, broken_up_long
        self.cache = {}

    def pieces(self, word):
        """Greedy longest match first, as WordPiece; None if a piece is missing."""
        out, at = [], 0
        while at < len(word):
            for end in range(len(word), at, -1):
                piece = word[at:end] if at == 0 else "##" + word[at:end]
                if piece in self.ids:
                    break
            else:
                return None
            out.append(self.ids[piece])
            at = end
        return out

    def latin(self, word, into):
        """Reads a word of Latin letters."""
        into.words += 1
        if len(word) > LONGEST_WORD:
            into.words -= 1
            for at in range(0, len(word), LONGEST_WORD):
                self.latin(word[at:at + LONGEST_WORD], into)
            return
        into.flow.append((False, word))
        if word.isascii():
            pieces = self.pieces(word)
            if pieces and (len(pieces) == 1 or len(pieces) <= self.broken_up * len(word) and len(word) > 2):
                into.tokens += pieces
                if len(pieces) > 1:
                    into.pieces += word_features(word)
                return
        else:
            plain = "".join(c for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn")
            if plain.isascii() and plain in self.ids and len(plain) > 2 and self.accents:
                into.tokens.append(self.ids[plain])
                into.letters.append((hashed(WORD, word), self.accents))
                return
        into.letters += word_features(word)
        into.unknown += 1

    def other(self, word, into):
        """Reads a word that has no tokens."""
        for at in range(0, len(word), LONGEST_WORD):
            into.letters += word_features(word[at:at + LONGEST_WORD])
            into.words += 1
            into.unknown += 1
        into.flow.append((False, word[:LONGEST_WORD]))

    def unspaced(self, run, into):
        for i, c in enumerate(run):
            if i + 1 < len(run) or len(run) == 1:
                into.letters.append((hashed(BIGRAM, run[i:i + 2]), 1.0))
            into.letters.append((hashed(CHARACTER, c), SINGLE))
        into.flow += [(False, run[0]), (False, run[-1])]
        into.words += (len(run) + 1) // 2
        into.unknown += (len(run) + 1) // 2

    def symbols(self, run, into):
        for i, c in enumerate(run):
            into.letters.append((hashed(SYMBOL, c), 1.0))
            if i + 1 < len(run):
                into.letters.append((hashed(BIGRAM, run[i:i + 2]), 1.0))
            into.words += 1

    def marks(self, run, before, after, into):
        """Reads punctuation. Operators become exact items too: alone, between two ends, right before a number; a plus behind one."""
        if (run in OPERATORS and run != "|" if not before and not after else run in TIGHT if before and after else
                run != "+" and run in TIGHT and kind(after[0]) == "D" if not before else run == "+" and kind(before[-1]) == "D"):
            into.exact.append(run)
        for c in run:
            if c in UNIT_SIGNS or unicodedata.category(c) == "Sc":
                into.flow.append((False, c))
            if (c.isascii() or "\u2000" <= c <= "\u206f") and c in self.ids:
                into.tokens.append(self.ids[c])
            elif kind(c) == "P":
                into.letters.append((hashed(SYMBOL, c), MARK))
            else:
                into.letters.append((hashed(SYMBOL, c), 1.0))

    def number(self, word, start, end, into):
        text = compared(word[start:end], word[:start])
        into.exact.append(text)
        into.flow.append((True, text))

    def word(self, word):
        """Reads a word in normal form."""
        if word in self.cache:
            return self.cache[word]
        into, skip = Word(), 0
        split = runs(word)
        for i, (k, start, end) in enumerate(split):
            start = max(start, skip)
            if start >= end:
                continue
            text = word[start:end]
            if k == "D" or k == "A" and kind(text[0]) == "D":
                number = _number.match(word, start)
                rest = word[number.end():end]
                if k == "D" or number.end() >= end or rest in self.ids:
                    self.number(word, start, number.end(), into)
                    skip = number.end()
                    # The run in which the number ends may go on with a unit.
                    tail = next(((b, e) for _, b, e in split if b < skip < e or b == skip < e), None)
                    if tail and tail[0] < skip and tail[1] > skip:
                        unit = word[skip:tail[1]]
                        skip = tail[1]
                        if unit in self.ids:
                            self.latin(unit, into)
                        else:
                            self.other(unit, into)
                    continue
                self.other(text, into)
            elif k == "A" or k == "F":
                self.other(text, into)
            elif k == "L":
                if self.negation and text == "cannot":
                    self.latin("can", into)
                    self.latin("not", into)
                    continue
                if self.negation and text[-1] == "n" and len(text) > 1 and word[end:end + 2] in ("'t", "’t") and (
                        end + 2 == len(word) or kind(word[end + 2]) == "P"):
                    self.latin(IRREGULAR.get(text[:-1], text[:-1]), into)
                    self.latin("not", into)
                    skip = end + 2
                    continue
                self.latin(text, into)
            elif k == "U":
                self.unspaced(text, into)
            elif k == "S" and text not in OPERATORS:
                self.symbols(text, into)
            else:
                self.marks(text, word[:start], word[end:], into)
        if len(self.cache) < 3_000_000:
            self.cache[word] = into
        return into

    def read(self, text):
        """The words of a text, and its exact features (hash, length) without the number that counts them."""
        words = normal(text).split(" ")
        found, items = [], []
        for i, w in enumerate(words):
            if not w:
                continue
            word = self.word(w)
            found.append(word)
            items += word.exact
            near = words[max(0, i - 1):i] + words[i + 1:i + 2]
            if w in ("-", "–", "−") and i + 1 < len(words) and i > 0 and (
                    kind(words[i + 1][0]) == "D" or len(words[i + 1].strip(";,.)")) == 1 and words[i + 1][0].isalpha()):
                items.append("-")
            if _name.fullmatch(w) and any(_digit.search(n[:12]) for n in near):
                items.append(re.sub("[^a-z]", "", w)[:3])
        return found, items


def may_begin(before):
    """Whether a sign may follow: nothing, an opening bracket, an operator, the sign of a currency."""
    return not before or before[-1] in "([{=,:<>*/+" or unicodedata.category(before[-1]) == "Sc"


def compared(number, before):
    """A number as it is compared: without commas between thousands, with its sign, `.5` as 0.5 and `6.00` as 6."""
    pointed = before.endswith(".") and (before[:-1].endswith(("-", "−", "+")) or may_begin(before[:-1]))
    before = before[:-1] if pointed else before
    signed = before[:-1] if before and unicodedata.category(before[-1]) == "Sc" else before
    sign = signed[-1:] if signed.endswith(("-", "−", "+")) and may_begin(signed[:-1]) else ""
    groups = number.split(",")
    digits = [len(list(itertools.takewhile(lambda c: kind(c) == "D", group))) for group in groups]
    thousands = not before.endswith(("(", "[", "{")) and digits[0] <= 3 and not number.startswith("0") and all(d == 3 for d in digits[1:])
    text = ("-" if sign == "−" else sign) + ("0." if pointed else "") + ("" if thousands else ",").join(groups)
    whole, _, rest = text.partition(".")
    return whole if rest in ("0", "00") and ":" not in whole else text


def paired(seed, first, second):
    """The hash of two hashes."""
    return xxhash.xxh3_64_intdigest(struct.pack("<QQ", first, second), seed)


def number_features(items):
    """The features of the numbers and operators of a text, each by itself; a repeated one counts once, here and below."""
    return [(hashed(NUMBER, item), 1.0) for item in dict.fromkeys(items)]


def order_features(items):
    """Each number or operator with the one before it, and the ends."""
    hashes = [0, *(hashed(NUMBER, item) for item in items), 0] if items else []
    return [(paired(ORDER, a, b), 1.0) for a, b in dict.fromkeys(zip(hashes, hashes[1:]))]


def neighbour_features(words):
    """Each number with the word right before it and the word right after it; punctuation does not count."""
    flow = [item for word in words for item in word.flow]
    steps = [hashed(NUMBER, text) | 1 if is_number else hashed(WORD, text) & ~1 for is_number, text in flow]
    pairs = [(a, b) for a, b in zip(steps, steps[1:]) if (a ^ b) & 1]
    return [(paired(NEIGHBOUR, a, b), 1.0) for a, b in dict.fromkeys(pairs)]
