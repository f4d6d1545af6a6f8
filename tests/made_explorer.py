"""Pages with made-up data that have the places of explorer/README.md: what the explorer is tried on without a study."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

BUNDLE = Path(__file__).parents[1] / "src" / "piescope" / "report" / "explorer"
TEMPLATES = BUNDLE.parent / "templates"
DIGITS = Path(__file__).parents[1] / "src" / "piescope" / "data" / "digits.npz"
LEVELS = (0.3, 0.5, 0.7, 0.9, 0.95, 0.99)
ARMS = (
    ("supcon/gmp", "contrastive, GMP", 0, 0, 0),
    ("supcon/oneshot", "contrastive, one-shot", 0, 0, 1),
    ("supervised/gmp", "supervised, GMP", 1, 1, 0),
    ("supervised/oneshot", "supervised, one-shot", 1, 1, 1),
    ("supervised/random", "supervised, random", 1, 1, 2),
)
MODELS = 10


@dataclass
class Made:
    """Arrays one after the other, as the format wants them."""

    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)
    length: int = 0

    def add(self, name: str, values: np.ndarray, **more: Any) -> str:
        kind = {"uint8": "u8", "uint16": "u16", "uint32": "u32", "float32": "f32"}[values.dtype.name]
        self.facts[name] = {"type": kind, "shape": list(values.shape), "at": self.length, **more}
        stored = values.tobytes()
        stored += bytes(-len(stored) % 4)
        self.parts.append(stored)
        self.length += len(stored)
        return name


def scaled(values: np.ndarray, high: float, kind: type[np.unsignedinteger[Any]] = np.uint8) -> tuple[np.ndarray, float]:
    """Values from 0 to `high` in whole steps, the largest stored value left for what is not known."""
    top = np.iinfo(kind).max - 1
    stored = np.where(np.isnan(values), top + 1, np.round(np.clip(np.nan_to_num(values), 0, high) / high * top))
    return stored.astype(kind), high / top


def made_cells(
    made: Made,
    name: str,
    truth: np.ndarray,
    strength: np.ndarray,
    spread: np.ndarray,
    random: np.random.Generator,
    before: Any,
) -> dict[str, Any]:
    """Votes of ten models that find examples as hard as `strength` says; `before` is the side's (label, position, name) or None."""
    classes = int(truth.max()) + 1
    right = random.binomial(MODELS, strength).astype(np.uint8)
    rival = ((truth + 1 + (spread * (classes - 1)).astype(int) % (classes - 1)) % classes).astype(np.uint8)
    label = np.where(right * 2 >= MODELS, truth, rival).astype(np.uint8)
    modal = np.where(label == truth, right, np.maximum(1, (MODELS - right) * 0.8)).astype(np.uint8)
    position = np.stack([np.cos(truth / classes * 6.283), np.sin(truth / classes * 6.283)], 1) * 0.34 + 0.5
    position = np.clip(
        position + random.normal(0, 0.035, position.shape) + (1 - strength)[:, None] * (0.5 - position) * 0.8, 0, 1
    )
    cells: dict[str, Any] = {"dense": None, "confirmed": None}
    if before is None:
        cells["label"] = made.add(f"{name}.label", label)
    else:
        was, position, base = before[0], np.clip(before[1] + random.normal(0, 0.02, position.shape), 0, 1), before[2]
        cells["label"] = made.add(f"{name}.label", label ^ was, xor=base)
        said = np.where(label == was, modal, np.where(was == truth, right, 1)).astype(np.uint8)
        cells["dense"] = made.add(f"{name}.dense", said)
        cells["confirmed"] = made.add(f"{name}.confirmed", ((label != was) & (modal >= 6)).astype(np.uint8))
    cells["modal"] = made.add(f"{name}.modal", modal)
    cells["right"] = made.add(f"{name}.right", right)
    for measure, values, high in (
        ("score", np.clip(strength + random.normal(0, 0.03, len(truth)), 0, 1), 1.0),
        ("q", np.clip(strength * 0.6 + random.normal(0.1, 0.04, len(truth)), 0, 1), 1.0),
        ("depth", np.clip(6 - 5 * strength + random.normal(0, 0.4, len(truth)), 0, 7), 7.0),
    ):
        stored, scale = scaled(values, high)
        cells[measure] = made.add(f"{name}.{measure}", stored, scale=scale)
    stored, scale = scaled(position, 1.0, np.uint16)
    cells["map"] = made.add(f"{name}.map", stored, scale=scale)
    return {"facts": cells, "label": label, "position": position}


