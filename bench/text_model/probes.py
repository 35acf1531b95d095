"""Probe pairs: two texts that differ in one way, 100 pairs for each way, made by a seeded script.

`DIFFERENT` classes should stay, `SAME` classes should go; of the others (one typo, units …) a reader decides.
"""

import random
import unicodedata

NAMES = ["Anna", "Boris", "Carla", "Daniel", "Elena", "Frank", "Greta", "Hassan", "Ingrid", "Joao", "Karen", "Liam", "Maria", "Omar"]
PLACES = ["Paris", "Lagos", "Berlin", "Lima", "Oslo", "Cairo", "Toronto", "Madrid", "Seoul", "Dublin"]
THINGS = ["chairs", "apples", "tickets", "servers", "bottles", "books", "houses", "windows", "trees", "letters", "boxes", "cars"]
ADJECTIVES = ["safe", "open", "ready", "cheap", "correct", "useful", "available", "legal", "possible", "important", "finished", "empty"]
SUBJECTS = ["The vaccine", "The bridge", "This medicine", "The report", "The new station", "Our server", "The contract", "The museum",
            "Her answer", "The old method", "The main entrance", "That claim"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"]
TAILS = ["", "", " according to the report", " in the old part of the city", " before the meeting started",
         ", and nobody had expected anything else from them", " although the weather was bad and most of the trains were late"]
NUMBERED = ["{n} people attended the concert in {p}", "Please transfer {n} dollars to {a}", "{a} bought {n} {t} in {p}",
            "The price of the {t} rose by {n} percent", "Room {n} is reserved for {a}", "The train to {p} leaves from platform {n}",
            "Invoice {n} was paid by {a}", "There are {n} {t} in the warehouse", "Chapter {n} describes the history of {p}",
            "Version {n}.{m} fixes the error that {a} found", "{n} of the {m} {t} were broken", "Road {n} connects {p} with the coast",
            "The patient weighs {n} kg", "{n} + {m} = {s}", "The temperature in {p} was {n} degrees at noon", "Call {n}-{m} and ask for {a}"]
DATED = ["The meeting with {a} is on {d}", "{a} was born on {d} in {p}", "The contract was signed on {d}", "The museum in {p} opened on {d}",
         "Deadline: {d}", "On {d} the {t} were delivered to {p}", "The flight from {p} on {d} was cancelled"]
ACTIONS = ["met", "called", "paid", "helped", "accused", "praised", "followed", "defeated", "invited", "replaced"]
CODE = ["if ({x} {o} {n}) {{ return {y}; }}", "{x} = {y} {o} {n}", "while {x} {o} {y}: {x} += 1", "assert {x} {o} {y}", "return {x} {o} {n} ;",
        "let {x} = {y} {o} {n};", "print({x} {o} {y})"]
COMPARE = ["<", ">", "<=", ">=", "==", "!="]
ARITHMETIC = ["+", "-", "*", "/"]
UNITS = [("kg", "lb"), ("km", "miles"), ("meters", "feet"), ("hours", "minutes"), ("dollars", "euros"), ("grams", "ounces"), ("mg", "g"),
         ("weeks", "months"), ("°C", "°F"), ("MB", "GB"), ("seconds", "days"), ("liters", "gallons")]
MEASURED = ["The box weighs {n} {u}", "Take {n} {u} of it every day", "It is {n} {u} from {p} to the coast", "{a} waited {n} {u} for the bus",
            "The file has a size of {n} {u}", "Add {n} {u} of water and stir", "It cost {n} {u} in {p}", "The limit is {n} {u}"]
ACCENTED = ["Das Gebäude in {p} wurde über Nacht geschlossen", "La société a été créée à {p} en été", "El niño comió piñas en {p} mañana",
            "Łukasz pojechał do {p} późną nocą", "Ông ấy đã đến {p} vào buổi sáng", "O coração de {a} está em {p}, não aqui", "Żółta łódź płynie do {p}"]


def number(rng):
    return rng.choice([rng.randint(2, 12), rng.randint(10, 99), rng.randint(100, 999), rng.randint(1000, 9999)])


def other(rng, n):
    """Another number: a digit changed, two digits swapped, or any other number of the same size."""
    digits = list(str(n))
    while True:
        way = rng.randint(0, 2)
        if way == 0:
            digits[rng.randrange(len(digits))] = rng.choice("123456789")
        elif way == 1 and len(digits) > 1:
            i = rng.randrange(len(digits) - 1)
            digits[i], digits[i + 1] = digits[i + 1], digits[i]
        else:
            digits = list(str(rng.randint(10 ** (len(digits) - 1), 10 ** len(digits) - 1)))
        if int("".join(digits)) != n and digits[0] != "0":
            return int("".join(digits))


def frame(rng):
    return {"a": rng.choice(NAMES), "p": rng.choice(PLACES), "t": rng.choice(THINGS)}


def numbers(rng):
    template, values, n, m = rng.choice(NUMBERED) + rng.choice(TAILS) + ".", frame(rng), number(rng), number(rng)
    if "{m}" in template and "{s}" not in template and rng.random() < 0.3 and n != m:
        return template.format(n=n, m=m, **values), template.format(n=m, m=n, **values)
    k = other(rng, n)
    return template.format(n=n, m=m, s=n + m, **values), template.format(n=k, m=m, s=k + m, **values)


def dates(rng):
    template, values = rng.choice(DATED) + rng.choice(TAILS) + ".", frame(rng)
    style, way = rng.randrange(4), rng.randrange(4)
    one = [rng.randint(1, 12), rng.randint(1, 12), rng.randint(1990, 2029)]
    two = list(one)
    while two == one:
        if way == 3:
            two[0], two[1] = one[1], one[0]
            way = rng.randrange(3)
        else:
            two[way] = [rng.randint(1, 28), rng.randint(1, 12), rng.randint(1990, 2029)][way]
    show = [lambda d, m, y: f"{d} {MONTHS[m - 1]} {y}", lambda d, m, y: f"{MONTHS[m - 1]} {d}, {y}", lambda d, m, y: f"{y}-{m:02}-{d:02}",
            lambda d, m, y: f"{d}/{m}/{y}"][style]
    return template.format(d=show(*one), **values), template.format(d=show(*two), **values)


def negation(rng):
    tail, values = rng.choice(TAILS) + ".", frame(rng)
    way = rng.randrange(4)
    if way == 0:
        s, verb, adjective = rng.choice(SUBJECTS), rng.choice(["is", "was"]), rng.choice(ADJECTIVES)
        return f"{s} {verb} {adjective}{tail}", f"{s} {verb} {rng.choice(['not', 'never'])} {adjective}{tail}"
    if way == 1:
        return f"You should touch the {values['t']}{tail}", f"You should{rng.choice(['n’t', ' not', ' never'])} touch the {values['t']}{tail}"
    if way == 2:
        return f"{values['a']} wants to go to {values['p']}{tail}", f"{values['a']} does{rng.choice([chr(39), '’']).join(['n', 't'])} want to go to {values['p']}{tail}"
    return f"There are {values['t']} in {values['p']}{tail}", f"There are no {values['t']} in {values['p']}{tail}"


def roles(rng):
    a, b = rng.sample(NAMES, 2)
    p, q = rng.sample(PLACES, 2)
    verb, tail = rng.choice(ACTIONS), rng.choice(TAILS) + "."
    if rng.random() < 0.3:
        return f"{a} travelled from {p} to {q}{tail}", f"{a} travelled from {q} to {p}{tail}"
    return f"{a} {verb} {b}{tail}", f"{b} {verb} {a}{tail}"


def operators(rng):
    x, y = rng.sample(["x", "y", "count", "total", "index", "size", "a", "b", "speed"], 2)
    template, n, m = rng.choice(CODE), number(rng), number(rng)
    if rng.random() < 0.25 and n != m:
        o = rng.choice(["-", "/"])
        return f"{x} = {n} {o} {m}", f"{x} = {m} {o} {n}"
    o, p = rng.sample(rng.choice([COMPARE, ARITHMETIC]), 2)
    return template.format(x=x, y=y, n=n, o=o), template.format(x=x, y=y, n=n, o=p)


def units(rng):
    template, values, n = rng.choice(MEASURED) + rng.choice(TAILS) + ".", frame(rng), number(rng)
    u, v = rng.choice(UNITS)
    return template.format(n=n, u=u, **values), template.format(n=n, u=v, **values)


def any_text(rng):
    return rng.choice([numbers, dates, negation, roles, operators, units])(rng)[0]


def case(rng):
    text = any_text(rng)
    return text, rng.choice([str.upper, str.lower, str.title])(text.replace("'", "’"))


def spaces(rng):
    words = any_text(rng).split(" ")
    return " ".join(words), "".join(w + rng.choice([" ", " ", "  ", "\t", "\n", "\u00a0"]) for w in words)


def forms(rng):
    text = rng.choice(ACCENTED).format(**frame(rng)) + rng.choice(TAILS) + "."
    return unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)


