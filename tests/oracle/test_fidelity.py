"""The paper line by line: a test for each id of docs/recipes.md, by that id. Values are typed from the paper and its code."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import nn
from torch.nn.utils import prune

import made_trainings
from made_results import made
from piescope.data import augment
from piescope.losses.contrastive import supcon_loss
from piescope.measure.pies import modal_label, modal_ties
from piescope.measure.prediction_depth import prediction_depth
from piescope.measure.q_score import q_score
from piescope.models.build import ModelSpec
from piescope.models.heads import ProjectionHead
from piescope.models.probes import probe
from piescope.pruning.method import Ranked, ScopeName
from piescope.pruning.pruner import Pruner
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import prunable_parameters
from piescope.report.study import frames
from piescope.study.describe import describe
from piescope.study.parse import load_study
from piescope.study.plan import PruneAndFinetune, Train, make_plan
from piescope.study.provenance import load_recipe
from piescope.study.spec import Study
from piescope.training.loop import fit
from piescope.training.recipe import Contrastive, GradualPruning, OneShotPruning, Training

PAPER, CODE, MODERN = (load_study(f"corti2022-{name}") for name in ("paper", "reference-code", "modern"))


def supervised(study: Study) -> Training:
    training = study.training.supervised
    assert training is not None
    return training


def contrastive(study: Study) -> Contrastive:
    training = study.training.supcon
    assert training is not None
    return training


def gradual(study: Study, name: str) -> GradualPruning:
    method = study.pruning[name]
    assert isinstance(method, GradualPruning)
    return method


def one_shot(study: Study) -> OneShotPruning:
    method = study.pruning["one_shot"]
    assert isinstance(method, OneShotPruning)
    return method


def pictures(count: int = 6) -> torch.Tensor:
    """Images on the 8-bit grid, so that Pillow sees exactly the same ones."""
    levels = torch.randint(0, 256, (count, 3, 32, 32), generator=torch.Generator().manual_seed(3))
    return levels.float() / 255


def as_pillow(image: torch.Tensor) -> Image.Image:
    return Image.fromarray((image * 255).round().to(torch.uint8).permute(1, 2, 0).numpy())


def from_pillow(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB")).transpose(2, 0, 1) / 255


# data


def test_d1_supervised_augmentation() -> None:
    for study, vertical in ((PAPER, 0.0), (CODE, 0.5), (MODERN, 0.0)):
        for training in (supervised(study), contrastive(study).head, one_shot(study).finetune):
            drawn = training.augmentation
            assert (drawn.pad_and_crop, drawn.horizontal_flip, drawn.vertical_flip) == (4, 0.5, vertical)
            assert (drawn.resized_crop, drawn.color_jitter, drawn.grayscale) == (None, None, 0.0)


def test_d1_crop_and_flips_against_pillow_on_the_same_draws() -> None:
    images = pictures()
    cropped = augment.pad_and_crop(images, 4, torch.Generator().manual_seed(9))
    offsets = torch.randint(0, 9, (len(images), 2), generator=torch.Generator().manual_seed(9)).tolist()
    for image, found, (top, left) in zip(images, cropped, offsets, strict=True):
        padded = ImageOps.expand(as_pillow(image), border=4, fill=0)
        np.testing.assert_allclose(found, from_pillow(padded.crop((left, top, left + 32, top + 32))), atol=1e-6)
    for flip, operation in ((augment.horizontal_flip, ImageOps.mirror), (augment.vertical_flip, ImageOps.flip)):
        flipped = flip(images, 0.5, torch.Generator().manual_seed(2))
        chosen = torch.rand(len(images), generator=torch.Generator().manual_seed(2)) < 0.5
        assert 0 < chosen.sum() < len(images)
        for image, found, turn in zip(images, flipped, chosen, strict=True):
            expected = operation(as_pillow(image)) if turn else as_pillow(image)
            np.testing.assert_allclose(found, from_pillow(expected), atol=1e-6)


def test_d2_normalisation() -> None:
    for study, red in ((PAPER, 0.2047), (CODE, 0.2047), (MODERN, 0.2470)):
        assert study.data.normalisation.std == (red, 0.2435, 0.2616)
    assert PAPER.data.normalisation.mean == (0.4915, 0.4823, 0.4468)


def test_d3_contrastive_augmentation_and_the_last_partial_batch() -> None:
    for study in (PAPER, CODE, MODERN):
        drawn = contrastive(study).encoder.augmentation
        assert (drawn.resized_crop, drawn.horizontal_flip, drawn.grayscale) == ((0.2, 1.0), 0.5, 0.2)
        assert drawn.color_jitter is not None
        jitter = drawn.color_jitter
        assert (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) == (0.4, 0.4, 0.4, 0.1)
        assert jitter.probability == 0.8
        assert (drawn.pad_and_crop, drawn.vertical_flip) == (0, 0.0)
    for study in (PAPER, CODE):
        assert contrastive(study).encoder.steps_per_epoch(50_000) == 49
        assert 50_000 - 48 * contrastive(study).encoder.batch_size == 848


@pytest.mark.parametrize("factor", [0.6, 0.9, 1.4])
def test_d3_brightness_contrast_and_saturation_against_pillow(factor: float) -> None:
    images = pictures()
    pairs = (
        (augment.adjust_brightness, ImageEnhance.Brightness),
        (augment.adjust_contrast, ImageEnhance.Contrast),
        (augment.adjust_saturation, ImageEnhance.Color),
    )
    for ours, theirs in pairs:
        found = ours(images, torch.full((len(images), 1, 1, 1), factor))
        for image, changed in zip(images, found, strict=True):
            expected = from_pillow(theirs(as_pillow(image)).enhance(factor))
            # Pillow rounds the grey value, its mean and the result to whole levels
            assert np.abs(changed.numpy() - expected).max() <= 2 / 255, ours.__name__


def test_d3_grey_against_pillow() -> None:
    for image, grey in zip(pictures(), augment.to_grey(pictures()), strict=True):
        assert np.abs(grey.numpy() - from_pillow(as_pillow(image).convert("L"))).max() <= 1 / 255


def test_d3_hue_against_pillow() -> None:
    """Pillow's HSV has 256 steps of hue; both turn by the same number of them."""
    for steps in (-25, -10, 13, 25):
        turned = augment.adjust_hue(pictures(), torch.full((6, 1, 1, 1), steps / 256))
        for image, found in zip(pictures(), turned, strict=True):
            hue, saturation, value = as_pillow(image).convert("HSV").split()
            shifted = Image.fromarray(((np.asarray(hue).astype(int) + steps) % 256).astype(np.uint8))
            expected = from_pillow(Image.merge("HSV", (shifted, saturation, value)))
            difference = np.abs(found.numpy() - expected)
            # Pillow stores hue and saturation as whole levels on the way
            assert difference.mean() < 1.5 / 255
            assert difference.max() < 12 / 255


