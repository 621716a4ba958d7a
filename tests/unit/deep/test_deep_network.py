import dataclasses

import numpy as np
import pytest
import torch

from perisurv.core import ModelError
from perisurv.deep import DeepOptions
from perisurv.deep.loop import backward, embed_patches
from perisurv.deep.runtime import controlled, device_of
from perisurv.deep.se_resnet3d import SEResNet3D, SqueezeExcitation, new_network

TINY = DeepOptions(patch_voxels=16, width=4, blocks=(1, 1, 1, 1), stem_stride=2, axes=4)


def network(options: DeepOptions = TINY, seed: int = 1) -> SEResNet3D:
    """A network whose head and last scales are not zero, so that every weight matters."""
    built = new_network(options, torch.Generator().manual_seed(seed))
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for p in built.parameters():
            if p.ndim <= 1 or p is built.head.weight:
                p.add_(0.5 * torch.randn(p.shape, generator=generator))
    return built


def patches(n: int, size: int = 16, seed: int = 3) -> torch.Tensor:
    x = torch.randn((n, 2, size, size, size), generator=torch.Generator().manual_seed(seed)).clamp(-1, 1)
    x[:, 1] = (x[:, 1] > 0).float()
    return x


def test_reference_size() -> None:
    """Width 64, 18 layers: 33 million weights, a 512-d embedding."""
    with torch.device("meta"):
        reference = SEResNet3D(DeepOptions())
        assert reference.embed(torch.empty((1, 2, 64, 64, 64))).shape == (1, 512)
    assert 33.0e6 < sum(p.numel() for p in reference.parameters()) < 33.5e6
    convolutions = [m for m in reference.modules() if isinstance(m, torch.nn.Conv3d) and m.kernel_size[0] > 1]
    assert len(convolutions) + 1 == 18  # and the head
    assert reference.head.bias is None


@pytest.mark.parametrize(("voxels", "stride", "last"), [(32, 2, 2), (48, 2, 3), (48, 4, 2), (64, 4, 2), (96, 4, 3)])
def test_maps_before_pooling(voxels: int, stride: int, last: int) -> None:
    options = dataclasses.replace(TINY, patch_voxels=voxels, stem_stride=stride)
    with torch.device("meta"):
        built = SEResNet3D(options)
        x = built.stages(built.stem(torch.empty((1, 3, voxels, voxels, voxels))))
    assert x.shape == (1, 32, last, last, last)


def test_squeeze_and_excitation_by_its_formula() -> None:
    module = SqueezeExcitation(8, reduction=16)
    assert module.squeeze.weight.shape == (4, 8)  # at least 4 hidden
    x = torch.randn((3, 8, 2, 3, 4), generator=torch.Generator().manual_seed(0))
    w1, b1, w2, b2 = (p.detach().numpy().astype(float) for p in module.parameters())
    z = x.numpy().astype(float).mean(axis=(2, 3, 4))
    gate = 1 / (1 + np.exp(-(np.maximum(z @ w1.T + b1, 0) @ w2.T + b2)))
    expected = x.numpy() * gate[:, :, None, None, None]
    np.testing.assert_allclose(module(x).detach().numpy(), expected, rtol=1e-5, atol=1e-6)
    assert SqueezeExcitation(256, reduction=16).squeeze.out_features == 16


def test_first_risks_are_equal_and_blocks_are_identity() -> None:
    fresh = new_network(TINY, torch.Generator().manual_seed(2))
    assert not fresh(patches(3)).any()
    x = torch.rand((1, 4, 8, 8, 8), generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(fresh.stages[0](x), x)


def test_initial_weights_use_the_generator_only() -> None:
    state = torch.get_rng_state()
    first, again = (new_network(TINY, torch.Generator().manual_seed(7)).state_dict() for _ in range(2))
    other = new_network(TINY, torch.Generator().manual_seed(8)).state_dict()
    assert torch.equal(state, torch.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])


def test_tissue_channel() -> None:
    """The second window maps -160..240 HU to -1..1 and clips beyond."""
    built = network()
    slope, offset = built._tissue
    hu = np.array([-160.0, 40.0, 240.0])
    np.testing.assert_allclose((hu + 300) / 700 * slope + offset, [-1, 0, 1], atol=1e-12)


def test_risk_depends_on_the_patient_alone() -> None:
    built, x = network(), patches(5)
    together, alone = built(x), torch.cat([built(x[n : n + 1]) for n in range(5)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
    assert together.std() > 1e-3


def test_two_passes_give_the_gradient_of_one() -> None:
    """In float64, micro-batches of 3 of a batch of 11, dropout included: the full gradient to rounding."""
    options = dataclasses.replace(TINY, batch=11, micro_batch=3)
    built = network().double()
    x, keep = patches(11).double(), torch.bernoulli(torch.full((11, 32), 0.7), generator=torch.Generator()).double()
    time = torch.tensor([5.0, 3, 3, 8, 1, 9, 2, 2, 7, 7, 4], dtype=torch.float64)
    died = torch.tensor([1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 0], dtype=torch.bool)
    gradients = []
    for micro in (3, 11):
        built.zero_grad()
        loss = backward(built, (x, keep), time, died, dataclasses.replace(options, micro_batch=micro))
        gradients.append((loss, torch.cat([p.grad.flatten() for p in built.parameters() if p.grad is not None])))
    (two_loss, two), (one_loss, one) = gradients
    assert two_loss == pytest.approx(one_loss, rel=1e-12)
    assert one.norm() > 1e-3
    assert float((two - one).norm() / one.norm()) < 1e-12


def test_weights_of_another_network_are_refused() -> None:
    weights = {name: value.numpy() for name, value in network().state_dict().items()}
    wider = dataclasses.replace(TINY, width=8)
    with pytest.raises(ModelError, match="do not fit"):
        embed_patches(weights, patches(1).numpy(), wider)


def test_threads_are_put_back() -> None:
    before = torch.get_num_threads()
    with controlled(dataclasses.replace(TINY, threads=before + 1)):
        assert torch.get_num_threads() == before + 1
    assert torch.get_num_threads() == before


def test_absent_cuda_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelError, match="no CUDA device"):
        device_of(dataclasses.replace(TINY, device="cuda"))
    assert device_of(dataclasses.replace(TINY, device="auto")).type == "cpu"


def test_bfloat16_is_close_to_float32() -> None:
    weights = {name: value.numpy() for name, value in network().state_dict().items()}
    x = patches(2).numpy()
    exact = embed_patches(weights, x, TINY)
    rough = embed_patches(weights, x, dataclasses.replace(TINY, precision="bf16"))
    assert 0 < np.abs(rough - exact).max() < 0.1 * exact.std()
