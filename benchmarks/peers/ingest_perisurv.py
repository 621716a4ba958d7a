"""One DICOM patient to tumour, rings and lungs by perisurv: ``ingest_perisurv.py FOLDER REPEATS``."""

from __future__ import annotations

from pathlib import Path

import ingest_clock  # sets one core before numpy loads

from perisurv.cohort import read_patient
from perisurv.regions import RingOptions, rings


def patient(folder: Path) -> dict[str, float]:
    """Index the folder, load CT and contour, resample, segment the lungs, draw the rings inside them."""
    scan = read_patient(folder).patients[0].load()
    regions = rings(scan, RingOptions(ingest_clock.WIDTHS_MM, barrier="lung"))
    return {region.name: region.mask.volume_ml for region in regions}


if __name__ == "__main__":
    ingest_clock.measure(patient)
