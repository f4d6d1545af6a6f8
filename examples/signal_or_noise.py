"""How much of what pruning loses would other seeds have lost too? Eight small networks, made sparse; no torch."""

import numpy as np
from sklearn.neural_network import MLPClassifier

from piescope import excess_pies, magnitude_masks, pie_mask
from piescope.data.sources import load_digits

train, test = load_digits().train, load_digits().test
x, y = train.images.reshape(len(train), -1) / 255, test.images.reshape(len(test), -1) / 255
models = [MLPClassifier(random_state=seed, tol=1e-3).fit(x, train.labels) for seed in range(8)]
dense = np.array([model.predict(y) for model in models])
for model in models:
    model.coefs_[0] *= magnitude_masks({"hidden": model.coefs_[0]}, sparsity=0.8)["hidden"]
pruned = np.array([model.predict(y) for model in models])
lost = pie_mask(dense, pruned, num_classes=10)
print(f"{lost.sum()} of {len(test)} digits are forgotten, {np.array(test.ids)[lost][:3]} among them")
noise = excess_pies(dense, pruned, num_classes=10, null="descended")
print(f"in groups of 4 models {noise.observed:.0f}, where seeds alone make {noise.floor:.0f}")
print(f"beyond that {noise.excess:.0f}, 95 % interval {noise.interval[0]:.0f} to {noise.interval[1]:.0f}")
