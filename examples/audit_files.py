"""What did pruning cost? Networks of scikit-learn and their pruned and rounded copies, audited through files.

python examples/audit_files.py [DIR] [--seeds 20]     # writes the files, then runs the commands that it prints
"""

import argparse
import csv
import subprocess
import sysconfig
from copy import deepcopy
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

NAMES = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])


def pruned(network, share):
    """A copy without its smallest weights, over all layers."""
    copy = deepcopy(network)
    limit = np.quantile(np.abs(np.concatenate([weights.ravel() for weights in copy.coefs_])), share)
    copy.coefs_ = [np.where(np.abs(weights) <= limit, 0, weights) for weights in copy.coefs_]
    return copy


def rounded(network, bits):
    """A copy whose weights are whole steps, 2 ** bits - 1 different ones in each layer."""
    copy = deepcopy(network)
    steps = [np.abs(weights).max() / (2 ** (bits - 1) - 1) for weights in copy.coefs_]
    copy.coefs_ = [np.round(weights / step) * step for weights, step in zip(copy.coefs_, steps, strict=True)]
    return copy


def write(path, columns):
    """One row an example, found again by its id."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["id", *columns], *zip(ids, *columns.values(), strict=True)])


def audit(*arguments):
    """Runs `piescope audit` in the folder of the files, as one would type it."""
    print(f"\n$ piescope audit {' '.join(arguments)}", flush=True)
    command = Path(sysconfig.get_path("scripts")) / "piescope"
    print(f"exit code {subprocess.run([command, 'audit', *arguments], cwd=folder, check=False).returncode}", flush=True)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/audit-files"))
parser.add_argument("--seeds", type=int, default=20)
asked = parser.parse_args()
folder = asked.folder
(folder / "many").mkdir(parents=True, exist_ok=True)

digits = load_digits()
train, test = train_test_split(np.arange(len(digits.target)), test_size=900, random_state=0, stratify=digits.target)
pixels, truth = digits.data / 16, digits.target
ids = [f"digit-{row:04d}" for row in test]
networks = [
    MLPClassifier(64, random_state=seed, tol=1e-3, max_iter=500).fit(pixels[train], truth[train])
    for seed in range(asked.seeds)
]

# one network: probabilities, a column for each class
copies = {"dense": networks[0], "pruned": pruned(networks[0], 0.7), "int8": rounded(networks[0], 8)}
for name, network in copies.items():
    write(folder / f"{name}.csv", dict(zip(NAMES, network.predict_proba(pixels[test]).T.round(6), strict=True)))

# many networks: labels, a column for each network
for name, share in {"dense": 0, "pruned-50": 0.5, "pruned-70": 0.7}.items():
    group = [pruned(network, share) for network in networks]
    labels = {f"seed-{seed}": NAMES[network.predict(pixels[test])] for seed, network in enumerate(group)}
    write(folder / "many" / f"{name}.csv", labels)

# what is known of the digits: what they are, how much ink they took, and pictures for the report
ink = pixels[test].mean(axis=1)
write(folder / "labels.csv", {"label": NAMES[truth[test]]})
write(
    folder / "ink.csv",
    {"ink": np.array(["little", "some", "much"])[np.digitize(ink, np.quantile(ink, [1 / 3, 2 / 3]))]},
)
images = (digits.images[test] * 255 / 16).round().astype(np.uint8)
np.savez(folder / "digits.npz", images=images, labels=truth[test], ids=ids, class_names=NAMES)
print(f"{len(networks)} networks trained on {len(train)} digits; {len(test)} others to be audited; files in {folder}")

known = ["--labels", "labels.csv", "--metadata", "ink.csv", "--data", "digits.npz"]
audit("dense.csv", "pruned.csv", *known, "--max-class-drop", "3", "--max-flips", "2%", "--out", "audit-pruned")
audit("dense.csv", "int8.csv", *known, "--max-class-drop", "3", "--max-flips", "2%", "--out", "audit-int8")
audit(
    "dense.csv", "int8.csv", *known, "--max-class-drop", "4", "--max-flips", "1%", "--strict", "--out", "audit-strict"
)
audit("many/dense.csv", "many/pruned-50.csv", *known, "--paired", "--equivalent-within", "2", "--out", "audit-many-50")
audit("many/dense.csv", "many/pruned-70.csv", *known, "--paired", "--equivalent-within", "2", "--out", "audit-many-70")
