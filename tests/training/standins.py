"""A training loop for the adapters on networks whose loss is a mean over images (no batch norm in train mode)."""

import torch
from toys import CLASSES, SIZE, TinyTrunk, random_batch, tiny_models

from seasa_da.adapters import SEASA, OutputAdversary, SegmentationAdapter, SelfTraining
from seasa_da.adapters.domain_critic import DomainCriticAdapter
from seasa_da.adapters.plug_and_play import PlugAndPlay, freeze_after
from seasa_da.adapters.segmentation import trainable
from seasa_da.adapters.sifa import SIFA
from seasa_da.adapters.stylised_source import StylisedSource
from seasa_da.adapters.translation import TranslationAdapter
from seasa_da.config import AdversarySettings, ContrastSettings, CyCADASettings, FDASettings, PnPSettings
from seasa_da.hooks import ContrastHook, EnergyHook
from seasa_da.layers import ClassThresholds, class_counts
from seasa_da.models import (
    AccuracyGate,
    Decoder,
    Discriminator,
    DomainCritic,
    FeatureCritic,
    Frozen,
    Generator,
    ImageDiscriminator,
    ImagePool,
    MaskCritic,
    Segmenter,
    Turns,
)


def make_adapter(name, norm=False):
    """An adapter by its class's name on tiny models; always the same weights.

    "EnergyConstrained" is `SelfTraining` with the energy, "MPSCL" `OutputAdversary` with the contrast,
    "PenalisedCritics" `PlugAndPlay` with the penalty in place of clipping.
    """
    models = tiny_models(norm)
    optimizers = {"G": torch.optim.SGD([p for m in models.values() for p in m.parameters()], lr=0.05, momentum=0.9)}
    if name == "SegmentationAdapter":
        return SegmentationAdapter(models, optimizers, num_classes=CLASSES)
    if name == "StylisedSource":
        fda = FDASettings(beta=0.1, entropy_weight=0.5)
        return StylisedSource(models, optimizers, num_classes=CLASSES, fda=fda)
    if name in ("SelfTraining", "EnergyConstrained"):
        models.update(teacher=Frozen(Segmenter(models)), thresholds=ClassThresholds(CLASSES))
        energy = [EnergyHook(0.5)] if name == "EnergyConstrained" else []
        return SelfTraining(models, optimizers, num_classes=CLASSES, post_g=energy)
    torch.manual_seed(1)
    if name in ("PlugAndPlay", "PenalisedCritics"):
        return _plug_and_play(models, PnPSettings(weight=20, penalty=float(name == "PenalisedCritics")))
    if name == "TranslationAdapter":
        return _translation()
    if name == "SIFA":
        return _sifa(models, optimizers)
    if name == "DomainCriticAdapter":
        # Without dropout, whose draws are each rank's own; a gate that some steps open.
        critic = {"D_feat": DomainCritic(CLASSES, 4, dropout=0), "gate": AccuracyGate(0.3, 2)}
        models.update(critic, G_ST=Generator(1, width=2, blocks=1, residual=True))
        for model in models.values():
            model.double()  # instance norm on small features makes much of a single's rounding
        optimizers["D"] = torch.optim.SGD(critic["D_feat"].parameters(), lr=0.5, momentum=0.9)
        return DomainCriticAdapter(models, optimizers, num_classes=CLASSES, cycada=CyCADASettings(weight=0.5))
    models.update({key: Discriminator(CLASSES, "fc", width=4) for key in ("D", "D_aux")})
    critics = [p for key in ("D", "D_aux") for p in models[key].parameters()]
    optimizers["D"] = torch.optim.SGD(critics, lr=0.05, momentum=0.9)
    adversary = AdversarySettings(weight=0.5, aux_weight=0.5)
    if name == "MPSCL":
        for layer in (models["G"].conv4, models["G"].conv5):
            torch.nn.init.zeros_(layer.bias)  # else all features point the same way, and none is kept
        contrast = [ContrastHook(CLASSES, 4, ContrastSettings(source_weight=0.5, target_weight=0.5))]
        return OutputAdversary(models, optimizers, num_classes=CLASSES, adversary=adversary, post_g=contrast)
    if name == "OutputAdversary":
        return OutputAdversary(models, optimizers, num_classes=CLASSES, adversary=adversary)
    return SEASA(models, optimizers, num_classes=CLASSES, feature_dim=4, adversary=adversary)


