"""How far maps of the same examples lie apart, by how they are fitted; what each way costs.

    python benchmarks/maps.py DIR-OF-A-FINISHED-STUDY-WITH-MAPS

Of each objective: *moved*, the mean distance of an example from itself in the dense map, over the pruned maps and the
examples that their model labels as the dense one does, in units of that map's spread; *trust*, trustworthiness
(scikit-learn, 15 neighbours), mean over maps; seconds of a processor for all maps. Compilation is done before.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.manifold import trustworthiness

from piescope.measure.alignment import aligned_onto
from piescope.measure.projection import umap_projection, umaps_together
from piescope.store import layout
from piescope.store.artefacts import Store

Maps = np.ndarray
Models = list[np.ndarray]


def alone(models: Models) -> Maps:
    return np.stack([umap_projection(points, seed=0) for points in models])


def turned(maps: Maps) -> Maps:
    return np.stack([aligned_onto(own, maps[0]) for own in maps])


def begun_where_the_dense_map_ended(models: Models) -> Maps:
    import umap

    first = umap_projection(models[0], seed=0)
    others = [umap.UMAP(init=first, random_state=0, n_jobs=1).fit_transform(points) for points in models[1:]]
    return turned(np.stack([first, *others]))


def aligned_umap(models: Models) -> Maps:
    import umap

    same = {example: example for example in range(len(models[0]))}
    fitted = umap.AlignedUMAP(random_state=0).fit(models, relations=[same] * (len(models) - 1))
    return np.stack(fitted.embeddings_)


WAYS: dict[str, Callable[[Models], Maps]] = {
    "each alone": alone,
    "each alone, then turned": lambda models: turned(alone(models)),
    "begun where the dense map ended": begun_where_the_dense_map_ended,
    "umap.AlignedUMAP": aligned_umap,
    "one fit": lambda models: umaps_together(models, seed=0),
}


def objectives(folder: Path) -> dict[str, tuple[Models, np.ndarray]]:
    """Of each: representations of the dense model and of pruned ones; ``[pruned, examples]`` whose label is kept."""
    found, store = {}, Store(folder)
    for manifest in sorted(layout.artefacts(folder).glob("project/*/manifest.json")):
        content = json.loads(manifest.read_bytes())
        if "arms" in content["spec"]:
            said = [store.load("predict", key).tensors(layout.PREDICTIONS) for key in content["parents"]]
            labels = np.stack([arrays["logits"].argmax(1) for arrays in said])
            found[content["label"]] = [arrays["representations"] for arrays in said], labels[1:] == labels[0]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    warnings.filterwarnings("ignore")
    studied = objectives(parser.parse_args().directory)
    small = [points[:60] for points in next(iter(studied.values()))[0][:2]]
    for way in WAYS.values():
        way(small)  # compiles
    for name, (models, kept) in studied.items():
        print(f"{name}: {len(models)} maps of {len(models[0]):,} examples")
        for title, way in WAYS.items():
            began = time.process_time()
            maps = way(models)
            taken = time.process_time() - began
            spread = np.sqrt(((maps[0] - maps[0].mean(0)) ** 2).sum(1).mean())
            moved = (np.linalg.norm(maps[1:] - maps[0], axis=2) / spread)[kept].mean()
            pairs = zip(models, maps, strict=True)
            trust = np.mean([trustworthiness(points, own, n_neighbors=15) for points, own in pairs])
            print(f"  {title:32} moved {moved:.2f}   trust {trust:.3f}   {taken:5.1f} s")


if __name__ == "__main__":
    main()
