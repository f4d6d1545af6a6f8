"""Models of transformers: safetensors alone, no code of their own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from made_models import fault, photos
from piescope.adapters.opening import names_a_model, open_model
from piescope.adapters.preparation import Fit, Preparation
from piescope.adapters.protocol import Settings
from piescope.data.pictures import Pictures

transformers = pytest.importorskip("transformers")


def quietly(save: Any, folder: Path) -> None:
    transformers.utils.logging.disable_progress_bar()
    save(folder)


@pytest.fixture(params=["vit", "resnet"])
def hf_folder(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, nn.Module]:
    torch.manual_seed(0)
    names = {index: f"class {index}" for index in range(10)}
    if request.param == "vit":
        config = transformers.ViTConfig(
            hidden_size=16,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            image_size=16,
            patch_size=4,
            id2label=names,
        )
        made = transformers.ViTForImageClassification(config)
    else:
        config = transformers.ResNetConfig(
            embedding_size=8, hidden_sizes=[8, 16], depths=[1, 1], layer_type="basic", id2label=names
        )
        made = transformers.ResNetForImageClassification(config)
    folder = tmp_path / f"my-{request.param}"
    quietly(made.save_pretrained, folder)
    return folder, made.eval()


def save_processor(folder: Path, **more: Any) -> None:
    told = {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
        "size": {"height": 16, "width": 16},
        "image_mean": [0.5, 0.4, 0.3],
        "image_std": [0.2, 0.3, 0.4],
        "resample": 3,
        "rescale_factor": 1 / 255,
        **more,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(told))


def test_a_folder_of_transformers(
    hf_folder: tuple[Path, nn.Module], digits: Pictures, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, made = hf_folder
    save_processor(folder)
    capfd.readouterr()
    for text in (f"hf:{folder}", str(folder)):
        assert names_a_model(text)
        model = open_model(text, pictures=digits)
        batch = digits.batch(0, 4)
        outputs = model.scores(batch)
        expected = []
        for photo in batch:  # by hand: grey to RGB, squashed to 16 x 16 by Pillow, scaled, normalised
            scaled = np.asarray(Image.fromarray(photo).convert("RGB").resize((16, 16), Image.Resampling.BICUBIC))
            expected.append((scaled / 255 - [0.5, 0.4, 0.3]) / [0.2, 0.3, 0.4])
        pixels = torch.from_numpy(np.stack(expected).transpose(0, 3, 1, 2)).float()
        with torch.no_grad():
            answer = made(pixels, output_hidden_states=True)
        assert outputs.scores is not None and np.allclose(outputs.scores, answer.logits.numpy(), atol=1e-4)
        assert outputs.representation is not None
        if "vit" in text:
            assert np.allclose(
                outputs.representation, made.vit(pixels).last_hidden_state[:, 0].detach().numpy(), atol=1e-4
            )
        else:
            assert np.allclose(
                outputs.representation, made.resnet(pixels).pooler_output.flatten(1).detach().numpy(), atol=1e-4
            )
        assert model.class_names is not None and model.class_names[3] == "class 3"
        assert model.name == f"hf:{folder.name}" and model.values == "logits"
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("hf_folder", ["resnet"], indirect=True)
def test_what_the_user_says_replaces_the_processor(hf_folder: tuple[Path, nn.Module]) -> None:
    folder, made = hf_folder
    save_processor(folder)
    batch = photos(2, 30, 24)
    model = open_model(f"hf:{folder}", settings=Settings(size=(16, 16), mean=(0.1,), std=(0.7,)))
    pixels = Preparation(3, fit=Fit.to((16, 16)), mean=(0.1,), std=(0.7,))(batch)
    scores = model.scores(batch).scores
    with torch.no_grad():
        assert scores is not None and np.allclose(scores, made(torch.from_numpy(pixels)).logits.numpy(), atol=1e-5)


def test_folders_of_transformers_that_are_refused(hf_folder: tuple[Path, nn.Module]) -> None:
    folder, made = hf_folder
    weights = (folder / "model.safetensors").read_bytes()
    told = json.loads((folder / "config.json").read_text())
    (folder / "model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n")
    assert "git lfs pull" in fault(f"hf:{folder}")
    (folder / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    assert "truncated" in fault(f"hf:{folder}")
    state = made.state_dict()
    head = next(name for name in state if "classifier" in name)
    save_file(
        {name: each for name, each in state.items() if name != head}, folder / "model.safetensors", {"format": "pt"}
    )
    assert head in fault(f"hf:{folder}") and "trained to classify" in fault(f"hf:{folder}")
    save_file({**state, head: state[head] * float("nan")}, folder / "model.safetensors", {"format": "pt"})
    assert "NaN" in fault(f"hf:{folder}")
    (folder / "model.safetensors").unlink()
    torch.save(state, folder / "pytorch_model.bin")
    assert "save_pretrained" in fault(f"hf:{folder}")
    (folder / "model.safetensors").write_bytes(weights)
    for config in (
        "{",
        "[]",
        "{}",
        json.dumps({**told, "model_type": "no-such"}),
        json.dumps({**told, "hidden_size": "x", "embedding_size": "x"}),
    ):
        (folder / "config.json").write_text(config)
        fault(f"hf:{folder}")
    (folder / "config.json").unlink()
    fault(f"hf:{folder}")
    assert not names_a_model(str(folder))


def test_code_of_a_hub_model_is_not_run(hf_folder: tuple[Path, nn.Module], tmp_path: Path) -> None:
    folder, _ = hf_folder
    mark = tmp_path / "it-ran"
    (folder / "evil.py").write_text(f"open({str(mark)!r}, 'w')\nclass Config: pass\nclass Net: pass\n")
    told = json.loads((folder / "config.json").read_text())
    told["model_type"] = "own-code"
    told["auto_map"] = {"AutoConfig": "evil.Config", "AutoModelForImageClassification": "evil.Net"}
    (folder / "config.json").write_text(json.dumps(told))
    assert "--trust-code" in fault(f"hf:{folder}", trust_code=True)
    assert not mark.exists()


def test_a_hub_name_without_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert "local folder" in fault("hf:nobody/has-this-model")
