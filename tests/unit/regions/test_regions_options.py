"""Settings of the rings: the defaults of the method, refusals that name the key."""

import pytest

from perisurv.core import SettingsError
from perisurv.regions import RingOptions


def test_defaults_of_the_method():
    options = RingOptions()
    assert options.widths_mm == (3.0, 6.0, 9.0)
    assert (options.kind, options.barrier, options.spacing_mm) == ("annulus", "body", 1.0)


def test_widths_that_would_share_a_name_are_refused():
    with pytest.raises(SettingsError, match="distinct"):
        RingOptions(widths_mm=(3.0, 3.0000001))
