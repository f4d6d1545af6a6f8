"""Files that evaluation tools write and that are not read yet: recognised by their keys and refused by name.

Each message has a way to convert: a line for the shell that writes a table of one row an example, which is read. Zip
archives are refused likewise by `reading.files`, which looks into them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from piescope.reading.files import ONE_ROW, fault, python_line, shown, typed

JSON_LINES = "map(json.loads,sys.stdin)"
JSON_TEXT = "json.load(sys.stdin)"

COCO_DETECTIONS = (
    "match them to the true objects first, and write one row an object, id and correct (1: found): after "
    "COCOeval(...).evaluate() of pycocotools each of its evalImgs has gtIds and gtMatches (above 0: found)"
)
MLPERF_ROW = "{'id':r['qsl_idx'],'prediction':int(struct.unpack('<f',bytes.fromhex(r['data'])[:4])[0])}"
EVERY_EVAL_EVER_ROW = "{'id':r['evaluation_name']+'/'+str(r['sample_id']),'correct':r['evaluation']['is_correct']}"
HELM_ROW = "{'id':r['instance_id'],'correct':next(s['mean'] for s in r['stats'] if s['name']['name']=='exact_match')}"
INSPECT_ROW = (
    "{'id':str(s['id'])+'/'+str(s.get('epoch',1)),"
    "'correct':next(iter(s['scores'].values()))['value'] in ('C',1,1.0,True)}"
)
OPENVINO_ROW = "{'id':r['identifier'],'prediction':r['prediction_label'],'label':r['annotation_label']}"
LIGHTEVAL = (
    "write id and correct of each row: python -c \"import pandas as p;d=p.read_parquet('FILE');"
    "p.DataFrame({'id':[r['id'] for r in d.doc],'correct':[next(iter(r.values())) for r in d.metric]})"
    ".to_csv('NEW.csv',index=False)\""
)


def refuse_records(first: Mapping[str, Any], path: Path) -> None:
    """Refuses JSON lines, or a JSON list, of another tool by the keys of its first object.

    Raises:
        InputError: it is of a known tool.
    """
    keys, name = set(first), shown(path)
    is_harness = keys & {"filtered_resps", "resps", "arguments", "doc_hash"} and keys & {"metrics", "filter"}
    if "doc_id" in keys and is_harness:
        only = f" if r.get('filter')=={first['filter']!r}" if isinstance(first.get("filter"), str) else ""
        cure = conversion(f"{{'id':r['doc_id'],'correct':r[{_metric(first)!r}]}}", JSON_LINES + only, name)
        raise fault(path, "content", "samples of lm-evaluation-harness", ONE_ROW, cure)
    if {"image_id", "category_id", "score"} <= keys and keys & {"bbox", "segmentation", "keypoints"}:
        raise fault(path, "content", "detections in COCO's format", ONE_ROW, COCO_DETECTIONS)
    if {"qsl_idx", "data"} <= keys:
        cure = conversion(MLPERF_ROW, JSON_TEXT, name, "json,struct,sys") + " (of int64 classes: '<q', [:8])"
        raise fault(path, "content", "MLPerf's accuracy log", ONE_ROW, cure)
    if {"schema_version", "evaluation_id", "sample_id"} <= keys:
        cure = conversion(EVERY_EVAL_EVER_ROW, JSON_LINES, name)
        raise fault(path, "content", "samples of Every Eval Ever", ONE_ROW, cure)
    if {"instance_id", "stats"} <= keys:
        cure = conversion(HELM_ROW, JSON_TEXT, name)
        raise fault(path, "content", "HELM's statistics an instance", ONE_ROW, cure)
    key = next((key for key, value in first.items() if _is_of_pipeline(value)), None)
    if key is not None:
        cure = conversion(_row_of_pipeline(key, first[key]), JSON_LINES, name)
        raise fault(path, str(key), "labels with their scores, as pipelines of transformers give", ONE_ROW, cure)


def refuse_object(content: Mapping[str, Any], path: Path) -> None:
    """Refuses a JSON object of another tool by its keys; InputError: it is of a known tool."""
    keys = set(content)
    if {"eval", "samples"} <= keys or {"eval", "status", "results"} <= keys:
        cure = conversion(INSPECT_ROW, f"{JSON_TEXT}['samples']", shown(path), variable="s")
        raise fault(path, "content", "a log of Inspect", ONE_ROW, cure)
    if {"images", "annotations", "categories"} <= keys:
        cure = "match detections to these objects first, and write one row an object: id and correct (1: found)"
        raise fault(path, "content", "annotations in COCO's format", ONE_ROW, cure)
    if {"report", "report_type"} <= keys:
        cure = conversion(OPENVINO_ROW, f"{JSON_TEXT}['report']", shown(path))
        raise fault(path, "content", "a report of OpenVINO's accuracy checker", ONE_ROW, cure)
    if isinstance(content.get("lst"), list):
        raise fault(path, "content", "outputs of Polygraphy", ONE_ROW, "save the output array as an .npy: np.save")


def refuse_columns(names: Collection[str], path: Path) -> None:
    """Refuses a table of another tool by its nested columns; InputError: it is of a known tool."""
    if {"doc", "metric", "model_response"} <= set(names):
        raise fault(path, "content", "details of lighteval", ONE_ROW, LIGHTEVAL)


def _is_of_pipeline(value: Any) -> bool:
    """Whether it is a label with its score, or a list of such."""
    each = value if isinstance(value, list) else [value]
    return bool(each) and all(isinstance(one, Mapping) and {"label", "score"} <= set(one) for one in each)


def _row_of_pipeline(key: str, value: Any) -> str:
    """The best label; of all classes, as far as their scores tell, a column for each."""
    rest = f"**{{k:v for k,v in r.items() if k not in ({key!r},)}}"
    if not isinstance(value, list):
        return f"{{{rest},'prediction':r[{key!r}]['label']}}"
    scores = [one["score"] for one in value]
    if len(scores) > 1 and all(isinstance(score, float) for score in scores) and abs(sum(scores) - 1) < 1e-3:
        return f"{{{rest},**{{p['label']:p['score'] for p in r[{key!r}]}}}}"
    return f"{{{rest},'prediction':max(r[{key!r}],key=lambda p:p['score'])['label']}}"


def _metric(first: Mapping[str, Any]) -> str:
    """The metric that says right or wrong, in the order in which that tool's users look at them."""
    metrics = [name for name in first.get("metrics") or () if isinstance(name, str)]
    order = ("acc_norm", "acc", "exact_match", "pass@1", "pass_at_1", *metrics)
    return next((name for name in order if name in first), "acc")


def conversion(row: str, rows: str, name: str, modules: str = "json,sys", variable: str = "r") -> str:
    """A line for the shell that turns a JSON file into JSON lines: a Python expression for a row, and one for all."""
    source, _, condition = rows.partition(" if ")
    loop = f"for {variable} in {source}" + (f" if {condition}" if condition else "")
    code = f"import {modules};[print(json.dumps({row})) {loop}]"
    return f"convert it: {python_line(code)} < {typed(name)} > NEW.jsonl"