class _Tapped(TinyTrunk):
    """A tiny trunk as `PlugAndPlay` wants it: three taps, and conv4 as its early layers."""

    def forward(self, images, levels=False, taps=False):
        conv5, conv4 = super().forward(images, levels=True)
        if taps:
            return conv4, conv4, conv5
        return (conv5, conv4) if levels else conv5

    def up_to(self, last):
        return [self.conv4, self.norm]


def _plug_and_play(models, pnp):
    trunk = _Tapped()
    trunk.load_state_dict(models["G"].state_dict())
    models.update(G=trunk, G_S=Frozen(trunk), turns=Turns(1))
    models.update(D_feat=FeatureCritic((3, 3, 4), CLASSES, (16, 16), 2, 4), D_mask=MaskCritic(CLASSES, (SIZE, SIZE), 4))
    del models["C_aux"]
    freeze_after(trunk, pnp.adapted)
    models["C"].requires_grad_(False)
    for name, model in models.items():
        if name != "turns":
            model.double()
    # Not RMSProp, whose steps are as large for a gradient of rounding errors as for any other.
    groups = {"G": ("G",), "D": ("D_feat", "D_mask")}
    optimizers = {
        key: torch.optim.SGD(trainable(models[name] for name in names), lr=0.5, momentum=0.9)
        for key, names in groups.items()
    }
    return PlugAndPlay(models, optimizers, pnp=pnp)


def _translation():
    models = {name: Generator(1, width=2, blocks=1) for name in ("G_ST", "G_TS")}
    models.update({name: ImageDiscriminator(1, width=2) for name in ("D_S", "D_T")})
    groups = {"generators": ("G_ST", "G_TS"), "discriminators": ("D_S", "D_T")}
    # Not Adam, whose first steps are as large for a gradient of rounding errors as for any other.
    optimizers = {
        key: torch.optim.SGD([p for name in names for p in models[name].parameters()], lr=0.02, momentum=0.9)
        for key, names in groups.items()
    }
    models.update({name: ImagePool(5, (1, SIZE, SIZE), name) for name in ("pool_S", "pool_T")})
    for model in models.values():
        model.double()
    return TranslationAdapter(models, optimizers)


def _sifa(models, optimizers):
    models.update(G_ST=Generator(1, width=2, blocks=1, residual=True), decoder=Decoder(4, 1, doublings=1, width=4))
    models.update(D_S=ImageDiscriminator(1, width=2, outputs=2), D_T=ImageDiscriminator(1, width=2))
    models.update({name: ImageDiscriminator(CLASSES, width=2) for name in ("D", "D_aux")})
    groups = {"generator": ("G_ST",), "decoder": ("decoder",), "discriminators": ("D_S", "D_T", "D", "D_aux")}
    for key, names in groups.items():
        parameters = [p for name in names for p in models[name].parameters()]
        optimizers[key] = torch.optim.SGD(parameters, lr=0.005, momentum=0.9)
    models.update({name: ImagePool(5, (1, SIZE, SIZE), name) for name in ("pool_S", "pool_T")})
    for model in models.values():
        model.double()
    return SIFA(models, optimizers, num_classes=CLASSES)


def train(adapter, stepper, *, rank=0, world=1, steps=3, with_counts=True):
    """Some updates on global batches of four images, of which this rank takes its part; returns the parameters."""
    if isinstance(adapter, SelfTraining):
        adapter.survey([random_batch(3, seed=9)["target_imgs"].chunk(world)[rank]], stepper)
    for step in range(steps):
        batch = random_batch(4, seed=step)
        if isinstance(adapter, TranslationAdapter | DomainCriticAdapter | SIFA | PlugAndPlay):
            batch = {key: value.double() if value.is_floating_point() else value for key, value in batch.items()}
        # Classes in very unequal shares: weights by class then differ between parts.
        batch["src_labels"][1:] *= torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(step)) < 0.2
        part = {key: value.chunk(world)[rank] for key, value in batch.items()}
        extras = {}
        if with_counts:
            extras["src_class_counts"] = stepper.sum_over_ranks(class_counts(part["src_labels"], CLASSES))
            if isinstance(adapter, SelfTraining):
                extras.update(adapter.whole_update(part, stepper))
        for index in range(stepper.micro_batches):
            stepper.last = index == stepper.micro_batches - 1
            micro = {key: value.chunk(stepper.micro_batches)[index] for key, value in part.items()}
            adapter.training_step(micro, stepper=stepper, **extras)
    return {f"{n}.{key}": value for n, module in adapter.state_modules().items() for key, value in _state(module)}


def _state(module):
    return [(key, value.detach().clone()) for key, value in module.state_dict().items()]