def test_d4_the_network() -> None:
    for study in (PAPER, CODE, MODERN):
        assert study.model == ModelSpec(depth=16, width=2)
    model = PAPER.model.build((3, 32, 32), 10, torch.Generator().manual_seed(0))
    counts = {"conv": 0, "norm": 0, "linear": 0}
    for module in model.modules():
        kind = {nn.Conv2d: "conv", nn.BatchNorm2d: "norm", nn.Linear: "linear"}.get(type(module))
        if kind:
            counts[kind] += sum(parameter.numel() for parameter in module.parameters(recurse=False))
    assert counts == {"conv": 688_560, "norm": 1_824, "linear": 1_290}
    assert sum(counts.values()) == sum(parameter.numel() for parameter in model.parameters()) == 691_674
    assert float(model.head.bias.detach().abs().max()) == 0.0
    convolution = model.stage3[1].conv2.weight.detach()  # Kaiming, fan out: std sqrt(2 / (128 * 9))
    assert float(convolution.std()) == pytest.approx(math.sqrt(2 / (128 * 9)), rel=0.02)
    model.eval()
    with torch.no_grad():
        features = model.features(torch.rand(2, 3, 32, 32))
    assert features.shape == (2, 128)
    assert float(features.min()) >= 0.0  # BN, ReLU, mean: never negative


# training


def test_t1_supervised_training() -> None:
    for study in (PAPER, CODE):
        training = supervised(study)
        assert (training.epochs, training.batch_size, training.learning_rate) == (205, 128, 1.0)
        assert (training.momentum, training.nesterov, training.weight_decay) == (0.9, False, 5e-4)
        rates = {epoch: training.schedule.factor(epoch, 205) for epoch in (0, 4, 5, 29, 30, 49, 50, 79, 80, 204)}
        expected = {0: 1, 4: 1, 5: 0.1, 29: 0.1, 30: 0.01, 49: 0.01, 50: 1e-3, 79: 1e-3, 80: 1e-4, 204: 1e-4}
        assert rates == pytest.approx(expected)


