"""Enhanced CT: the frames of a multi-frame file as slices (DICOM PS3.3 A.38 and A.70, C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pydicom import Dataset, dcmread

from perisurv.cohort.dicom import DICOM_ERRORS, ENHANCED_CT_CLASSES, CtHeader, DicomFile, ct_header
from perisurv.core import ReadError

__all__ = ["ct_headers"]

_SHARED, _PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"
_TAGS = [_SHARED, _PER_FRAME, "ConcatenationUID", "InConcatenationTotalNumber"]
# What a converter found no place for comes first: the groups of the standard overrule it.
_GROUPS = (
    "UnassignedSharedConvertedAttributesSequence", "UnassignedPerFrameConvertedAttributesSequence",
    "FrameContentSequence", "PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence",
    "PixelValueTransformationSequence", "CTImageFrameTypeSequence", "CTAcquisitionDetailsSequence",
    "CTReconstructionSequence", "CTXRayDetailsSequence", "CardiacSynchronizationSequence",
    "RespiratorySynchronizationSequence",
)  # fmt: skip


def ct_headers(file: DicomFile) -> tuple[CtHeader, ...]:
    """The header of a CT slice, or of every frame of an enhanced CT, in the order of the file.

    Raises
    ------
    ReadError
        If a value is not what the standard says it must be.
    """
    if file.sop_class not in ENHANCED_CT_CLASSES:
        return (ct_header(file),)
    try:
        data = dcmread(file.path, stop_before_pixels=True, force=True, specific_tags=list(_TAGS))
        shared, frames = data.get(_SHARED) or (), data.get(_PER_FRAME) or ()
        announced = int(file.dataset.get("NumberOfFrames", 1) or 1)
        if len(frames) != announced:
            raise ReadError(f"{file.name} announces {announced} frames and describes {len(frames)}; export it again.")
        slices = [ct_header(replace(file, dataset=_flat(file.dataset, (*shared, frame)))) for frame in frames]
        sop_uid = slices[0].sop_uid
        multiframe_uid = str(data.get("ConcatenationUID", "") or sop_uid)
        files = int(data.get("InConcatenationTotalNumber", 0) or 0)
    except DICOM_ERRORS as error:
        raise ReadError(
            f"{file.name} holds frames that are not described as DICOM asks ({type(error).__name__}); export it again."
        ) from error
    return tuple(
        replace(header, frame=n, multiframe_uid=multiframe_uid, multiframe_files=files)
        for n, header in enumerate(slices, start=1)
    )


def _flat(file: Dataset, groups: Iterable[Dataset]) -> Dataset:
    """The attributes of one frame as those of a slice: of the file, then shared by all frames, then its own."""
    flat = Dataset()
    flat.update(file)
    for group in groups:
        for name in _GROUPS:
            for item in group.get(name) or ():
                flat.update(item)
    if "FrameType" in flat:
        flat.ImageType = flat.FrameType
    return flat
