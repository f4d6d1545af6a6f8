"""report.html of an audit: one file, from disk, offline: what was lost, who paid, and how sure that is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

import piescope
from piescope import wording
from piescope.report.audit import budget_rows, caveats, charts, copies, findings, headlines, terms
from piescope.report.audit.measures import class_rows, measure_rows, measure_words
from piescope.report.audit.terms import Audit, Row
from piescope.report.audit.warnings import warnings
from piescope.report.standalone import data_uri, page_templates, style_hash

FIRST = 15
"""Classes and groups shown unfolded; the rest is one click away."""

MOST_MEASURED = 200
"""Classes whose precision, recall and F1 the page has; audit.json has all."""

TILES = 24
"""Examples of a gallery shown unfolded."""

PNG = b"\x89PNG\r\n\x1a\n"

MOST_IMAGE_BYTES = 10_000_000
"""Images of the page together; those beyond are told by their ids."""

SMALL = 96
"""Pixels; images up to that width are enlarged with sharp pixels, larger ones smoothly."""

KINDS = {"lost": "lost", "rescued": "won back", "moved": "moved", "changed": "changed", "same": "unchanged"}

FLIPS_ABOUT = (
    ("lost", "lost", "right before, wrong after"),
    ("rescued", "won back", "wrong before, right after"),
    ("moved", "moved", "wrong before and after, another label"),
)


@dataclass(frozen=True)
class Card:
    """One number that a reader takes away.

    Attributes:
        name: what it is.
        number: the number, as it is shown.
        details: lines below it.
        kind: CSS class.
    """

    name: str
    number: str
    details: tuple[str, ...]
    kind: str = ""


@dataclass(frozen=True)
class Bar:
    """A class or group that lost or gained.

    Attributes:
        name: its name.
        bar: the drawn bar.
        change: change of recall or accuracy with its interval.
        before_after: both numbers.
        flips: lost and won back.
        chance: of how many examples, and the q-value.
        is_clear: beyond chance.
    """

    name: str
    bar: Markup
    change: str
    before_after: str
    flips: str
    chance: str
    is_clear: bool


@dataclass(frozen=True)
class Bars:
    """Bars on one scale.

    Attributes:
        axis: its numbers.
        first: shown.
        rest: folded.
        unfold: what is folded.
    """

    axis: Markup
    first: list[Bar]
    rest: list[Bar]
    unfold: str


@dataclass(frozen=True)
class Picture:
    """An image of the page.

    Attributes:
        uri: its data URI; empty where there is none.
        is_small: of few pixels.
    """

    uri: str = ""
    is_small: bool = False


@dataclass(frozen=True)
class Tile:
    """One example of a gallery.

    Attributes:
        example_id: its id.
        image: its image.
        label: true class, None where unknown.
        dense: dense label, with the share of models that gave it where there are several.
        compressed: likewise.
        is_same: both are one label.
        kind: what happened, as CSS class.
        kind_name: what happened, in words.
        probability: both sides' probability of the true label, in words; empty for labels only.
        bars: the same drawn.
        harm: in points.
        is_confirmed: changed by more than chance.
    """

    example_id: str
    image: Picture
    label: str | None
    dense: str
    compressed: str
    is_same: bool
    kind: str
    kind_name: str
    probability: str
    bars: Markup | None
    harm: str
    is_confirmed: bool


def render_audit(audit: Audit, images: dict[str, bytes]) -> bytes:
    """The whole page.

    Args:
        audit: the content of audit.json.
        images: PNG by example id; what is no PNG is left out.

    Returns:
        UTF-8 HTML that needs no other file, no network and no JavaScript.
    """
    templates = page_templates()
    css = templates.get_template("report.css").render() + templates.get_template("audit.css").render()
    pictures, left_out = fitting(audit, images)
    headline = headlines.headline(audit)
    flips = audit["flips"]
    calibration = audit["calibration"]
    several = audit["comparison"] != "one against one"
    page = templates.get_template("audit.html").render(
        audit=audit,
        terms=terms,
        findings=findings,
        budget_rows=budget_rows,
        wording=wording,
        title=terms.title(audit),
        css=css,
        css_hash=style_hash(css),
        version=piescope.__version__,
        made_with=terms.made_with(audit),
        warnings=warnings(audit),
        verdict=headline[0],
        lead=headline[1:],
        state=_state(audit),
        about=about(audit),
        cards=cards(audit),
        changes=findings.changes(audit),
        strip=None if flips is None else _strip(flips),
        class_bars=bars(audit["classes"], lambda row: wording.name(row["class"]), "recall", "class", "classes"),
        class_words=findings.classes(audit),
        group_bars=bars(
            audit["groups"], lambda row: f"{wording.name(row['column'])} = {wording.name(row['value'])}",
            "accuracy", "group", "groups",
        ),
        group_words=findings.groups(audit),
        measures=measure_rows(audit),
        measures_by_class=class_rows(audit)[:MOST_MEASURED],
        measure_words=measure_words(audit),
        confusions=_confusions(audit, pictures),
        calibration_words=findings.calibration(audit),
        reliability=None if calibration is None else charts.reliability(calibration),
        shift=None if calibration is None else charts.shift_histogram(calibration["shift"] or []),
        keys={kind: charts.side_key(kind) for kind in ("dense", "compressed")},
        harmed_title=findings.harmed(audit),
        harmed=tiles(audit, audit["harmed"], pictures),
        label_error_words=findings.label_errors(audit),
        label_errors=tiles(audit, audit["label_errors"]["examples"] if audit["label_errors"] else [], pictures),
        first_tiles=TILES,
        left_out=left_out,
        embedding_words=findings.embeddings(audit),
        embedding_rows=_embedding_rows(audit),
        seeds=[
            sentence
            for sentence in (findings.seeds(audit), findings.noise(audit), findings.confirmed(audit))
            if sentence and several
        ],
        what_if_words=copies.what_if(audit),
        what_if=_what_if(audit),
        sides=[_side(audit, which) for which in ("dense", "compressed")],
        limits=caveats.limits(audit),
    )  # fmt: skip
    return page.encode("utf-8", "replace")


def fitting(audit: Audit, images: dict[str, bytes]) -> tuple[dict[str, Picture], int]:
    """The images that the page can hold, most harmed examples first; and how many it cannot.

    Args:
        audit: the content of audit.json.
        images: PNG by example id; what is no PNG is no image.
    """
    errors = [] if audit["label_errors"] is None else audit["label_errors"]["examples"]
    ids = [row["id"] for row in (*audit["harmed"], *errors)]
    ids += [example_id for row in audit["confusions"] for example_id in row["examples"] or []]
    uses = Counter(ids)
    pictures: dict[str, Picture] = {}
    room, left_out = MOST_IMAGE_BYTES, 0
    for example_id in uses:
        content = images.get(example_id, b"")
        if not content.startswith(PNG):
            continue
        uri = data_uri("image/png", content)
        if len(uri) * uses[example_id] > room:
            left_out += 1
            continue
        room -= len(uri) * uses[example_id]
        pictures[example_id] = Picture(uri, is_small=int.from_bytes(content[16:20], "big") <= SMALL)  # IHDR's width
    return pictures, left_out


def _state(audit: Audit) -> str:
    by_answer = {"safe": "kept", "harm shown": "broken", "too few to tell": "undecided"}
    return by_answer.get(audit["verdict"]["answer"], "none")


def about(audit: Audit) -> str:
    """One line below the verdict: what was compared."""
    inputs = audit["inputs"]
    models = [
        wording.counted(inputs[side]["n_models"], "model")
        for side in ("dense", "compressed")
        if inputs[side]["n_models"]
    ]
    told = terms.matched(audit).rstrip(".")
    if len(models) == 2:
        told += f"; {models[0]} before, {models[1]} after"
    if audit["what_if"]:
        last = wording.name(audit["what_if"][-1]["name"])
        told += f". All but the what-if section is about the last copy, {last}"
    return told + "."


def cards(audit: Audit) -> list[Card]:
    """The few numbers that matter; what is unknown has no card."""
    found = []
    accuracy, flips, share = audit["accuracy"], audit["flips"], audit["changed_share"]
    examples = audit["n_examples"]
    if accuracy is not None and accuracy["dense"] is not None and accuracy["compressed"] is not None:
        low, high = terms.ends(accuracy["change_interval"])
        change = wording.with_interval(accuracy["change"], low, high, "points", signed=True)
        decimals = wording.digits(accuracy["dense"], accuracy["compressed"])
        found.append(
            Card(
                "Accuracy",
                f"{wording.number(accuracy['dense'], decimals)} → {wording.percent(accuracy['compressed'], decimals)}",
                (change,) if accuracy["change"] is not None else (),
                "wide",
            )
        )
    if flips is not None and flips["correct_to_wrong"] is not None:
        lost = flips["correct_to_wrong_share"]
        details = ["right before, wrong after"]
        if lost is not None and lost["value"] is not None:
            details.insert(0, f"{wording.with_interval(lost['value'], lost['low'], lost['high'], '%')}")
        found.append(Card("Lost", wording.count(flips["correct_to_wrong"]), tuple(details), "lost"))
    if flips is not None and flips["wrong_to_correct"] is not None:
        found.append(Card("Won back", wording.count(flips["wrong_to_correct"]), ("wrong before, right after",), "won"))
    details = [f"of {wording.count(examples)} examples"]
    if share is not None and share["value"] is not None:
        details = [wording.with_interval(share["value"], share["low"], share["high"], "%")]
    confirmed = audit["confirmed"]
    if audit["is_population"] and confirmed is not None and confirmed["pies"] is not None:
        details.append(f"{wording.count(confirmed['pies'])} confirmed one by one")
    else:
        details.append("another label than before")
    if audit["seeds"] is not None and audit["seeds"]["changed"]["floor"] is not None:
        details.append(f"{wording.count(audit['seeds']['changed']['floor'])} by seeds alone")
    name = "PIEs" if terms.compares_votes(audit) else "Changed"
    found.append(Card(name, wording.count(audit["changed"]), tuple(details), "changed"))
    found += _worst(audit)
    if audit["budgets"]:
        found.append(_budget_card(audit))
    return found


def _worst(audit: Audit) -> list[Card]:
    known = [row for row in audit["classes"] if row["impact"] is not None]
    clear = terms.paid(known)
    worst = clear[0] if clear else min(known, key=lambda row: row["impact"], default=None)
    if worst is None or worst["impact"] >= 0:
        return []
    chance = "not beyond chance" if not clear else f"q {wording.equals(worst['q_value'])}"
    if worst["q_value"] is None:
        chance = "no p-value"
    change = wording.with_interval(worst["impact"], worst["low"], worst["high"], "points", signed=True)
    return [
        Card(
            "Worst class", wording.printable(worst["class"], 24) or "(empty)", (change, chance), "lost" if clear else ""
        )
    ]


def _budget_card(audit: Audit) -> Card:
    rows = audit["budgets"]
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ("broken", "undecided", "kept")}
    state = next(verdict for verdict in counts if counts[verdict])
    told = tuple(f"{counts[verdict]} {verdict}" for verdict in counts if counts[verdict] and verdict != state)
    return Card(
        "Budgets",
        f"{counts[state]} {state}",
        told or (f"of {wording.counted(len(rows), 'budget')}",),
        f"budget {state}",
    )


def _strip(flips: dict[str, Any]) -> dict[str, Any] | None:
    parts = [
        (kind, name, flips[key])
        for (kind, name, _), key in zip(
            FLIPS_ABOUT, ("correct_to_wrong", "wrong_to_correct", "wrong_to_wrong"), strict=True
        )
        if flips[key] is not None
    ]
    if not sum(part for _, _, part in parts):
        return None
    about = {kind: told for kind, _, told in FLIPS_ABOUT}
    legend = [(kind, f"{wording.count(part)} {name}", about[kind]) for kind, name, part in parts]
    return {"drawn": charts.strip(parts), "legend": legend}


def bars(rows: Sequence[Row], label: Callable[[Row], str], measure: str, one: str, many: str) -> Bars | None:
    """Diverging bars, worst first; None where there is nothing to draw.

    Args:
        rows: of ``classes`` or ``groups``.
        label: the name of a row.
        measure: recall or accuracy.
        one: what a row is.
        many: what rows are.
    """
    known = sorted((row for row in rows if row["impact"] is not None), key=lambda row: row["impact"])
    if not known:
        return None
    scale = charts.Scale.over([row[key] for row in known for key in ("impact", "low", "high")])
    drawn = []
    for row in known:
        is_clear = row["q_value"] is not None and row["q_value"] <= terms.CLEAR
        before, after = row[f"dense_{measure}"], row[f"compressed_{measure}"]
        both = "" if before is None or after is None else f"{wording.number(before)} → {wording.percent(after)}"
        flips = ""
        if row["correct_to_wrong"] is not None and row["wrong_to_correct"] is not None:
            flips = f"{wording.count(row['correct_to_wrong'])} lost, {wording.count(row['wrong_to_correct'])} won back"
        chance = [] if row["examples"] is None else [f"of {wording.count(row['examples'])}"]
        if row["q_value"] is not None:
            chance.append(f"q {wording.equals(row['q_value'])}")
        drawn.append(
            Bar(
                label(row),
                charts.impact_bar(row, scale, is_clear),
                wording.with_interval(row["impact"], row["low"], row["high"], signed=True),
                both,
                flips,
                ", ".join(chance),
                is_clear,
            )
        )
    rest = drawn[FIRST:] if len(drawn) > FIRST + 3 else []
    first = drawn[: len(drawn) - len(rest)]
    unfold = f"{len(rest):,} more {one if len(rest) == 1 else many}"
    clear_gains = (
        sum(bar.is_clear and row["impact"] > 0 for bar, row in zip(drawn, known, strict=True) if bar in rest)
        if len(rest) < 200
        else 0
    )
    if clear_gains:
        unfold += f", {clear_gains} with a gain beyond chance"
    return Bars(charts.axis(scale, f"change of {measure}, points"), first, rest, unfold)


def _confusions(audit: Audit, pictures: dict[str, Picture]) -> list[dict[str, Any]]:
    rows = audit["confusions"]
    most = max((value for row in rows for value in (row["dense"], row["compressed"]) if value is not None), default=0)
    return [
        {
            "name": findings.confusion_name(row),
            "class": wording.name(row["class"]),
            "predicted": wording.name(row["predicted"]),
            "before": wording.count(row["dense"]),
            "after": wording.count(row["compressed"]),
            "growth": wording.number(row["growth"], 0, signed=True),
            "chance": "" if row["q_value"] is None else f"q {wording.equals(row['q_value'])}",
            "is_clear": row["q_value"] is not None and row["q_value"] <= terms.CLEAR,
            "bars": charts.pair_bars(row["dense"], row["compressed"], most),
            "examples": [
                {"id": wording.printable(each, wording.LONGEST_NAME), "image": pictures.get(each, Picture())}
                for each in row["examples"] or []
            ],
        }
        for row in rows
    ]


def tiles(audit: Audit, rows: Sequence[Row], pictures: dict[str, Picture]) -> list[Tile]:
    """Examples for a gallery, or for a table where there are no images."""
    return [_tile(audit, row, pictures.get(row["id"], Picture())) for row in rows]


def _tile(audit: Audit, row: Row, image: Picture) -> Tile:
    several = audit["comparison"] != "one against one"

    def label(which: str) -> str:
        share = row[f"{which}_share"]
        votes = f" ({100 * share:.0f}{wording.SPACE}%)" if share is not None and several else ""
        return wording.name(row[which]) + votes

    before, after = row["dense_probability"], row["compressed_probability"]
    known = before is not None and after is not None
    kind = "same" if row["kind"] == "kept" else row["kind"] if row["kind"] in KINDS else "changed"
    return Tile(
        example_id=wording.printable(row["id"], wording.LONGEST_NAME),
        image=image,
        label=None if row["label"] is None else wording.name(row["label"]),
        dense=label("dense"),
        compressed=label("compressed"),
        is_same=row["dense"] == row["compressed"],
        kind=kind,
        kind_name=KINDS[kind],
        probability=f"{100 * before:.0f} → {100 * after:.0f}{wording.SPACE}%" if known else "",
        bars=charts.pair_bars(before, after, 1.0) if known else None,
        harm=wording.NOTHING if row["harm"] is None else wording.number(100 * row["harm"], 0),
        is_confirmed=bool(row["is_confirmed"]),
    )


def _embedding_rows(audit: Audit) -> list[tuple[str, ...]]:
    """Q-Score and depth of all, changed and other examples; before and after."""
    found = audit["embeddings"]
    if found is None:
        return []
    rows = []
    q = found["q_score"]
    if q is not None:
        for key, text in (("q", "Q-Score, all examples"), ("z", "Z-Score, all"), ("l1", "L1 norm, all")):
            if q["dense"] is not None and q["compressed"] is not None:
                rows.append((text, wording.number(q["dense"][key], 3), wording.number(q["compressed"][key], 3)))
        for key, text in (("changed", "Q-Score, changed examples"), ("other", "Q-Score, the others")):
            if q[key] is not None:
                rows.append((text, wording.number(q[key]["dense_q"], 3), wording.number(q[key]["compressed_q"], 3)))
    depth = found["prediction_depth"]
    if depth is not None:
        rows.append(
            (
                "Prediction depth, all examples",
                wording.number(depth["dense"], 2),
                wording.number(depth["compressed"], 2),
            )
        )
        for key, text in (("changed", "Prediction depth, changed examples"), ("other", "Prediction depth, the others")):
            if depth[key] is not None:
                rows.append((text, wording.number(depth[key]["dense"], 2), wording.number(depth[key]["compressed"], 2)))
    return [row for row in rows if set(row[1:]) != {wording.NOTHING}]


def _what_if(audit: Audit) -> dict[str, Any] | None:
    rows = audit["what_if"]
    if not rows:
        return None
    before = None if audit["accuracy"] is None else audit["accuracy"]["dense"]
    shares = [
        {
            **row,
            "share": None
            if row["changed"] is None or not audit["n_examples"]
            else 100 * row["changed"] / audit["n_examples"],
        }
        for row in rows
    ]
    methods = list(dict.fromkeys(row["method"] for row in rows))
    drawn = [
        charts.curve(rows, "accuracy", "low", "high", "accuracy, %", before),
        charts.curve(shares, "share", None, None, "changed examples, %", None),
    ]
    table = [
        (
            str(index + 1),
            wording.name(row["name"]),
            wording.with_interval(row["accuracy"], row["low"], row["high"], "%"),
            wording.with_interval(row["change"], row["change_low"], row["change_high"], signed=True),
            wording.count(row["correct_to_wrong"]),
            wording.count(row["wrong_to_correct"]),
            wording.count(row["changed"]),
            wording.NOTHING
            if row["worst_class"] is None
            else f"{wording.name(row['worst_class'])} ({wording.number(row['worst_impact'], 1, True)})",
            wording.listed([wording.name(each) for each in row["lost_classes"] or []], 4) or "none",
            wording.NOTHING if row["realised_sparsity"] is None else wording.number(row["realised_sparsity"], 3),
            wording.listed([wording.name(each) for each in row["broken"] or []]) or "none",
        )
        for index, row in enumerate(rows)
    ]
    return {
        "charts": [chart for chart in drawn if chart is not None],
        "methods": [(charts.method_key(index), wording.name(method)) for index, method in enumerate(methods)],
        "table": table,
        "has_budgets": bool(audit["budgets"]),
    }


def _side(audit: Audit, which: str) -> dict[str, Any]:
    of = audit["inputs"][which]
    return {
        "which": which,
        "told": terms.side(audit, which),
        "notes": [wording.printable(each) for each in of["told"] or []],
        "models": [wording.name(each) for each in of["models"] or []],
    }