def test_t2_contrastive_training() -> None:
    for study, decay in ((PAPER, 5e-4), (CODE, 4e-4)):
        training = contrastive(study).encoder
        assert (training.epochs, training.batch_size, training.learning_rate) == (500, 1024, 0.05)
        assert training.weight_decay == decay
        assert contrastive(study).temperature == 0.5
    assert {contrastive(CODE).encoder.schedule.factor(epoch, 500) for epoch in (0, 250, 499)} == {1.0}
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.05)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=500, eta_min=0.05 * 1e-3)
    for epoch in range(500):
        ours = 0.05 * contrastive(PAPER).encoder.schedule.factor(epoch + 0.7, 500)
        assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6), epoch
        optimizer.step()
        theirs.step()


def test_t3_the_loss_is_scaled() -> None:
    for study in (PAPER, CODE):
        recipe = contrastive(study)
        assert recipe.base_temperature == 0.07
        views, labels = torch.randn(8, 2, 16, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 4
        scaled = supcon_loss(views, labels, recipe.temperature, recipe.base_temperature)
        assert float(scaled / supcon_loss(views, labels, recipe.temperature)) == pytest.approx(0.5 / 0.07, rel=1e-5)
    assert contrastive(MODERN).base_temperature is None


def test_t4_projection_head() -> None:
    assert contrastive(PAPER).projection == contrastive(CODE).projection == (128, 128)
    head = ProjectionHead(128, 128, 128)
    shapes = [tuple(layer.weight.shape) for layer in (head.hidden, head.output)]
    assert shapes == [(128, 128), (128, 128)]
    # normalised in the loss: the length of a projection does not matter
    views, labels = torch.randn(6, 2, 16, generator=torch.Generator().manual_seed(1)), torch.arange(6) % 3
    assert float(supcon_loss(views, labels, 0.5)) == pytest.approx(float(supcon_loss(5 * views, labels, 0.5)), rel=1e-5)


def test_t5_linear_head() -> None:
    for study in (PAPER, CODE):
        head = contrastive(study).head
        assert (head.epochs, head.batch_size, head.learning_rate) == (100, 256, 0.1)
        assert (head.momentum, head.weight_decay) == (0.9, 0.0)
        listed = {
            0: 0.1, 30: 0.0794, 59: 0.0361, 60: 0.00693, 74: 0.00322, 75: 6.0e-4, 89: 2.0e-4, 90: 5.1e-5,
        }  # fmt: skip
        for epoch, rate in listed.items():
            assert 0.1 * head.schedule.factor(epoch, 100) == pytest.approx(rate, rel=0.012), epoch
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        both = [
            torch.optim.lr_scheduler.MultiStepLR(optimizer, [60, 75, 90], 0.2),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=100, eta_min=1e-4),
        ]
        for epoch in range(100):
            ours = 0.1 * head.schedule.factor(epoch, 100)
            assert ours == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-6), epoch
            optimizer.step()
            for scheduler in both:
                scheduler.step()


def test_t6_the_seed_is_the_models_number() -> None:
    assert PAPER.seeds == CODE.seeds == MODERN.seeds == tuple(range(30))


def test_t7_no_validation_split() -> None:
    for study in (PAPER, CODE, MODERN):
        assert (study.data.facts.train_examples, study.data.facts.test_examples) == (50_000, 10_000)


# pruning


def test_p1_what_gradual_pruning_prunes() -> None:
    for study in (PAPER, CODE):
        for name in ("gmp", "delayed_gmp"):
            method = gradual(study, name)
            assert (method.scope, method.biases, method.prune_head, method.criterion) == (
                "layer",
                True,
                True,
                "magnitude",
            )
    model = PAPER.model.build((3, 32, 32), 10, None)
    chosen = prunable_parameters(model, biases=True)
    expected = {
        f"{name}.{part}"
        for name, module in model.named_modules()
        if isinstance(module, nn.Conv2d | nn.Linear)
        for part, _ in module.named_parameters(recurse=False)
    }
    assert set(chosen) == expected
    assert {"conv1.weight", "head.weight", "head.bias"} <= set(chosen)
    assert sum(tuple(parameter.shape[2:]) == (1, 1) for parameter in chosen.values() if parameter.ndim == 4) == 3
    assert sum(parameter.numel() for parameter in chosen.values()) == 688_560 + 1_290


