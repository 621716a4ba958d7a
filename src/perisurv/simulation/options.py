"""Settings of a simulated cohort: centres, effect sizes, the planted ring."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Literal

from perisurv.core import SettingsError

__all__ = ["DEFAULT_CENTRES", "CentreOptions", "EffectOptions", "SimulationOptions"]

Dialect = Literal["lung1", "german", "years"]


@dataclass(frozen=True, slots=True)
class EffectOptions:
    """Log hazard ratios per standard deviation of each latent; ``clinical`` is the SD of the clinical predictor.

    The defaults were fixed before any image was analysed, by simulating outcomes only: the true linear predictor
    reaches a C-index of 0.80 and the volume alone 0.62 (mean of 20 plans of 1000 patients).
    """

    volume: float = 0.68
    roughness: float = 0.25
    heterogeneity: float = 0.45
    infiltration: float = 0.65
    pattern: float = 0.98
    clinical: float = 0.45

    def __post_init__(self) -> None:
        for item in fields(self):
            if not abs(getattr(self, item.name)) <= 5:
                raise SettingsError(f"Effect {item.name!r} must lie in -5..5 (log hazard ratio per SD).")


@dataclass(frozen=True, slots=True)
class CentreOptions:
    """One hospital: its share of the patients, its scanner, its contouring, its clinical table.

    Parameters
    ----------
    name, prefix
        Folder of the centre and first letters of its patient identifiers.
    share
        Relative number of patients.
    field_of_view_mm, slice_spacing_mm
        Edge of the reconstructed square; distance and thickness of the slices.
    mtf50_per_mm, edge_enhancement
        Spatial frequency at which the modulation transfer falls to one half; relative overshoot of the kernel.
    noise_hu, noise_peak_per_mm
        Standard deviation in the middle of the body; frequency of the maximum of the noise power spectrum.
    offset_hu
        Calibration error of the scanner.
    contour_sd_mm, contour_bias_sd_mm
        Local displacement of the GTV contour, and its patient-wide over- or under-drawing.
    roi_names
        Spelling of GTV, left lung, right lung, body, spinal cord.
    dialect
        Form of the clinical table.
    baseline_median_days
        Median survival of the average patient of this centre.
    kernel, manufacturer
        As written into the DICOM header.
    """

    name: str
    prefix: str
    share: float
    field_of_view_mm: float
    slice_spacing_mm: float
    mtf50_per_mm: float
    edge_enhancement: float
    noise_hu: float
    noise_peak_per_mm: float
    offset_hu: float
    contour_sd_mm: float
    contour_bias_sd_mm: float
    roi_names: tuple[str, str, str, str, str]
    dialect: Dialect
    baseline_median_days: float
    kernel: str
    manufacturer: str

    def __post_init__(self) -> None:
        for name, low, high in (
            ("share", 1e-9, 1e9),
            ("field_of_view_mm", 380.0, 700.0),
            ("slice_spacing_mm", 1.0, 5.0),
            ("mtf50_per_mm", 0.1, 2.0),
            ("noise_hu", 0.0, 100.0),
            ("contour_sd_mm", 0.0, 5.0),
            ("contour_bias_sd_mm", 0.0, 5.0),
            ("baseline_median_days", 1.0, 20000.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise SettingsError(f"Centre {self.name!r}: {name} must lie in {low:g}..{high:g}.")
        if self.dialect not in ("lung1", "german", "years"):
            raise SettingsError(f"Centre {self.name!r}: dialect must be 'lung1', 'german' or 'years'.")


DEFAULT_CENTRES = (
    CentreOptions(
        name="northfield",
        prefix="NF-",
        share=183,
        field_of_view_mm=440.0,
        slice_spacing_mm=3.0,
        mtf50_per_mm=0.34,
        edge_enhancement=0.0,
        noise_hu=14.0,
        noise_peak_per_mm=0.18,
        offset_hu=0.0,
        contour_sd_mm=0.8,
        contour_bias_sd_mm=0.5,
        roi_names=("GTV-1", "Lung-Left", "Lung-Right", "Body", "SpinalCord"),
        dialect="lung1",
        baseline_median_days=620.0,
        kernel="B30f",
        manufacturer="SIEMENS",
    ),
    CentreOptions(
        name="rheinburg",
        prefix="RB",
        share=60,
        field_of_view_mm=500.0,
        slice_spacing_mm=5.0,
        mtf50_per_mm=0.30,
        edge_enhancement=0.0,
        noise_hu=11.0,
        noise_peak_per_mm=0.15,
        offset_hu=6.0,
        contour_sd_mm=1.2,
        contour_bias_sd_mm=0.7,
        roi_names=("gtv 1", "Lunge li", "Lunge re", "Aussenkontur", "Myelon"),
        dialect="german",
        baseline_median_days=560.0,
        kernel="B",
        manufacturer="Philips",
    ),
    CentreOptions(
        name="saltmere",
        prefix="SM_",
        share=60,
        field_of_view_mm=420.0,
        slice_spacing_mm=2.0,
        mtf50_per_mm=0.42,
        edge_enhancement=0.25,
        noise_hu=20.0,
        noise_peak_per_mm=0.25,
        offset_hu=-5.0,
        contour_sd_mm=1.0,
        contour_bias_sd_mm=0.6,
        roi_names=("GTVp", "LUNG_L", "LUNG_R", "BODY", "spinal cord"),
        dialect="years",
        baseline_median_days=680.0,
        kernel="STANDARD",
        manufacturer="GE MEDICAL SYSTEMS",
    ),
)


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """A cohort whose truth is known.

    Parameters
    ----------
    patients
        Patients of all centres together; the shares of the centres split them.
    matrix
        Rows and columns of a slice.
    signal
        ``"none"`` removes every effect of the images, the volume included, from the hazard; clinical effects stay.
    infiltration_mm
        Distance from the tumour surface at which the planted peritumoural density ends.
    pattern_contrast_hu
        Difference of the mean HU of the two textures that core and rim exchange.
    touching_share
        Share of tumours that are placed against the border of the lung; of the others about an eighth, mostly large
        ones, reach it too.
    follow_up_days
        Shortest and longest time from treatment to the end of the study.
    dropout_days
        Mean time to loss from follow-up (exponential).
    weibull_shape
        Shape of the baseline survival; 1 is a constant hazard.
    effects, centres
        Effect sizes and hospitals. The first centre of largest share is the training centre.

    Raises
    ------
    SettingsError
        If a value lies outside its range.
    """

    patients: int = 303
    matrix: int = 256
    signal: Literal["full", "none"] = "full"
    infiltration_mm: float = 6.0
    pattern_contrast_hu: float = 70.0
    touching_share: float = 0.28
    follow_up_days: tuple[float, float] = (900.0, 3000.0)
    dropout_days: float = 5000.0
    weibull_shape: float = 1.15
    effects: EffectOptions = field(default_factory=EffectOptions)
    centres: tuple[CentreOptions, ...] = DEFAULT_CENTRES

    def __post_init__(self) -> None:
        for name, low, high in (
            ("patients", len(self.centres), 100_000),
            ("matrix", 64, 1024),
            ("infiltration_mm", 2.0, 20.0),
            ("pattern_contrast_hu", 0.0, 200.0),
            ("touching_share", 0.0, 1.0),
            ("dropout_days", 1.0, 1e9),
            ("weibull_shape", 0.2, 5.0),
        ):
            if not low <= getattr(self, name) <= high:
                raise SettingsError(f"Simulation: {name} must lie in {low:g}..{high:g}, got {getattr(self, name)!r}.")
        if self.signal not in ("full", "none"):
            raise SettingsError(f"Simulation: signal must be 'full' or 'none', got {self.signal!r}.")
        if not 0 < self.follow_up_days[0] <= self.follow_up_days[1]:
            raise SettingsError("Simulation: follow_up_days must be two increasing positive numbers of days.")
        for what in ("name", "prefix"):
            values = [getattr(centre, what) for centre in self.centres]
            if not values or len(set(values)) != len(values):
                raise SettingsError(f"Simulation: at least one centre is needed, and each {what} must differ.")
