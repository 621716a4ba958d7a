"""How torch is run: threads, device, precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from perisurv.core import ModelError
from perisurv.deep.options import DeepOptions

__all__ = ["controlled", "device_of", "precision"]


def device_of(options: DeepOptions) -> torch.device:
    """The device of the options.

    Raises
    ------
    ModelError
        If CUDA is asked for and there is none.
    """
    present = torch.cuda.is_available()
    if options.device == "cuda" and not present:
        raise ModelError("device = 'cuda', but torch finds no CUDA device; set device = 'cpu' or 'auto'.")
    return torch.device("cuda" if present and options.device != "cpu" else "cpu")


@contextmanager
def controlled(options: DeepOptions) -> Iterator[None]:
    """The options' number of threads and deterministic convolutions inside; everything as before outside."""
    threads = torch.get_num_threads()
    torch.set_num_threads(options.threads)
    try:
        with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
            yield
    finally:
        torch.set_num_threads(threads)


def precision(options: DeepOptions, device: torch.device) -> torch.autocast:
    """Context in which convolutions run in the precision of the options."""
    return torch.autocast(device.type, torch.bfloat16, enabled=options.precision == "bf16")
