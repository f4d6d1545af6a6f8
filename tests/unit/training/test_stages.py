"""The stages of every objective, dense and pruned."""

from __future__ import annotations

import pytest
import torch

from made_trainings import SEEDS, data, model
from piescope.losses.q_score import FORMS, Form, q_scores
from piescope.models.wide_resnet import WideResNet
from piescope.pruning.schedules import Gradual
from piescope.pruning.scope import prunable_parameters
from piescope.seeds import Seeds
from piescope.training.recipe import Augmentation, Contrastive, GradualPruning, OneShotPruning, QScoreTerm, Training
from piescope.training.stages import prune_and_finetune, train_contrastive, train_supervised


def test_supervised_training_learns_and_gmp_ends_at_its_sparsity() -> None:
    recipe = Training(epochs=8, batch_size=20, learning_rate=0.05)
    pruning = GradualPruning(
        kind="gradual", scope="layer", biases=True, supervised=Gradual(begin=2, end=12, frequency=3)
    )
    net = model()
    losses = train_supervised(net, data(), recipe, SEEDS, pruning, sparsity=0.7)["supervised"]
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])
    for parameter in prunable_parameters(net, biases=True).values():
        assert int((parameter == 0).sum()) == round(0.7 * parameter.numel())


def test_contrastive_training_prunes_the_encoder_then_the_head() -> None:
    stage = Training(epochs=2, batch_size=20, learning_rate=0.05)
    schedule = Gradual(begin=1, end=4, frequency=2)
    pruning = GradualPruning(kind="gradual", scope="layer", biases=True, encoder=schedule, head=schedule)
    recipe = Contrastive(encoder=stage, head=stage, temperature=0.5)
    net = model()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    history = train_contrastive(net, data(), recipe, SEEDS, True, pruning, sparsity=0.6)
    assert {name: len(losses) for name, losses in history.items()} == {"encoder": 6, "head": 6}
    for parameter in prunable_parameters(net, biases=True).values():
        assert int((parameter == 0).sum()) == round(0.6 * parameter.numel())
    assert not torch.equal(before["stage1.0.conv1.weight"], net.state_dict()["stage1.0.conv1.weight"])


def test_no_operation_of_a_training_reads_memory_that_nobody_wrote() -> None:
    stage = Training(epochs=2, batch_size=20, learning_rate=0.05, augmentation=Augmentation(pad_and_crop=1))
    schedule = Gradual(begin=1, end=4, frequency=2)
    pruning = GradualPruning(kind="gradual", scope="layer", encoder=schedule, head=schedule)
    recipe = Contrastive(encoder=stage, head=stage, temperature=0.5)
    filled, deterministic = (
        torch.utils.deterministic.fill_uninitialized_memory,
        torch.are_deterministic_algorithms_enabled(),
    )
    histories = []
    try:
        torch.use_deterministic_algorithms(True)
        for torch.utils.deterministic.fill_uninitialized_memory in (True, False):  # with NaN, or as workers have it
            histories.append(train_contrastive(model(), data(), recipe, SEEDS, True, pruning, sparsity=0.6))
    finally:
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = filled
    assert histories[0] == histories[1]


def test_the_head_stage_leaves_the_encoder_frozen_to_the_bit() -> None:
    stage = Training(epochs=1, batch_size=20, learning_rate=0.05)
    recipe = Contrastive(encoder=stage, head=stage.model_copy(update={"epochs": 5}), temperature=0.5)
    short = recipe.model_copy(update={"head": stage})
    nets = [model(), model()]
    for net, chosen in zip(nets, (recipe, short), strict=True):
        train_contrastive(net, data(), chosen, SEEDS, supervised_pairs=False)
    for name, tensor in nets[0].state_dict().items():
        assert torch.equal(tensor, nets[1].state_dict()[name]) != name.startswith("head.")


def test_supcon_and_simclr_differ_only_in_their_pairs() -> None:
    stage = Training(epochs=1, batch_size=30, learning_rate=0.05)
    recipe = Contrastive(encoder=stage, head=stage, temperature=0.5)
    histories = [train_contrastive(model(), data(), recipe, SEEDS, pairs)["encoder"] for pairs in (True, False)]
    assert histories[0] != histories[1]


