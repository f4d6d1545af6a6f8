"""Files that evaluation tools write and that are not read yet: recognised by their keys and refused by name.

Each message has a way to convert: a line for the shell that writes a table of one row an example, which is read. Zip
archives are refused likewise by `reading.files`, which looks into them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from piescope.reading.files import ONE_ROW, fault, python_line, shown, typed


def refuse_records(first: Mapping[str, Any], path: Path) -> None:
    """Refuses JSON lines, or a JSON list, of another tool by the keys of its first object.

    Raises:
        InputError: it is of a known tool.
    """
    keys = set(first)
    name = shown(path)
    found, cure = "", ""
    if (
        "doc_id" in keys
        and keys & {"filtered_resps", "resps", "arguments", "doc_hash"}
        and keys & {"metrics", "filter"}
    ):
        metric = _metric(first)
        only = f" if r.get('filter')=={first['filter']!r}" if isinstance(first.get("filter"), str) else ""
        found = "samples of lm-evaluation-harness"
        cure = conversion(f"{{'id':r['doc_id'],'correct':r[{metric!r}]}}", f"map(json.loads,sys.stdin){only}", name)
    elif {"image_id", "category_id", "score"} <= keys and keys & {"bbox", "segmentation", "keypoints"}:
        found = "detections in COCO's format"
        cure = (
            "match them to the true objects first, and write one row an object, id and correct (1: found): after "
            "COCOeval(...).evaluate() of pycocotools each of its evalImgs has gtIds and gtMatches (above 0: found)"
        )
    elif {"qsl_idx", "data"} <= keys:
        found = "MLPerf's accuracy log"
        row = "{'id':r['qsl_idx'],'prediction':int(struct.unpack('<f',bytes.fromhex(r['data'])[:4])[0])}"
        cure = conversion(row, "json.load(sys.stdin)", name, "json,struct,sys") + " (of int64 classes: '<q', [:8])"
    elif {"schema_version", "evaluation_id", "sample_id"} <= keys:
        found = "samples of Every Eval Ever"
        row = "{'id':r['evaluation_name']+'/'+str(r['sample_id']),'correct':r['evaluation']['is_correct']}"
        cure = conversion(row, "map(json.loads,sys.stdin)", name)
    elif {"instance_id", "stats"} <= keys:
        found = "HELM's statistics an instance"
        row = (
            "{'id':r['instance_id'],'correct':next(s['mean'] for s in r['stats'] if s['name']['name']=='exact_match')}"
        )
        cure = conversion(row, "json.load(sys.stdin)", name)
    if found:
        raise fault(path, "content", found, ONE_ROW, cure)


def refuse_object(content: Mapping[str, Any], path: Path) -> None:
    """Refuses a JSON object of another tool by its keys.

    Raises:
        InputError: it is of a known tool.
    """
    keys = set(content)
    if {"eval", "samples"} <= keys or ({"eval", "status"} <= keys and "results" in keys):
        scores = "next(iter(s['scores'].values()))['value']"
        row = f"{{'id':str(s['id'])+'/'+str(s.get('epoch',1)),'correct':{scores} in ('C',1,1.0,True)}}"
        cure = conversion(row, "json.load(sys.stdin)['samples']", shown(path), variable="s")
        raise fault(path, "content", "a log of Inspect", ONE_ROW, cure)
    if {"images", "annotations", "categories"} <= keys:
        cure = "match detections to these objects first, and write one row an object: id and correct (1: found)"
        raise fault(path, "content", "annotations in COCO's format", ONE_ROW, cure)
    if "report" in keys and "report_type" in keys:
        cure = conversion("{'id':r['identifier'],'prediction':r['prediction_label'],'label':r['annotation_label']}",
                      "json.load(sys.stdin)['report']", shown(path))  # fmt: skip
        raise fault(path, "content", "a report of OpenVINO's accuracy checker", ONE_ROW, cure)
    if "lst" in keys and isinstance(content["lst"], list):
        raise fault(path, "content", "outputs of Polygraphy", ONE_ROW, "save the output array as an .npy: np.save")


def refuse_columns(names: Collection[str], path: Path) -> None:
    """Refuses a table of another tool by its nested columns.

    Raises:
        InputError: it is of a known tool.
    """
    if {"doc", "metric", "model_response"} <= set(names):
        cure = (
            "write id and correct of each row: python -c \"import pandas as p;d=p.read_parquet('FILE');"
            "p.DataFrame({'id':[r['id'] for r in d.doc],'correct':[next(iter(r.values())) for r in d.metric]})"
            ".to_csv('NEW.csv',index=False)\""
        )
        raise fault(path, "content", "details of lighteval", ONE_ROW, cure)


def _metric(first: Mapping[str, Any]) -> str:
    """The metric that says right or wrong, in the order in which that tool's users look at them."""
    listed = [name for name in first.get("metrics") or () if isinstance(name, str)]
    order = ("acc_norm", "acc", "exact_match", "pass@1", "pass_at_1", *listed)
    return next((name for name in order if name in first), "acc")


def conversion(row: str, rows: str, name: str, modules: str = "json,sys", variable: str = "r") -> str:
    """A line for the shell that turns a JSON file into JSON lines: a Python expression for a row, and one for all."""
    source, _, condition = rows.partition(" if ")
    loop = f"for {variable} in {source}" + (f" if {condition}" if condition else "")
    code = f"import {modules};[print(json.dumps({row})) {loop}]"
    return f"convert it: {python_line(code)} < {typed(name)} > NEW.jsonl"


def first_object(line: bytes) -> dict[str, Any] | None:
    """The object of a line of JSON; None where it is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