@pytest.mark.simulation
def test_p2_the_share_of_what_remains_follows_the_formula() -> None:
    """gamma_k = 1 - (1 - s_k) / prod_{j<k} (1 - gamma_j), on one large tensor, against s_k itself."""
    schedule = gradual(CODE, "gmp").supervised
    assert schedule is not None
    pruner = Pruner({"w": nn.Parameter(torch.randn(200_000))}, scope="layer", counting="remaining")
    remaining = 1.0
    for step in schedule.steps():
        wanted = 0.9 * (1 - (1 - (step - 1000) / 19000) ** 3)
        gamma = 1 - (1 - wanted) / remaining
        remaining *= 1 - gamma
        pruner.prune(schedule.sparsity_at(step, 0.9))
        assert 1 - float(pruner.masks["w"].float().mean()) == pytest.approx(1 - remaining, abs=2e-4)


@pytest.mark.parametrize(
    ("name", "stage", "prunings", "first", "last", "reached"),
    [
        ("gmp", "supervised", 39, 1000, 20000, 0.9),
        ("gmp", "encoder", 37, 186, 2418, 0.89988),
        ("delayed_gmp", "encoder", 37, 2480, 4712, 0.89995),
    ],
)
@pytest.mark.simulation
def test_p3_grid_and_realised_sparsity_of_the_code(
    name: str, stage: str, prunings: int, first: int, last: int, reached: float
) -> None:
    schedule = getattr(gradual(CODE, name), stage)
    assert (len(schedule.steps()), schedule.steps()[0], schedule.steps()[-1]) == (prunings, first, last)
    assert all(step % schedule.frequency == 0 for step in schedule.steps())
    assert [step for step in range(1, 25_000) if schedule.is_due(step)] == list(schedule.steps())
    pruner = Pruner(
        {"w": nn.Parameter(torch.randn(200_000))}, scope="layer", counting="remaining", schedule=schedule, final=0.9
    )
    for step in schedule.steps():
        pruner.before_step(step)
    zeros = int((pruner.parameters["w"] == 0).sum())
    assert zeros / 200_000 == pytest.approx(reached, abs=1.6e-5)


def test_p3_the_text_ends_exactly() -> None:
    for name, stage in (("gmp", "supervised"), ("gmp", "encoder"), ("delayed_gmp", "encoder")):
        schedule = getattr(gradual(PAPER, name), stage)
        assert schedule.steps()[0] == schedule.begin
        assert schedule.sparsity_at(schedule.steps()[-1], 0.9) == 0.9


def test_p4_delayed_pruning_begins_at_epoch_50() -> None:
    per_epoch = contrastive(CODE).encoder.steps_per_epoch(50_000)
    code, text = gradual(CODE, "delayed_gmp").encoder, gradual(PAPER, "delayed_gmp").encoder
    assert code is not None
    assert text is not None
    assert (code.begin, code.end, code.frequency) == (2440, 4760, 62)
    assert round(code.begin / per_epoch, 1) == 49.8
    assert round(code.end / per_epoch, 1) == 97.1
    assert text.begin == 50 * per_epoch + 1  # the first step of epoch 50


def test_p5_the_head_is_pruned_on_its_own() -> None:
    for study in (PAPER, CODE):
        for name in ("gmp", "delayed_gmp"):
            head = gradual(study, name).head
            assert head is not None
            assert (head.begin, head.end, head.frequency) == (500, 10000, 250)
            assert len(head.steps()) == 39
    model = PAPER.model.build((3, 32, 32), 10, None)
    assert set(prunable_parameters(model, True, "head")) == {"head.weight", "head.bias"}
    assert not any(name.startswith("head") for name in prunable_parameters(model, True, "encoder"))


