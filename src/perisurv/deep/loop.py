"""Optimisation of the network, and its embedding of patches. Arrays in, arrays out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from perisurv.core import ConvergenceError, ModelError, Outcome
from perisurv.deep.augment import augment
from perisurv.deep.loss import cox_loss
from perisurv.deep.options import DeepOptions
from perisurv.deep.runtime import controlled, device_of, precision
from perisurv.deep.se_resnet3d import SEResNet3D, new_network

__all__ = ["backward", "embed_patches", "fit_weights", "stratified_batches"]

GRADIENT_LIMIT = 5.0

Progress = Callable[[int, float], None]


def fit_weights(
    patches: NDArray[np.floating],
    outcome: Outcome,
    options: DeepOptions,
    seed: int,
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float32]]:
    """Train a network on all patients given.

    Parameters
    ----------
    patches
        (n, 2, s, s, s), row n the n-th patient of the outcome.
    seed
        Of the weights, the batches, the augmentation and dropout. Same seed and threads: same bytes on one machine.
    progress
        ``progress(epoch, loss)`` after each epoch, loss = the mean over its batches.

    Returns
    -------
    dict
        Name of the weight -> float32 array.

    Raises
    ------
    ConvergenceError
        If the loss stops being finite.
    """
    device = device_of(options)
    generator = torch.Generator().manual_seed(seed)
    cohort = torch.from_numpy(np.ascontiguousarray(patches))
    died = torch.from_numpy(outcome.event.copy())
    time_days = torch.from_numpy(outcome.time_days.copy())
    with controlled(options):
        network = new_network(options, generator).to(device)
        optimiser = _optimiser(network, options)
        per_epoch = max(round(len(died) / options.batch), 1) if options.batch else 1
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, _rate(options.epochs * per_epoch, options.warm_up))
        for epoch in range(options.epochs):
            losses = []
            for rows in stratified_batches(died, per_epoch, generator):
                batch = augment(cohort[rows].float(), options, generator)
                keep = _dropout(len(rows), options, generator)
                optimiser.zero_grad()
                loss = backward(network, (batch, keep), time_days[rows], died[rows], options)
                nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
                optimiser.step()
                schedule.step()
                losses.append(loss)
            _check(losses, epoch)
            if progress is not None:
                progress(epoch, float(np.mean(losses)))
    return {name: value.cpu().numpy().copy() for name, value in network.state_dict().items()}


def embed_patches(
    weights: Mapping[str, NDArray[np.float32]], patches: NDArray[np.floating], options: DeepOptions
) -> NDArray[np.float32]:
    """Pooled embeddings (n, 8 * width) of patches (n, 2, s, s, s).

    One patient at a time, so that the bytes of a patient do not depend on who stands beside.

    Raises
    ------
    ModelError
        If the weights do not fit the network of the options.
    """
    device = device_of(options)
    network = new_network(options, None)
    try:
        network.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in weights.items()})
    except RuntimeError as error:
        raise ModelError("The weights do not fit the network of these options; the model was changed.") from error
    network = network.to(device).eval()
    rows = []
    with controlled(options), torch.inference_mode(), precision(options, device):
        for patch in patches:
            x = torch.from_numpy(np.array(patch, dtype=np.float32)[None]).to(device)
            rows.append(network.embed(x)[0].cpu().numpy())
    return np.stack(rows)


def backward(
    network: SEResNet3D, batch: tuple[Tensor, Tensor], time_days: Tensor, died: Tensor, options: DeepOptions
) -> float:
    """Add the exact gradient of the batch's Cox loss to the network; returns the loss.

    A batch larger than ``micro_batch`` takes two passes: the first gives all risks, hence dL/drisk of every
    patient; the second sends it back through the network in parts. Patients and dropout masks are the same in both.
    """
    device = next(network.parameters()).device
    parts = list(zip(*(torch.split(part, options.micro_batch) for part in batch), strict=True))

    def risk_of(patches: Tensor, keep: Tensor) -> Tensor:
        with precision(options, device):
            embedding = network.embed(patches.to(device))
        return network.risk(embedding * keep.to(device))

    follow_up = (time_days.to(device), died.to(device), options.ties)
    if len(parts) == 1:
        loss = cox_loss(risk_of(*parts[0]), *follow_up)
        loss.backward()  # type: ignore[no-untyped-call]
        return float(loss.detach())
    with torch.no_grad():
        risk = torch.cat([risk_of(*part) for part in parts])
    risk.requires_grad_(True)
    loss = cox_loss(risk, *follow_up)
    (slope,) = torch.autograd.grad(loss, risk)
    for part, part_slope in zip(parts, torch.split(slope, options.micro_batch), strict=True):
        risk_of(*part).backward(part_slope)  # type: ignore[no-untyped-call]
    return float(loss.detach())


def stratified_batches(died: Tensor, count: int, generator: torch.Generator) -> tuple[Tensor, ...]:
    """Rows in random batches of equal size with the deaths spread evenly: a batch without a death teaches nothing."""
    position = torch.empty(len(died), dtype=torch.float64)
    for stratum in (died, ~died):
        size = int(stratum.sum())
        place = torch.randperm(size, generator=generator) + torch.rand(size, generator=generator, dtype=torch.float64)
        position[stratum] = place / max(size, 1)
    return torch.tensor_split(torch.argsort(position, stable=True), count)


def _optimiser(network: SEResNet3D, options: DeepOptions) -> torch.optim.Optimizer:
    """AdamW; scales and offsets of the normalisation are not decayed."""
    matrices = [p for p in network.parameters() if p.ndim > 1]
    vectors = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": options.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=options.learning_rate)


def _rate(steps: int, warm_up: float) -> Callable[[int], float]:
    """Share of the learning rate at each step: linear rise, cosine fall (Loshchilov & Hutter 2017)."""
    rise = warm_up * steps

    def rate(step: int) -> float:
        if step + 1 < rise:
            return (step + 1) / rise
        return 0.5 * (1.0 + math.cos(math.pi * (step + 1 - rise) / (steps + 1 - rise)))

    return rate


def _dropout(n: int, options: DeepOptions, generator: torch.Generator) -> Tensor:
    """Factors of the embedding, drawn beforehand so that both passes of a batch share them."""
    kept = 1.0 - options.dropout
    return torch.bernoulli(torch.full((n, options.embedding_size), kept), generator=generator) / kept


def _check(losses: list[float], epoch: int) -> None:
    if not np.isfinite(losses).all():
        raise ConvergenceError(
            f"The network's loss is not finite in epoch {epoch + 1}; lower learning_rate or raise batch."
        )
