"""What makes an audit's numbers doubtful, in sentences to be read first; page, terminal and audit.md share them."""

from __future__ import annotations

from collections.abc import Callable

from piescope.report.audit.terms import Audit, Row, class_name, has_models
from piescope.wording import capital, count, listed, name, number, percent


def warnings(audit: Audit) -> list[str]:
    """What makes all other numbers doubtful, to be read before them; empty where nothing does."""
    rows: list[Row] = audit["warnings"]
    told: list[str] = []
    for row in rows:
        twins = [each for each in rows if each["kind"] == "never_answered" and each["classes"] == row.get("classes")]
        if len(twins) == 2 and row["kind"] == "never_answered":
            told += [_never_answered(audit, row, "Neither side ever")] if row is twins[0] else []
        else:
            told.append(_WARNINGS[row["kind"]](audit, row))
    return told


def _side_relabelled(audit: Audit, row: Row) -> str:
    renamed = row["renamed"]
    alike = "spell" if renamed["how"] == "spelling" else "count" if renamed["by"] is not None else "name"
    return (
        f"The two sides seem to {alike} their classes differently: after {_renaming(renamed, row['side'] + ' side')} "
        f"only {count(row['after'])} of {count(row['examples'])} answers differ (as given: {count(row['before'])}). "
        "If so, the numbers below say nothing of the compression: write the classes of both alike, and audit again."
    )


def _labels_relabelled(audit: Audit, row: Row) -> str:
    dense, compressed = row["dense"], row["compressed"]
    return (
        f"The labels seem to name other classes than the predictions do: after {_renaming(row['renamed'], 'labels')} "
        f"the dense side is right in {percent(dense[1])} and the compressed in {percent(compressed[1])} "
        f"(as given: {percent(dense[0])} and {percent(compressed[0])}). If so, every number below that needs true "
        "labels is wrong: write the labels as the predictions have them, and audit again."
    )


def _renaming(renamed: Row, whose: str) -> str:
    """What would have to be done to the classes of a side or of the labels."""
    owner = f"{whose}'" if whose.endswith("s") else f"{whose}'s"
    pairs = [(name(given), name(read)) for given, read in renamed["classes"]]
    if renamed["how"] == "shift":
        return f"a shift of the {owner} class ids by {number(renamed['by'], 0, signed=True)}"
    if renamed["how"] == "swap":
        return f"swapping {class_name(pairs[0][0])} and {class_name(pairs[0][1])} in the {owner} answers".replace(
            "labels' answers", "labels"
        )
    told = listed([f"{given} is {read}" for given, read in pairs[:3]], last="and")
    more = f" and {renamed['moved'] - 3:,} more" if renamed["moved"] > 3 else ""
    if renamed["how"] == "spelling":
        return f"writing the {owner} class names as the other's ({told.replace(' is ', ' as ')}{more})"
    return f"a permutation of {renamed['moved']:,} of the {owner} classes ({told}{more})"


def _no_shared_names(_audit: Audit, row: Row) -> str:
    one, other = (f"the {each}" if each == "labels" else f"the {each} side" for each in row["between"])
    has = "have" if other == "the labels" else "has"
    return (
        f"{capital(one)} and {other} share no class name: {one} has {_quoted(row['names'][0])}, {other} {has} "
        f"{_quoted(row['names'][1])}. No answer can agree as the files are: write the names alike."
    )


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name(text)}\N{RIGHT DOUBLE QUOTATION MARK}"


def _one_answer(audit: Audit, row: Row) -> str:
    every = row["share"] >= 100
    answers = "answer" if audit["is_population"] else "answers"
    how_often = "only" if every else f"in {percent(row['share'])} of examples"
    against = "the labels have it" if row["against"] == "labels" else f"the {row['against']} side gives it"
    told = f"{_of_side(audit, row['side'])} {answers} {class_name(row['answer'])} {how_often}"
    return f"{told}; {against} in {percent(row['expected'])}."


def _never_answered(audit: Audit, row: Row, who: str = "") -> str:
    classes = [
        f"{class_name(each)} ({count(examples)})"
        for each, examples in zip(row["classes"][:5], row["examples"], strict=False)
    ]
    more = row["count"] - len(classes)
    told = listed(
        [*classes, f"{more:,} more classes"] if more > 1 else [*classes, "one more class"] if more else classes
    )
    which = "the labels have" if row["against"] == "labels" else f"the {row['against']} side gives"
    answers = "answer" if audit["is_population"] and not who else "answers"
    subject = who or f"{_of_side(audit, row['side'])} never"
    return f"{subject} {answers} {told}: in brackets, how often {which} it."


def _near_chance(audit: Audit, row: Row) -> str:
    are = "are" if audit["is_population"] else "is"
    told = (
        f"{_of_side(audit, row['side'])} {are} right in {percent(row['accuracy'])}, no more often than guesses would "
        f"be ({percent(row['chance'])})"
    )
    guessing = {each["side"] for each in audit["warnings"] if each["kind"] == "near_chance"}
    if guessing == {"compressed"} and row["has_sure_rows"]:
        return f"{told}: nothing is left of it."
    if guessing == {"compressed"}:
        return (
            f"{told}: nothing is left of it, or its rows are in another order than those of the other files. "
            "Ids in all files tell which."
        )
    return f"{told}: are the rows of all files in one order, and are these its labels?"


def _of_side(audit: Audit, which: str) -> str:
    return f"The {which} {has_models(audit)}"


def _one_file(audit: Audit, row: Row) -> str:
    return f"Both sides are the same file, {name(row['name'])}: nothing was compared."


_WARNINGS: dict[str, Callable[[Audit, Row], str]] = {
    "side_relabelled": _side_relabelled,
    "labels_relabelled": _labels_relabelled,
    "no_shared_names": _no_shared_names,
    "one_answer": _one_answer,
    "never_answered": _never_answered,
    "near_chance": _near_chance,
    "one_file": _one_file,
}
