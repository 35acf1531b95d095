"""Writes the short descriptions of Debian's packages as JSON lines, a field of its own for `own_corpus.py --paragraphs`.

    apt-cache dumpavail | python bench/text_model/debian.py > descriptions.jsonl

`id` is the source package, `#` and the package: packages of one source go into one half. Only distinct descriptions of 20 characters or more.
"""

import json
import sys


def fields(stanza):
    """The fields of a package; a line that begins with a space goes on with the one before."""
    found, name = {}, None
    for line in stanza.split("\n"):
        if line.startswith(" ") and name:
            found[name] += line
        elif ":" in line:
            name, _, value = line.partition(":")
            found[name] = value
    return found


def main():
    seen = set()
    for stanza in sys.stdin.buffer.read().decode("utf-8", "replace").split("\n\n"):
        found = fields(stanza)
        text = " ".join(found.get("Description", found.get("Description-en", "")).split())
        if len(text) >= 20 and text not in seen:
            seen.add(text)
            package = found["Package"].strip()
            source = found.get("Source", package).split()[0]
            print(json.dumps({"id": f"{source}#{package}", "text": text}))


if __name__ == "__main__":
    main()
