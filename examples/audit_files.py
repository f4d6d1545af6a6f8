"""What did pruning cost? Networks from scikit-learn, their pruned and rounded copies, audited through files of predictions.

    python examples/audit_files.py [DIR]     # writes the files, then runs the commands that it prints
"""

import subprocess
import sys
import sysconfig
from copy import deepcopy
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEEDS = 10
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]

digits = load_digits()
train, test = train_test_split(np.arange(1797), test_size=900, random_state=0, stratify=digits.target)
pixels, truth, ids = digits.data / 16, digits.target, np.array([f"digit-{row:04d}" for row in range(1797)])[test]


def pruned(network, share):
    """A copy without its smallest weights, over all layers."""
    copy = deepcopy(network)
    limit = np.quantile(np.abs(np.concatenate([weights.ravel() for weights in copy.coefs_])), share)
    copy.coefs_ = [np.where(np.abs(weights) <= limit, 0, weights) for weights in copy.coefs_]
    return copy


def rounded(network, bits):
    """A copy whose weights are whole steps, 2 ** bits - 1 of them between the largest and its negative."""
    copy = deepcopy(network)
    steps = [np.abs(weights).max() / (2 ** (bits - 1) - 1) for weights in copy.coefs_]
    copy.coefs_ = [np.round(weights / step) * step for weights, step in zip(copy.coefs_, steps, strict=True)]
    return copy


def audit(folder, *arguments):
    """Runs `piescope audit` in a folder, as one would type it."""
    print(f"\n$ piescope audit {' '.join(arguments)}", flush=True)
    command = Path(sysconfig.get_path("scripts")) / "piescope"
    print(f"exit code {subprocess.run([command, 'audit', *arguments], cwd=folder, check=False).returncode}", flush=True)


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/audit-files")
folder.mkdir(parents=True, exist_ok=True)
networks = [
    MLPClassifier(64, solver="lbfgs", alpha=1, max_iter=1000, random_state=seed).fit(pixels[train], truth[train])
    for seed in range(SEEDS)
]

# one network: probabilities, one column a class
copies = {"dense": networks[0], "pruned": pruned(networks[0], 0.7), "int8": rounded(networks[0], 8)}
for name, network in copies.items():
    table = pd.DataFrame(network.predict_proba(pixels[test]).round(6), columns=NAMES)
    table.insert(0, "id", ids)
    table.to_csv(folder / f"{name}.csv", index=False)

# ten networks: labels, one column a network
for name, group in {"dense": networks, "pruned": [pruned(network, 0.7) for network in networks]}.items():
    table = pd.DataFrame({"id": ids})
    for seed, network in enumerate(group):
        table[f"seed-{seed}"] = np.array(NAMES)[network.predict(pixels[test])]
    table.to_csv(folder / f"{name}-10.csv", index=False)

# what is known of the digits: the truth, how much ink was used, and the pictures for the report
ink = pixels[test].mean(axis=1)
strokes = np.array(["thin", "middling", "thick"])[np.digitize(ink, np.quantile(ink, [1 / 3, 2 / 3]))]
pd.DataFrame({"id": ids, "label": np.array(NAMES)[truth[test]]}).to_csv(folder / "labels.csv", index=False)
pd.DataFrame({"id": ids, "stroke": strokes}).to_csv(folder / "metadata.csv", index=False)
images = (digits.images[test] * 255 / 16).round().astype(np.uint8)
np.savez(folder / "digits.npz", images=images, labels=truth[test], ids=ids, class_names=np.array(NAMES))
print(f"{SEEDS} networks, {len(test)} digits, files in {folder}")

known = ["--labels", "labels.csv", "--metadata", "metadata.csv", "--data", "digits.npz"]
audit(folder, "dense.csv", "pruned.csv", *known, "--max-class-drop", "3", "--max-flips", "2%", "--out", "pruned")
audit(folder, "dense.csv", "int8.csv", *known, "--max-class-drop", "3", "--max-flips", "2%", "--out", "int8")
audit(folder, "dense.csv", "int8.csv", "--labels", "labels.csv", "--max-flips", "2%", "--max-changed", "5", "--strict", "--out", "int8-strict")
audit(folder, "dense-10.csv", "pruned-10.csv", *known, "--paired", "--out", "ten-seeds")
