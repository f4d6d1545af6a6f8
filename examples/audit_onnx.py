"""What did 8 bits cost? A network exported to ONNX, quantised by onnxruntime in three ways, audited on real images.

    python examples/audit_onnx.py [DIR]                                    # digits, 20 epochs: seconds
    python examples/audit_onnx.py [DIR] --data cifar10 --data-dir DATA     # CIFAR-10, 10 epochs: minutes

A dense.onnx that is there already is not trained again. Needs torch, onnx, onnxscript and onnxruntime.
"""

import argparse
import logging
import subprocess
import sysconfig
import warnings
from pathlib import Path

import torch
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn

from piescope.data.sources import load_source


def layer(inputs, outputs, size, stride, groups=1):
    """Convolution, norm, ReLU."""
    convolution = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs), nn.ReLU()]


def separable(inputs, outputs, stride):
    """A 3x3 convolution of each channel by itself, then 1x1 over all of them, as phones run it (MobileNet)."""
    return [*layer(inputs, inputs, 3, stride, groups=inputs), *layer(inputs, outputs, 1, 1)]


def network(channels, classes):
    """Takes pixels of 0 to 1; the first norm is all the preparation that they get."""
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        *layer(channels, 32, 3, 2),
        *separable(32, 64, 1),
        *separable(64, 128, 2),
        *separable(128, 128, 1),
        *separable(128, 256, 2),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(256, classes),
    )


def trained(images, labels, epochs, mirrored, seed):
    """SGD with one cycle of the learning rate; images are mirrored and moved where that leaves them what they are."""
    torch.manual_seed(seed)
    model = network(images.shape[1], 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9, nesterov=True, weight_decay=5e-4)
    cycle = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=epochs * -(-len(images) // 128))
    for epoch in range(epochs):
        for rows in torch.randperm(len(images)).split(128):
            batch = images[rows].float() / 255
            if mirrored:
                batch = torch.where(torch.rand(len(batch), 1, 1, 1) < 0.5, batch.flip(3), batch)
                batch = batch.roll(torch.randint(-3, 4, (2,)).tolist(), (2, 3))
            loss = nn.functional.cross_entropy(model(batch), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            cycle.step()
        print(f"epoch {epoch + 1} of {epochs}: loss {loss.item():.2f}", flush=True)
    return model.eval()


class Calibration(CalibrationDataReader):
    """The first training images, 32 at a time: the quantiser takes the ranges of activations from them."""

    def __init__(self, images, count):
        self.batches = iter((images[:count].float() / 255).split(32))

    def get_next(self):
        batch = next(self.batches, None)
        return None if batch is None else {"images": batch.numpy()}


def audit(*arguments):
    """Runs `piescope audit` in the folder of the models, as one would type it."""
    print(f"\n$ piescope audit {' '.join(arguments)}", flush=True)
    command = Path(sysconfig.get_path("scripts")) / "piescope"
    print(f"exit code {subprocess.run([command, 'audit', *arguments], cwd=folder, check=False).returncode}", flush=True)


parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("folder", nargs="?", type=Path, default=Path("runs/audit-onnx"))
parser.add_argument("--data", choices=["digits", "cifar10"], default="digits")
parser.add_argument("--data-dir", type=Path)
parser.add_argument("--seed", type=int, default=0)
asked = parser.parse_args()
folder = asked.folder
folder.mkdir(parents=True, exist_ok=True)
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)  # of the exporter and the quantiser

train = load_source(asked.data, asked.data_dir).train
images, labels = torch.from_numpy(train.images), torch.from_numpy(train.labels)
if not (folder / "dense.onnx").exists():
    epochs, mirrored = {"digits": (20, False), "cifar10": (10, True)}[asked.data]
    torch.onnx.export(
        trained(images, labels, epochs, mirrored, asked.seed),
        (images[:2].float() / 255,),
        folder / "dense.onnx",
        input_names=["images"],
        dynamic_shapes=[{0: "batch"}],
        external_data=False,
        verbose=False,
    )

# three ways to 8 bits: weights with one scale a layer or one a channel, ranges of activations from 32 images or 512
quant_pre_process(folder / "dense.onnx", folder / "prepared.onnx")
for scales, count in (("tensor", 32), ("tensor", 512), ("channel", 32)):
    quantize_static(
        folder / "prepared.onnx",
        folder / f"{scales}-{count}.onnx",
        Calibration(images, count),
        quant_format=QuantFormat.QDQ,
        per_channel=scales == "channel",
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
for file in sorted(folder.glob("*.onnx")):
    print(f"{file.name}: {file.stat().st_size / 1024:.0f} kB")

data = ["--data", asked.data]
if asked.data_dir is not None:
    data += ["--data-dir", str(asked.data_dir.resolve())]
budgets = ["--equivalent-within", "1", "--max-flips", "2%", "--max-class-drop", "3"]
for copy in ("tensor-32", "tensor-512", "channel-32"):
    audit("onnx:dense.onnx", f"onnx:{copy}.onnx", *data, *budgets, "--out", f"audit-{copy}")
audit("onnx:dense.onnx", "--compress", "int8", *data, *budgets, "--out", "audit-itself")