def test_one_shot_fine_tunes_everything_but_what_it_pruned() -> None:
    net = model()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    finetune = Training(epochs=1, batch_size=20, learning_rate=0.01, nesterov=True)
    pruning = OneShotPruning(kind="one_shot", scope="global", biases=True, finetune=finetune)
    prune_and_finetune(net, data(), pruning, 0.8, SEEDS)
    parameters = prunable_parameters(net, biases=True)
    zeros = sum(int((parameter == 0).sum()) for parameter in parameters.values())
    assert zeros == round(0.8 * sum(parameter.numel() for parameter in parameters.values()))
    for name in ("conv1.weight", "norm.weight", "norm.running_mean", "head.weight"):
        assert not torch.equal(before[name], net.state_dict()[name])


def test_prune_head_false_leaves_the_head_alone() -> None:
    stage = Training(epochs=1, batch_size=20, learning_rate=0.05)
    pruning = GradualPruning(kind="gradual", prune_head=False, encoder=Gradual(begin=1, end=2, frequency=1))
    net = model()
    train_contrastive(net, data(), Contrastive(encoder=stage, head=stage, temperature=0.5), SEEDS, True, pruning, 0.5)
    assert int((net.head.weight == 0).sum()) == 0


def test_same_seeds_same_network_other_seeds_another() -> None:
    recipe = Training(epochs=1, batch_size=20, learning_rate=0.05, augmentation=Augmentation(pad_and_crop=1))
    nets = []
    for seeds in (Seeds(0, 0), Seeds(0, 0), Seeds(0, 1), Seeds(1, 0)):
        net = WideResNet(10, 1, 10, 1, seeds.torch("weights"))
        torch.manual_seed(len(nets))
        train_supervised(net, data(), recipe, seeds)
        nets.append(net.conv1.weight)
    assert torch.equal(nets[0], nets[1])
    assert not torch.equal(nets[0], nets[2])
    assert not torch.equal(nets[0], nets[3])


def regularised(kind: str, term: QScoreTerm | None) -> tuple[WideResNet, list[float]]:
    """A network after twelve steps, and the losses."""
    net, plain = model(), Training(epochs=4, batch_size=20, learning_rate=0.05)
    stage = plain.model_copy(update={"q_score": term})
    if kind == "supervised":
        return net, train_supervised(net, data(), stage, SEEDS)["supervised"]
    if kind == "encoder":
        recipe = Contrastive(encoder=stage, head=plain, temperature=0.5)
        return net, train_contrastive(net, data(), recipe, SEEDS, True)["encoder"]
    return net, prune_and_finetune(net, data(), OneShotPruning(kind="one_shot", finetune=stage), 0.0, SEEDS)[kind]


@pytest.mark.parametrize(
    ("kind", "form"), [("supervised", "v1"), ("encoder", "v1"), ("finetune", "v1"), ("finetune", "aaai24")]
)
def test_of_each_batch_s_loss_weight_times_its_mean_q_score_is_taken(kind: str, form: Form) -> None:
    rows = torch.randperm(60, generator=SEEDS.torch(f"order/{kind}", 0))[:20]
    images = data().normalisation.apply(data().images[rows])
    score = float(
        FORMS[form](model().train().features(images.repeat(1 + (kind == "encoder"), 1, 1, 1)).detach()).mean()
    )
    first = [regularised(kind, term)[1][0] for term in (None, QScoreTerm(weight=3.0, form=form))]
    assert score > 0
    assert first[1] == pytest.approx(first[0] - 3 * score, abs=1e-5)


@pytest.mark.parametrize("kind", ["supervised", "encoder", "finetune"])
def test_a_q_score_regulariser_forms_representations_better(kind: str) -> None:
    images = data().normalisation.apply(data().images)
    without, with_term = (
        float(q_scores(regularised(kind, term)[0].train().features(images).detach()).mean())
        for term in (None, QScoreTerm(weight=1.0))
    )
    assert with_term > 1.05 * without > 0
