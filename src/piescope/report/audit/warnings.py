"""What makes an audit's numbers doubtful, in sentences to be read first; page, terminal and audit.md share them."""

from __future__ import annotations

from functools import singledispatch

from piescope.report.audit.terms import class_name, has_models
from piescope.store.audit_answers import SideName
from piescope.store.audit_inputs import (
    LabelsRelabelled,
    NearChance,
    NeverAnswered,
    NoSharedNames,
    OneAnswer,
    OneFile,
    Renamed,
    SideRelabelled,
    Warned,
)
from piescope.store.audit_record import AuditRecord
from piescope.wording import capital, count, listed, name, number, percent


def warnings(audit: AuditRecord) -> list[str]:
    """What makes all other numbers doubtful, to be read before them; empty where nothing does."""
    never = [row for row in audit.warnings if isinstance(row, NeverAnswered)]
    sentences: list[str] = []
    for row in audit.warnings:
        if isinstance(row, NeverAnswered) and len({twin.classes for twin in never}) < len(never) == 2:
            sentences += [_classes_never(row, "Neither side ever answers")] if row is never[0] else []
        else:
            sentences.append(_sentence(row, audit))
    return sentences


@singledispatch
def _sentence(row: Warned, _audit: AuditRecord) -> str:
    raise TypeError(f"no sentence says {type(row).__name__}")


@_sentence.register
def _side_relabelled(row: SideRelabelled, _audit: AuditRecord) -> str:
    renamed = row.renamed
    alike = "spell" if renamed.how == "spelling" else "count" if renamed.by is not None else "name"
    return (
        f"The two sides seem to {alike} their classes differently: after {_renaming(renamed, row.side + ' side')} "
        f"only {count(row.after)} of {count(row.examples)} answers differ (as given: {count(row.before)}). "
        "If so, the numbers below say nothing of the compression: write the classes of both alike, and audit again."
    )


@_sentence.register
def _labels_relabelled(row: LabelsRelabelled, _audit: AuditRecord) -> str:
    dense, compressed = row.dense, row.compressed
    return (
        f"The labels seem to name other classes than the predictions do: after {_renaming(row.renamed, 'labels')} "
        f"the dense side is right in {percent(dense[1])} and the compressed in {percent(compressed[1])} "
        f"(as given: {percent(dense[0])} and {percent(compressed[0])}). If so, every number below that needs true "
        "labels is wrong: write the labels as the predictions have them, and audit again."
    )


def _renaming(renamed: Renamed, whose: str) -> str:
    """What would have to be done to the classes of a side or of the labels."""
    owner = f"{whose}'" if whose.endswith("s") else f"{whose}'s"
    pairs = [(name(given), name(read)) for given, read in renamed.classes]
    if renamed.how == "shift":
        return f"a shift of the {owner} class ids by {number(renamed.by, 0, signed=True)}"
    if renamed.how == "swap":
        return f"swapping {class_name(pairs[0][0])} and {class_name(pairs[0][1])} in the {owner} answers".replace(
            "labels' answers", "labels"
        )
    sentence = listed([f"{given} is {read}" for given, read in pairs[:3]], last="and")
    more = f" and {renamed.moved - 3:,} more" if renamed.moved > 3 else ""
    if renamed.how == "spelling":
        return f"writing the {owner} class names as the other's ({sentence.replace(' is ', ' as ')}{more})"
    return f"a permutation of {renamed.moved:,} of the {owner} classes ({sentence}{more})"


@_sentence.register
def _no_shared_names(row: NoSharedNames, _audit: AuditRecord) -> str:
    one, other = (f"the {which}" if which == "labels" else f"the {which} side" for which in row.between)
    has = "have" if other == "the labels" else "has"
    return (
        f"{capital(one)} and {other} share no class name: {one} has {_quoted(row.names[0])}, {other} {has} "
        f"{_quoted(row.names[1])}. No answer can agree as the files are: write the names alike."
    )


def _quoted(text: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{name(text)}\N{RIGHT DOUBLE QUOTATION MARK}"


@_sentence.register
def _one_answer(row: OneAnswer, audit: AuditRecord) -> str:
    every = row.share >= 100
    answers = "answer" if audit.is_population else "answers"
    how_often = "only" if every else f"in {percent(row.share)} of examples"
    against = "the labels have it" if row.against == "labels" else f"the {row.against} side gives it"
    sentence = f"{_of_side(audit, row.side)} {answers} {class_name(row.answer)} {how_often}"
    return f"{sentence}; {against} in {percent(row.expected)}."


@_sentence.register
def _never_answered(row: NeverAnswered, audit: AuditRecord) -> str:
    return _classes_never(row, f"{_of_side(audit, row.side)} never {'answer' if audit.is_population else 'answers'}")


def _classes_never(row: NeverAnswered, subject: str) -> str:
    classes = [
        f"{class_name(named)} ({count(examples)})"
        for named, examples in zip(row.classes[:5], row.examples, strict=False)
    ]
    more = row.count - len(classes)
    rest = [] if more <= 0 else ["one more class"] if more == 1 else [f"{more:,} more classes"]
    which = "the labels have" if row.against == "labels" else f"the {row.against} side gives"
    return f"{subject} {listed([*classes, *rest])}: in brackets, how often {which} it."


@_sentence.register
def _near_chance(row: NearChance, audit: AuditRecord) -> str:
    are = "are" if audit.is_population else "is"
    sentence = (
        f"{_of_side(audit, row.side)} {are} right in {percent(row.accuracy)}, no more often than guesses would "
        f"be ({percent(row.chance)})"
    )
    guessing = {other.side for other in audit.warnings if isinstance(other, NearChance)}
    if guessing == {"compressed"} and row.has_sure_rows:
        return f"{sentence}: nothing is left of it."
    if guessing == {"compressed"}:
        return (
            f"{sentence}: nothing is left of it, or its rows are in another order than those of the other files. "
            "Ids in all files tell which."
        )
    return f"{sentence}: are the rows of all files in one order, and are these its labels?"


def _of_side(audit: AuditRecord, which: SideName) -> str:
    return f"The {which} {has_models(audit)}"


@_sentence.register
def _one_file(row: OneFile, _audit: AuditRecord) -> str:
    if row.is_object:
        copied = "give a copy of what was there before (copy.deepcopy), as torch prunes a module in place"
        return f"Both sides are the same object: nothing was compared; {copied}."
    ends = "if its columns are two models, name them: --prediction-column DENSE,COMPRESSED"
    return f"Both sides are the same file, {name(row.name)}: nothing was compared; {ends}."
