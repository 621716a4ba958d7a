"""The optimisation of the network, and its embedding of patches. Arrays in, arrays out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from perisurv.core import ConvergenceError
from perisurv.deep.augment import augment
from perisurv.deep.loss import cox_loss
from perisurv.deep.options import DeepOptions
from perisurv.deep.runtime import controlled, device_of
from perisurv.deep.se_resnet3d import SEResNet3D, new_network

__all__ = ["Step", "embed_patches", "fit_weights", "load_weights", "partial_likelihood_step"]

Weights = dict[str, NDArray[np.float32]]
GRADIENT_LIMIT = 5.0


def fit_weights(patches, time_days, event, options, seed, watch=None):
    device = device_of(options)
    generator = torch.Generator().manual_seed(seed)
    with controlled(options, device):
        network = new_network(options, generator).to(device)
        cohort = torch.from_numpy(patches)
        time, died = torch.from_numpy(np.array(time_days)), torch.from_numpy(np.array(event))
        decay=[p for p in network.parameters() if p.ndim>1]; rest=[p for p in network.parameters() if p.ndim<=1]
        optimiser = torch.optim.AdamW([{'params':decay,'weight_decay':options.weight_decay},{'params':rest,'weight_decay':0.}], lr=options.learning_rate)
        per_epoch = 1 if options.batch == 0 else max(round(len(time) / options.batch), 1)
        total = options.epochs * per_epoch
        step = 0
        for epoch in range(options.epochs):
            for rows in batches(died, per_epoch, generator):
                for group in optimiser.param_groups:
                    group["lr"] = options.learning_rate * rate(step, total, options.warm_up)
                x = augment(cohort[rows].float(), options, generator).to(device)
                keep = torch.bernoulli(torch.full((len(rows), 8*options.width), 1 - options.dropout), generator=generator) / (1 - options.dropout)
                optimiser.zero_grad()
                e = network.embed(x)
                risk = network.risk(e * keep)
                loss = cox_loss(risk, time[rows], died[rows], options.ties)
                loss.backward()
                torch.nn.utils.clip_grad_norm_(network.parameters(), GRADIENT_LIMIT)
                optimiser.step()
                step += 1
            if watch: watch(epoch, network, float(loss.detach()))
    return network


def batches(died, count, generator):
    n = len(died)
    position = torch.empty(n, dtype=torch.float64)
    for stratum in (died, ~died):
        size = int(stratum.sum())
        position[stratum] = (torch.randperm(size, generator=generator).double() + torch.rand(size, generator=generator, dtype=torch.float64)) / max(size,1)
    return torch.tensor_split(torch.argsort(position), count)


def rate(step, total, warm_up):
    rise = warm_up * total
    if step + 1 < rise:
        return (step + 1) / rise
    return 0.5 * (1 + math.cos(math.pi * (step + 1 - rise) / max(total - rise, 1)))