@pytest.mark.parametrize(
    ("sparsity", "realised"), [(0.3, 0.0), (0.5, 0.0), (0.7, 0.1), (0.9, 0.4), (0.95, 0.6), (0.99, 0.8)]
)
def test_p6_the_ten_biases_lag(sparsity: float, realised: float) -> None:
    method = gradual(CODE, "gmp")
    assert method.counting == "remaining"
    for schedule in (method.supervised, method.head):
        bias = nn.Parameter(torch.randn(10, generator=torch.Generator().manual_seed(0)))
        pruner = Pruner({"bias": bias}, scope="layer", counting="remaining", schedule=schedule, final=sparsity)
        assert schedule is not None
        for step in schedule.steps():
            pruner.before_step(step)
        assert float((bias == 0).float().mean()) == pytest.approx(realised)
    assert gradual(PAPER, "gmp").counting == "total"


def test_p6_counting_what_remains_against_torch() -> None:
    schedule = gradual(CODE, "gmp").supervised
    assert schedule is not None
    layer = nn.Linear(13, 7)
    weights = nn.Parameter(layer.weight.detach().clone())
    pruner = Pruner({"w": weights}, scope="layer", counting="remaining")
    before = 0.0
    for step in schedule.steps():
        now = schedule.sparsity_at(step, 0.9)
        prune.l1_unstructured(layer, "weight", amount=1 - (1 - now) / (1 - before))
        pruner.prune(now)
        before = now
        assert torch.equal(layer.weight != 0, weights != 0), step