def typo(rng):
    words = any_text(rng).split(" ")
    at = rng.choice([i for i, w in enumerate(words) if len(w) > 3 and w.isalpha()] or [0])
    w = list(words[at])
    i = rng.randrange(max(1, len(w) - 1))
    way = rng.randrange(3)
    if way == 0 and len(w) > i + 1 and w[i] != w[i + 1]:
        w[i], w[i + 1] = w[i + 1], w[i]
    elif way == 1:
        del w[i]
    else:
        w.insert(i, rng.choice("aeiorstn"))
    return " ".join(words), " ".join([*words[:at], "".join(w), *words[at + 1:]])


CLASSES = {"numbers": numbers, "dates": dates, "negation": negation, "swapped roles": roles, "code operators": operators, "units": units,
           "case": case, "white space": spaces, "NFC/NFD": forms, "one typo": typo}


def probes(seed=1, count=100):
    """The pairs of each class: distinct pairs, except where the class says that nothing but form differs."""
    out = {}
    for name, make in CLASSES.items():
        rng, pairs = random.Random(f"{seed} {name}"), []
        while len(pairs) < count:
            pair = make(rng)
            if pair[0] != pair[1] and pair not in pairs:
                pairs.append(pair)
        out[name] = pairs
    return out


UNKNOWN = ["👍", "👎", "🇩🇪", "🇪🇩", "😀😀", "x == y", "x != y", "a <= b", "a >= b", "a && b", "a || b", "<b>", "<i>", "</b>", "<br/>", "&amp;",
           "0xdeadbeef", "0xbeefdead", "3f2a9c", "3f2a9d", "SGVsbG8gV29ybGQ=", "SGVsbG8gV29ybGR=", "R2VsbG8gV29ybGQ=", "resume", "résumé", "über", "uber",
           "мир", "мур", "你好", "好你", "สวัสดี", "สวัสดา", "مرحبا", "مرحبه", "{}", "[]", "()", "+", "-", "*", "->", "=>", "5", "-5", "5%", "$5", "€5", "5.0", "50",
           "1:2", "2:1", "a.b", "a,b", "!", "?", "…", "№", "∀x", "∃x", "α", "β", "½", "¼", "2⁵", "25", "::", ";;", "#", "##", "@user", "#user", "\\n", "\\t"]


def real_numbers(texts, count=100, seed=1, most=400):
    """Real texts with a number, and the same texts with one number changed."""
    rng, pairs = random.Random(seed), []
    import re
    texts = [t for t in texts if re.search(r"\b\d+\b", t) and len(t) <= most]
    while len(pairs) < count and texts:
        text = texts.pop(rng.randrange(len(texts)))
        found = rng.choice(list(re.finditer(r"\b\d+\b", text)))
        if found[0][0] == "0":
            continue
        pairs.append((text, text[:found.start()] + str(other(rng, int(found[0]))) + text[found.end():]))
    return pairs
