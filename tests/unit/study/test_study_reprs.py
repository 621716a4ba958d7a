"""Nouns print in a line or a few, and models without naming their patients."""

from pathlib import Path

import numpy as np
import pytest
from small_study import follow_up, small_settings, write_hospital

import perisurv as ps
from perisurv.core import FeatureTable, Outcome, RegionSet
from perisurv.study.api import Study, StudyResult
from perisurv.study.run import Run
from perisurv.study.store import RunFolder

IDS = tuple(f"PATIENT-{n:02d}" for n in range(12))


@pytest.fixture(scope="module")
def nouns(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    root = tmp_path_factory.mktemp("reprs")
    write_hospital(root / "hospital", IDS, lambda n: follow_up(n, "south" if n > 7 else "north"))
    settings = small_settings(root)
    result = Study(settings).run()
    run = Run(settings, RunFolder(Path(settings.out)))
    cohort = run.cohort()
    scan = cohort.patients[0].load()
    regions = ps.rings(scan, widths_mm=(4.0,), barrier="none")
    model = ps.load_model(run.folder.model)
    signature = model.signatures["combined"]
    return {
        "model": model, "signature": signature, "scaling": signature.scaling, "fusion": signature.fusion,
        "cox": signature.cox, "domain": signature.domain, "ring": model.ring, "selection": signature.selection[0],
        "cohort": cohort, "outcome": cohort.outcome, "patient": cohort.patients[0], "scan": scan, "ct": scan.ct,
        "mask": scan.tumour, "regions": regions, "region": regions["tumour"], "table": run.data().radiomics,
        "data": run.data(), "result": result, "report": result.report, "evaluation": result.evaluation,
    }  # fmt: skip


def test_every_noun_prints_in_a_few_lines(nouns: dict[str, object]) -> None:
    for name, noun in nouns.items():
        text = repr(noun)
        lines = 32 if name == "result" else 16  # a result prints the summary
        assert len(text) < 100 * lines, name
        assert text.count("\n") < lines, name
        assert type(noun).__name__ in text, name


def test_a_model_names_no_patient(nouns: dict[str, object]) -> None:
    for name in ("model", "signature", "scaling", "fusion", "cox", "domain", "ring", "selection"):
        assert not any(patient in repr(nouns[name]) for patient in IDS), name


def test_what_is_printed_says_what_it_is(nouns: dict[str, object]) -> None:
    assert "8 training patients" in repr(nouns["model"])
    assert "Evaluation(4 external patients" in repr(nouns["evaluation"])
    assert isinstance(nouns["result"], StudyResult)
    assert "combined" in repr(nouns["result"])
    assert isinstance(nouns["outcome"], Outcome)
    assert "12 items" in repr(nouns["outcome"])
    assert "12 bool" in repr(nouns["outcome"])
    assert isinstance(nouns["regions"], RegionSet)
    assert isinstance(nouns["table"], FeatureTable)
    assert np.prod(nouns["ct"].values.shape) > 1000  # type: ignore[attr-defined]