def sheets_of(pictures: np.ndarray, columns: int = 32, rows: int = 32) -> list[str]:
    """Sprite sheets of grey or coloured pictures, as data URIs."""
    height, width = pictures.shape[1:3]
    made = []
    for start in range(0, len(pictures), columns * rows):
        part = pictures[start : start + columns * rows]
        sheet = np.zeros((rows * height, columns * width, *pictures.shape[3:]), np.uint8)
        for place, picture in enumerate(part):
            row, column = divmod(place, columns)
            sheet[row * height : (row + 1) * height, column * width : (column + 1) * width] = picture
        sink = io.BytesIO()
        Image.fromarray(sheet).save(sink, "PNG")
        made.append("data:image/png;base64," + base64.b64encode(sink.getvalue()).decode())
    return made


def made_head(
    examples: int, arms: int = 5, levels: int = 6, side: int = 8, names: list[str] | None = None
) -> tuple[dict[str, Any], bytes]:
    """A head and its arrays; `side` 8 takes the digits' own pictures, another one coloured noise of that size."""
    random = np.random.default_rng(1)
    digits = np.load(DIGITS)
    which = random.permutation(examples) % len(digits["labels"])
    truth = digits["labels"][which].astype(np.uint8)
    hard = random.beta(1.2, 9, examples)
    spread = random.random(examples)
    made = Made()
    sides = []
    befores = []
    for index, (key, name) in enumerate((("supcon", "contrastive"), ("supervised", "supervised"))):
        own = np.clip(hard + random.normal(0, 0.02, examples), 0, 1)
        cells = made_cells(made, f"side{index}", truth, np.clip(1.05 - own * 0.9, 0, 1), spread, random, None)
        near = random.integers(0, examples, (examples, 10)).astype(np.uint16 if examples < 2**16 else np.uint32)
        sides.append(
            {
                "key": key,
                "name": name,
                "models": MODELS,
                "cells": cells["facts"],
                "neighbours": made.add(f"side{index}.near", near),
            }
        )
        befores.append((cells["label"], cells["position"], f"side{index}.label"))
    listed = []
    for number, (key, name, at, hue, dash) in enumerate(ARMS[:arms]):
        entries = []
        weak = (1.0, 1.35, 0.5, 0.7, 2.2)[number]
        for place, value in enumerate(LEVELS[len(LEVELS) - levels :]):
            strength = np.clip(1.05 - hard * (0.9 + weak * (value**6) * 3.2), 0, 1)
            cells = made_cells(made, f"arm{number}.{place}", truth, strength, spread, random, befores[at])
            changed = int((cells["label"] != befores[at][0]).sum())
            seeds = examples * 0.03
            entries.append({
                "value": value, "label": f"{value * 100:.0f}\u00a0%", "models": MODELS, "cells": cells["facts"], "seeds": seeds,
                "excess": {"value": changed - seeds, "low": changed - seeds - 9, "high": changed - seeds + 9},
                "is_clear": changed > 1.5 * seeds, "accuracy": 90.0, "clear_classes": None, "happened": None,
            })  # fmt: skip
        listed.append({"key": key, "name": name, "side": at, "hue": hue, "dash": dash, "levels": entries})
    if side == 8:
        pictures = (digits["levels"][which] / digits["levels"].max() * 255).astype(np.uint8)
    else:
        coarse = random.integers(0, 255, (examples, 4, 4, 3), dtype=np.uint8)
        pictures = coarse.repeat(side // 4, axis=1).repeat(side // 4, axis=2)
    head = {
        "format": 1, "kind": "study", "title": "digits", "axis": {"name": "sparsity", "unit": "%"},
        "classes": names or [str(digit) for digit in range(10)], "examples": examples,
        "ids": [f"{index:05d}" for index in range(examples)], "truth": made.add("truth", truth), "sides": sides, "arms": listed,
        "pictures": {
            "width": pictures.shape[2], "height": pictures.shape[1], "columns": 32, "rows": 32, "sheets": sheets_of(pictures),
            "sharp": side == 8, "tile": None,
        },
        "arrays": made.facts, "start": {"arm": ARMS[0][0], "level": 0.95 if levels > 1 else 0.99},
    }  # fmt: skip
    return head, b"".join(made.parts)


def arrays_of(head: dict[str, Any], content: bytes) -> dict[str, np.ndarray]:
    """The arrays by name, decoded: labels undone, numbers as stored."""
    kinds = {"u8": np.uint8, "u16": np.uint16, "u32": np.uint32, "f32": np.float32}
    found: dict[str, np.ndarray] = {}
    for name, facts in head["arrays"].items():
        count = int(np.prod(facts["shape"]))
        stored = np.frombuffer(content, kinds[facts["type"]], count, facts["at"]).reshape(facts["shape"])
        found[name] = stored ^ found[facts["xor"]] if "xor" in facts else stored
    return found


def made_page(head: dict[str, Any], arrays: bytes) -> str:
    """The page around a head: its places and its Content-Security-Policy, little else."""
    script = (BUNDLE / "explorer.js").read_text()
    css = (TEMPLATES / "page.css").read_text() + (BUNDLE / "explorer.css").read_text()
    policy = (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest(css)}'; script-src 'sha256-{digest(script)}'"
    )
    data = json.dumps(head).replace("<", "\\u003c")
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>digits</title><style>{css}</style></head><body><main>
<h1>With 95 % of their weights pruned, contrastive networks change their mind.</h1>
<div class="first"><div class="seen">{made_curve(head)}<div id="dial"></div></div><div class="pictures"><div id="wall"></div></div></div>
<nav aria-label="Contents"><ul><li class="with-script" hidden><a href="#explorer">Explore</a></li></ul></nav>
<section id="explorer" hidden></section></main>
<script type="application/json" id="explorer-head">{data}</script>
<script type="text/plain" id="explorer-arrays">{base64.b64encode(zlib.compress(arrays)).decode()}</script>
<script>{script}</script></body></html>"""


def digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def made_curve(head: dict[str, Any]) -> str:
    lines = []
    for arm in head["arms"]:
        most = max(level["excess"]["value"] + level["seeds"] for each in head["arms"] for level in each["levels"])
        points = [
            (40 + 500 * level["value"], 210 - 190 * (level["excess"]["value"] + level["seeds"]) / most, level["value"])
            for level in arm["levels"]
        ]
        dash = ("", "6 3", "2 3")[arm["dash"]]
        colour = f"hue-{arm['hue']}"
        lines.append(
            f'<g data-arm="{arm["key"]}" class="{colour}"><polyline fill="none" stroke-width="2" stroke-dasharray="{dash}" points="'
            + " ".join(f"{x},{y}" for x, y, _ in points)
            + '"/>'
            + "".join(f'<circle data-level="{value}" cx="{x}" cy="{y}" r="4"/>' for x, y, value in points)
            + "</g>"
        )
    return f'<svg id="curve" viewBox="0 0 560 230" width="100%" role="img" aria-label="Examples changed against sparsity">{"".join(lines)}</svg>'
