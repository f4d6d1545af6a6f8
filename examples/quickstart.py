import numpy as np
from sklearn.neural_network import MLPClassifier

from piescope import magnitude_masks, pie_mask
from piescope.data.sources import load_digits

train, test = load_digits().train, load_digits().test
x, y = train.images.reshape(len(train), -1) / 255, test.images.reshape(len(test), -1) / 255
models = [MLPClassifier(random_state=seed, tol=1e-3).fit(x, train.labels) for seed in range(7)]
dense = np.array([model.predict(y) for model in models])
for model in models:
    model.coefs_[0] *= magnitude_masks({"hidden": model.coefs_[0]}, sparsity=0.8)["hidden"]
lost = pie_mask(dense, np.array([model.predict(y) for model in models]), num_classes=10)
print(f"{lost.sum()} of {len(test)} digits are forgotten, {np.array(test.ids)[lost][:3]} among them")