def test_p7_masks_never_regrow_unless_asked() -> None:
    assert not any(gradual(study, name).regrowth for study in (PAPER, CODE, MODERN) for name in ("gmp", "delayed_gmp"))
    for regrowth in (False, True):
        weight = nn.Parameter(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        pruner = Pruner({"w": weight}, scope="layer", regrowth=regrowth)
        pruner.prune(0.5)
        with torch.no_grad():
            weight[2:] = 0.5  # the kept become smaller than the pruned were
        pruner.prune(0.5)
        assert pruner.masks["w"].tolist() == ([True, True, False, False] if regrowth else [False, False, True, True])


def test_p8_one_shot_is_global_over_encoder_and_head() -> None:
    for study in (PAPER, CODE):
        method = one_shot(study)
        assert (method.scope, method.biases, method.prune_head) == ("global", True, True)
    model = PAPER.model.build((3, 32, 32), 10, torch.Generator().manual_seed(0))
    chosen = prunable_parameters(model, biases=True)
    magnitudes = np.concatenate([parameter.detach().abs().numpy().ravel() for parameter in chosen.values()])
    Pruner(chosen, scope="global").prune(0.9)
    kept = np.concatenate([(parameter.detach() != 0).numpy().ravel() for parameter in chosen.values()])
    assert (~kept).sum() == round(0.9 * 689_850)
    assert magnitudes[kept].min() >= np.partition(magnitudes, round(0.9 * 689_850) - 1)[round(0.9 * 689_850) - 1]


def test_p9_fine_tuning() -> None:
    for study in (PAPER, CODE):
        training = one_shot(study).finetune
        assert (training.epochs, training.batch_size, training.learning_rate) == (30, 128, 1e-3)
        assert (training.nesterov, training.momentum, training.weight_decay) == (True, 0.9, 0.0)
        assert {training.schedule.factor(epoch, 30) for epoch in range(30)} == {1.0}
    plan = make_plan(PAPER)
    tuned = [step for step in plan.steps if isinstance(step.spec, PruneAndFinetune)]
    dense = {step.ref for step in plan.steps if isinstance(step.spec, Train) and step.spec.pruning is None}
    assert len(tuned) == 360
    assert all(set(step.parents["model"]) <= dense for step in tuned)  # each sparsity starts from the dense model


def test_p10_sparsity_counts_convolutions_and_linear_layers() -> None:
    model = PAPER.model.build((3, 32, 32), 10, None)
    counted = sum(parameter.numel() for parameter in prunable_parameters(model, biases=True).values())
    assert 691_674 - counted == 1_824  # all but BN


REPLAY = Training(epochs=10, batch_size=25, learning_rate=0.2, nesterov=True, weight_decay=5e-4)  # 40 steps
EVERY_FOURTH = Gradual(begin=6, end=38, frequency=4, grid="multiples")
Masks = list[dict[str, torch.Tensor]]


def masks_of_ours(scope: ScopeName, ranked: Ranked) -> Masks:
    """The masks that each step of the one training loop runs with."""
    net, masks = made_trainings.model(), Masks()
    kept = prunable_parameters(net, biases=True)
    pruner = Pruner(
        kept, scope=scope, schedule=EVERY_FOURTH, final=0.9, counting="remaining", ranked=ranked
    )  # fmt: skip
    fit(
        lambda images, labels: nn.functional.cross_entropy(net(images), labels),
        net, net.parameters(), made_trainings.data(100), REPLAY, made_trainings.SEEDS, "supervised",
        pruner=pruner, on_step=lambda *_: masks.append(pruner.masks),
    )  # fmt: skip
    return masks


def masks_of_torch(scope: ScopeName) -> Masks:
    """Likewise of a plain loop that has torch prune without scores, before the batch."""
    net, data, masks = made_trainings.model(), made_trainings.data(100), Masks()
    images = data.normalisation.apply(data.images)
    parts = [tuple(name.rsplit(".", 1)) for name in prunable_parameters(net, biases=True)]
    named = [(net.get_submodule(module), part) for module, part in parts]
    plain = {"momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.2, foreach=True, **plain)  # type: ignore[arg-type]
    remaining, step = 1.0, 0
    for epoch in range(10):
        order = torch.randperm(100, generator=made_trainings.SEEDS.torch("order/supervised", epoch))
        for rows in order.split(25):
            step += 1
            if 6 <= step <= 38 and step % 4 == 0:
                wanted = 0.9 * (
                    1 - (1 - (step - 8) / 32) ** 3
                )  # the sequence that begins at 6, from the first multiple on
                gamma = 1 - (1 - wanted) / remaining
                remaining *= 1 - gamma
                if scope == "global":
                    prune.global_unstructured(named, prune.L1Unstructured, amount=gamma)
                else:
                    for module, part in named:
                        prune.l1_unstructured(module, part, gamma)
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(images[rows]), data.labels[rows]).backward()
            optimizer.step()
            masks.append(
                {
                    f"{name}.{part}": getattr(module, f"{part}_mask", torch.ones(())).bool().clone()
                    for (name, part), (module, _) in zip(parts, named, strict=True)
                }
            )
    return masks


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_p11_torch_ranks_what_the_last_forward_pass_ran_with(scope: ScopeName) -> None:
    """40 steps beside torch's own pruning: equal masks at each, which the weights that there are would not give."""
    theirs = masks_of_torch(scope)
    assert len(theirs) == 40

    def unlike(ours: Masks) -> list[int]:
        pairs = enumerate(zip(ours, theirs, strict=True), start=1)
        return [step for step, (one, other) in pairs if any(bool((one[name] != other[name]).any()) for name in one)]

    assert unlike(masks_of_ours(scope, "last_forward")) == []
    assert len(unlike(masks_of_ours(scope, "current"))) > 20


def test_p11_is_of_the_code_alone() -> None:
    for study, ranked in ((PAPER, "current"), (CODE, "last_forward"), (MODERN, "current")):
        assert {gradual(study, name).ranked for name in ("gmp", "delayed_gmp")} == {ranked}
    # no pruning of the code's follows a validation pass, which would have run with the weights that there are: the
    # encoder's training has none, and no other pruning is at the first step of an epoch
    for training, stage in ((supervised(CODE), "supervised"), (contrastive(CODE).head, "head")):
        per_epoch = training.steps_per_epoch(50_000)
        assert not any(step % per_epoch == 1 for step in getattr(gradual(CODE, "gmp"), stage).steps()[1:])


# measures


def test_m1_ties_go_to_the_smallest_label_and_are_counted() -> None:
    said = np.array([[1, 3], [3, 3], [1, 3], [3, 3]])
    assert modal_label(said, 5).tolist() == [1, 3]
    assert modal_label(said, 5, ties="largest").tolist() == [3, 3]
    assert modal_ties(said, 5).tolist() == [True, False]


def test_m3_q_score_by_hand() -> None:
    h = np.random.default_rng(0).random((4, 7, 128))
    unit = h / np.sqrt((h**2).sum(-1, keepdims=True))
    z = (unit.max(-1) - unit.mean(-1)) / np.sqrt(((unit - unit.mean(-1, keepdims=True)) ** 2).mean(-1))
    l1 = np.abs(unit).sum(-1)
    found = q_score(h)
    for ours, expected in zip(found, (z / l1, z, l1), strict=True):
        np.testing.assert_allclose(ours, expected, rtol=1e-6)


def test_m5_maps_of_the_mean_representation() -> None:
    for study, models in ((PAPER, 30), (CODE, 30), (MODERN, 1)):
        projects = [step for step in make_plan(study).steps if step.kind == "project"]
        assert projects
        of_cell = {25} if study is PAPER else set[int]()  # as K4
        assert {len(refs) for step in projects for refs in step.parents.values()} == {models} | of_cell


def test_m6_spreads_are_over_models_and_over_examples() -> None:
    results = made({"supervised": ("gmp",)})
    arm = results.arms[1]
    row = frames.q_score_rows(results)[1]
    assert row.q.std == pytest.approx(np.std(arm.columns["pruned_q"], ddof=1))
    assert frames.pies_rows(results)[1].accuracy.std == arm.summary.accuracy_std


def test_k1_sixteen_probes() -> None:
    for study in (PAPER, CODE):
        points = study.probe_points()
        assert points == (
            "conv1",
            *(
                f"stage{stage}.{block}"
                for stage in (1, 2, 3)
                for block in ("0.relu2", "0.conv2", "1.relu2", "1.conv2", "1")
            ),
        )  # fmt: skip
        assert study.probe_dims() == [16, *[32] * 5, *[64] * 5, *[128] * 5]
        model = study.model.build((3, 32, 32), 10, None).eval()
        with torch.no_grad():
            held = probe(model, torch.rand(2, 3, 32, 32), points)
        assert [values.shape[1] for values in held] == study.probe_dims()


def test_k2_nearest_neighbours() -> None:
    for study in (PAPER, CODE):
        depth = study.measures.prediction_depth
        assert depth is not None
        assert (depth.k, depth.augment_bank) == (30, True)
        banks = [step.spec for step in make_plan(study).steps if step.kind == "depth"]
        augmented = {spec.augmentation_of.augmentation for spec in banks}  # type: ignore[union-attr]
        assert augmented == {supervised(study).augmentation}  # one draw of D1, also for contrastive models


def test_k3_depth_counts_the_last_wrong_probe_from_1() -> None:
    wrong = np.array([[c == "x" for c in row] for row in ("....", "x...", ".x..", "x.x.", "...x", "xxxx")]).T
    truth = np.zeros(6, dtype=int)
    labels = wrong.astype(int)
    by_hand = [1, 1, 2, 3, 4, 4]
    assert prediction_depth(labels, truth, "corti2022").tolist() == by_hand


def test_k4_depth_of_five_models_pies_of_all() -> None:
    for study in (PAPER, CODE, MODERN):
        for arm in make_plan(study).arms:
            of_25 = study is PAPER and str(arm.arm) == "supcon delayed_gmp 0.9"  # so the legend of Table 1 says
            assert len(arm.compare.parents["pruned"]) == (25 if of_25 else 30)
            assert len(arm.compare.parents["pruned_depths"]) == (5 if study.control(arm.arm.pruning) is None else 0)


def test_k5_the_dense_row_takes_the_pies_of_any_pruned_arm() -> None:
    results = made({"supervised": ("gmp",)})
    dense = results.arms[0]
    pies = np.logical_or.reduce([arm.columns["is_pie"] for arm in results.arms[1:]])
    row = frames.depth_rows(results)[0]
    assert row.pie.mean == pytest.approx(dense.columns["pruned_depth"][pies].mean())


def test_figures_show_the_sparsities_of_the_papers() -> None:
    for study in (PAPER, CODE, MODERN):
        told = describe(study).figures
        assert (told.figure_1, told.figure_4, told.figure_5, told.figure_6) == (
            0.95,
            (0.3, 0.5, 0.9),
            (0.9, 0.99),
            (0.3,),
        )
        assert (told.figure_2, told.figure_3, told.figure_7) == (None, None, None)  # 90 %, 90 % and all


def test_every_value_of_every_recipe_says_where_it_is_from() -> None:
    for name in ("paper", "reference-code", "modern"):
        recipe = load_recipe(name)
        origins = {recipe.said(key).origin for key in recipe.values}
        assert "text" in origins
        below = recipe.below
        for key in recipe.provenance:  # and no origin is told of what is not there
            assert key == "" or any(f"{value}.".startswith(f"{key}.") for value in recipe.values), (name, key)
        if below is not None:
            assert recipe.said("model.depth") == below.said("model.depth")


def test_every_fact_has_its_test() -> None:
    from piescope.study.provenance import facts

    for identity in facts():
        assert any(name.startswith(f"test_{identity.lower()}_") for name in globals()), identity
