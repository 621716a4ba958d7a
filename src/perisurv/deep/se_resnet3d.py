"""3D residual network with squeeze-and-excitation."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from perisurv.deep.options import DeepOptions

__all__ = ["Block", "SEResNet3D", "SqueezeExcitation", "new_network"]

EXPANSION = 8  # the fourth stage has 8 times the channels of the first


class SqueezeExcitation(nn.Module):
    """Channel weights from the channel means: ``x * sigmoid(W2 relu(W1 mean(x)))`` (Hu et al., CVPR 2018, eq. 2-4).

    Parameters
    ----------
    channels
        Channels of the input.
    reduction
        Channels over hidden channels; at least 4 are hidden.
    """

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(channels // reduction, 4)
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, k, j, i) -> the same shape."""
        weight = torch.sigmoid(self.excite(torch.relu(self.squeeze(x.mean(dim=(2, 3, 4))))))
        return x * weight[:, :, None, None, None]


class Block(nn.Module):
    """Two 3x3x3 convolutions, squeeze-and-excitation, and the identity beside them (He et al. 2016; Hu et al. 2018)."""

    def __init__(self, channels_in: int, channels: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.conv1 = _conv(channels_in, channels, 3, stride)
        self.norm1 = _norm(channels)
        self.conv2 = _conv(channels, channels, 3, 1)
        self.norm2 = _norm(channels)
        self.attention = SqueezeExcitation(channels, reduction)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.shortcut = nn.Sequential(_conv(channels_in, channels, 1, stride), _norm(channels))

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels_in, k, j, i) -> (n, channels, k / stride, j / stride, i / stride)."""
        y = torch.relu(self.norm1(self.conv1(x)))
        y = self.attention(self.norm2(self.conv2(y)))
        return torch.relu(y + self.shortcut(x))


class SEResNet3D(nn.Module):
    """CT patch and tumour mask -> embedding -> log hazard ratio.

    Group normalisation, not batch normalisation: a patient's risk then depends on that patient alone. The partial
    likelihood compares the patients of a batch, and statistics shared within the batch would let it be lowered
    through them; the exact gradient in micro-batches would not exist. The stem is not normalised: it would take from
    each patient the brightness of that patient's tumour.
    """

    def __init__(self, options: DeepOptions) -> None:
        super().__init__()
        width = options.width
        self._tissue = _tissue_scaling(options)
        self.stem = nn.Sequential(_conv(3, width, 5, 2), nn.ReLU())
        if options.stem_stride == 4:
            self.stem.append(nn.MaxPool3d(3, stride=2, padding=1))
        stages: list[nn.Module] = []
        channels_in = width
        for stage, count in enumerate(options.blocks):
            channels = width * 2**stage
            for number in range(count):
                stride = 2 if stage > 0 and number == 0 else 1
                stages.append(Block(channels_in, channels, stride, options.reduction))
                channels_in = channels
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(EXPANSION * width, 1, bias=False)

    def embed(self, x: Tensor) -> Tensor:
        """Patches (n, 2, k, j, i) -> pooled embedding (n, 8 * width)."""
        slope, offset = self._tissue
        tissue = torch.clamp(x[:, :1] * slope + offset, -1.0, 1.0)
        features: Tensor = self.stages(self.stem(torch.cat([x, tissue], dim=1)))
        return features.float().mean(dim=(2, 3, 4))

    def risk(self, embedding: Tensor) -> Tensor:
        """Embedding (n, 8 * width) -> log hazard ratio (n,); higher is worse. No bias: the Cox model has none."""
        risk: Tensor = self.head(embedding)
        return risk[:, 0]

    def forward(self, x: Tensor) -> Tensor:
        """Patches (n, 2, k, j, i) -> log hazard ratio (n,)."""
        return self.risk(self.embed(x))


def new_network(options: DeepOptions, generator: torch.Generator | None) -> SEResNet3D:
    """A network with weights drawn from the generator, or left to be filled where there is none.

    Convolutions by He's normal rule, linear layers uniform in +-1/sqrt(inputs), the head zero (all risks equal at
    the start), the last scale of each block zero (each block starts as the identity). The global random state of
    torch is neither read nor changed.
    """
    with torch.device("meta"):
        network = SEResNet3D(options)
    network.to_empty(device="cpu")
    if generator is None:
        return network
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv3d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu", generator=generator)
            elif isinstance(module, nn.Linear):
                bound = 1.0 / math.sqrt(module.in_features)
                module.weight.uniform_(-bound, bound, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
            elif isinstance(module, nn.GroupNorm):
                module.weight.fill_(1.0)
                module.bias.zero_()
        for module in network.modules():
            if isinstance(module, Block):
                module.norm2.weight.zero_()
        network.head.weight.zero_()
    return network


def _conv(channels_in: int, channels: int, kernel: int, stride: int) -> nn.Conv3d:
    return nn.Conv3d(channels_in, channels, kernel, stride=stride, padding=kernel // 2, bias=False)


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(max(channels // 8, 1), channels)


def _tissue_scaling(options: DeepOptions) -> tuple[float, float]:
    """Slope and offset from the CT channel to the tissue window, both in -1..1."""
    low, high = options.window_hu
    tissue_low, tissue_high = options.tissue_window_hu
    slope = (high - low) / (tissue_high - tissue_low)
    centre = 0.5 * (low + high) - 0.5 * (tissue_low + tissue_high)
    return slope, centre / (0.5 * (tissue_high - tissue_low))
