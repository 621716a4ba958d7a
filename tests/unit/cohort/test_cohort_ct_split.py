"""The slices under one SeriesInstanceUID become volumes: nothing is lost, mixed or dependent on the order of files."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from perisurv.cohort.ct import volumes_of
from perisurv.cohort.dicom import CtHeader
from perisurv.cohort.stack_rules import StackRules

SLICE = CtHeader(
    path=Path("0"), name="0", patient_id="P", sop_uid="1", series_uid="2", frame_uid="3", rows=4, columns=4, frames=1,
    greyscale=True, pixel_format=(16, 16, 15, 1), row_direction=(1.0, 0.0, 0.0), column_direction=(0.0, 1.0, 0.0),
    position_mm=(0.0, 0.0, 0.0), spacing_mm=(1.0, 1.0), tilt_degrees=0.0, slope=1.0, intercept=0.0, rescale_type="HU",
    kernel="", scanner="", localizer=False, truncated=False,
)  # fmt: skip


def at(n, z, **differ):
    return replace(SLICE, name=f"{n:03d}", sop_uid=f"1.{n}", position_mm=(0.0, 0.0, float(z)), **differ)


@st.composite
def a_series(draw):
    headers = []
    for n in range(draw(st.integers(1, 14))):
        few = st.sampled_from(["", "1", "2"])
        headers.append(
            at(
                n, draw(st.integers(0, 6)), phase=draw(few), kernel=draw(few), acquisition=draw(few),
                image_type=draw(few), localizer=draw(st.sampled_from([False] * 5 + [True])),
                column_direction=draw(st.sampled_from([(0.0, 1.0, 0.0)] * 4 + [(0.0, 0.0, -1.0)])),
                spacing_mm=draw(st.sampled_from([(1.0, 1.0), (1.0, 1.0 + 1e-6)])),
            )
        )  # fmt: skip
    again = draw(st.lists(st.sampled_from(headers), max_size=3))
    return headers + [replace(h, name=f"again/{k}") for k, h in enumerate(again)]


@given(a_series(), st.randoms())
def test_every_slice_is_in_one_volume_and_no_volume_is_mixed(headers, random):
    volumes = volumes_of(headers, StackRules())
    used = [h for v in volumes for h in v.slices]
    copies = [copy for v in volumes for _, copy in v.copies]
    assert sorted(h.name for h in used + copies) == sorted(h.name for h in headers if not h.localizer)
    assert len({h.sop_uid for h in used}) == len(used)
    for volume in volumes:
        assert len({(h.phase, h.kernel, h.column_direction) for h in volume.slices}) == 1
        assert volume.images | volume.aside == {name for h in headers for name in h.names}
        assert not volume.images & volume.aside
        assert all(used.sop_uid == copy.sop_uid for used, copy in volume.copies)
    random.shuffle(headers)
    assert set(volumes_of(headers, StackRules())) == set(volumes)


def test_slices_of_several_kinds_that_fill_one_stack_are_one_volume():
    headers = [at(n, 3 * n, image_type=f"{n % 2}", acquisition="1") for n in range(8)]
    assert len(volumes_of(headers, StackRules())) == 1
    doubled = headers + [at(n + 8, 3 * n, image_type=f"{n % 2}", acquisition="2") for n in range(8)]
    assert [len(v.slices) for v in volumes_of(doubled, StackRules())] == [8, 8]
    again = doubled + [at(n + 16, 3 * n, image_type="2", acquisition="2") for n in range(8)]
    assert [len(v.slices) for v in volumes_of(again, StackRules())] == [4, 4, 4, 4, 8]


def test_many_acquisitions_that_do_not_overlap_stay_one_stack_with_its_fault():
    headers = [at(n, 3 * n + 0.2 * (n == 4), acquisition=f"{n}") for n in range(600)]
    (volume,) = volumes_of(headers, StackRules())
    assert not volume.regular
