"""What `engine.py` makes of the runs of a part: medians, ratios and the tables for the reader."""

import statistics

from measure import table

FIELDS = ("train", "assign", "score", "together", "file_to_result", "whole_processes")


def share(at, name):
    low, high = at[f"interval{name}"]
    return f"{at[f'recall{name}']:.4f} ({low:.4f} – {high:.4f}) of {at[f'rows{name}']}"


def medians(runs):
    """The median of every time that a side tells."""
    return {field: statistics.median(run[field] for run in runs) for field in FIELDS if field in runs[0]}


def times(name, runs, median):
    """A line of the table of times."""
    every = [run["together"] for run in runs]
    cells = [f"{median[field]:.2f}" if field in median else "–" for field in FIELDS]
    cells.insert(4, f"{min(every):.2f} – {max(every):.2f}")
    return [name, *cells]


def ratios(runs, middle, to_first):
    """How many times as long the last side takes as each other, or each other as the first: of the medians, and in each
    round."""
    sides = list(runs)
    first, last = sides[0], sides[-1]
    pairs = [(side, first) for side in runs if side != first] if to_first else [(last, side) for side in runs if side != last]
    return [
        {"of": of, "to": to, "time": field, "ratio": round(middle[of][field] / middle[to][field], 3),
         "rounds": [round(a[field] / b[field], 3) for a, b in zip(runs[of], runs[to])]}
        for of, to in pairs for field in ("together", "file_to_result")
    ]


def told(ratio):
    """A ratio as a line."""
    low, high = min(ratio["rounds"]), max(ratio["rounds"])
    what = ratio["time"].replace("_", " ")
    return f"- {what}: {ratio['of']} takes {ratio['ratio']:.2f} × ({low:.2f} – {high:.2f}) as long as {ratio['to']}"


def bought(name, runs):
    """A line of the table of what the time bought."""
    peaks = [max(peaks) for peaks in zip(*(run["peak_rss_bytes"] for run in runs))]
    recall = runs[-1].get("recall") or {}
    memory = " / ".join(f"{peak / 1e9:.2f}" for peak in peaks)
    shares = [recall.get(which, "–") for which in ("all", "distinct", "each")]
    return [name, memory, *shares, f"{runs[-1]['kept']:,}"]


def report(part):
    """Adds the medians, their ratios and the text for the reader to a part."""
    runs = part["runs"]
    middle = part["medians"] = {name: medians(side) for name, side in runs.items()}
    part["ratios"] = ratios(runs, middle, part.get("to_first", False))
    head = ["seconds (medians)", "train", "assign", "score", "together", "range", "file to result", "whole processes"]
    more = ["", "peak memory in GB (cluster / score)", "recall at 0.1", "of distinct rows",
            "recall at 0.05 / 0.1 / 0.2 / 0.3", "kept at 0.1"]
    exponents = [f"- exponent, {step}: {exponent:.2f}" for step, exponent in part.get("exponents", {}).items()]
    part["table"] = "\n\n".join([
        table(head, [times(name, side, middle[name]) for name, side in runs.items()]),
        table(more, [bought(name, side) for name, side in runs.items()]),
        "\n".join([told(ratio) for ratio in part["ratios"]] + exponents),
    ]).rstrip()
