"""Names of regions: which are those of a primary tumour, which never, and which are not sure."""

import pytest

from perisurv.cohort.options import TUMOUR_ROI, RoiRule
from perisurv.cohort.roi_names import may_be_tumour, primary_rank, says_nothing, says_other
from perisurv.cohort.roi_words import CORE, OTHER, QUALIFIERS
from perisurv.cohort.rtstruct import RoiEntry, RoiRules, choose_rois

PRIMARY = """
GTV-1 | GTV1 | GTV_01 | gtv 1 | GTV 2 | GTV | gtv | GTVp | GTV_p | GTVp1 | GTVp_1 | GTV-P | GTVprim
GTV primary | GTV (primary) | GTV-T | GTVt | GTVT1 | GTV T2 | gtv_lung | GTV-lung | GTV_RUL | GTVrul | GTV left
GTV_L | GTVpLeft | GTV_1a | GTV-1vis-1 | GTV-1auto-1 | GTV 70Gy | GTV 6600cGy | GTV_60 | GTV #1 | GTV_CT
GTV final | GTV_manual | ROI_GTV | Tumor | tumour | TUMOR | Tumour 1 | Tumor_RUL | TumorRUL | Tumor_c40
Tumor_c00 | Lung tumor | lung_tumour | LungTumor | Primary RUL | primary | primary tumor | Neoplasm, Primary
neoplasm | lesion | mass | RUL mass | lung nodule | lung cancer | Left upper lobe tumor | gross tumor volume
GrossTumorVolume | Gross Tumor Volume (GTV) | adenocarcinoma | NSCLC tumor | mask_GTV-1 | Tumor_mask | seg_tumor
tumor_seg | label_tumor | Struct_GTV | desc-tumor_mask | Primärtumor | Lungentumor | Tumor rechts | Rundherd
Karzinom OL | tumeur | Tumeur poumon droit | lésion | tumore polmone | tumor pulmón izquierdo | tumor del pulmón
longtumor links | 肿瘤 | 原发灶 | 左肺肿瘤 | 右上肺原发灶 | 肺癌 | GTV肿瘤 | 腫瘤 | 肺がん | 原発巣 | опухоль
Haupttumor | Tumeur primitive LSD | lésion pulmonaire | massa polmonare | tumor pulmonar | 肺部肿瘤 | GTV靶区
"""
OTHERS = """
GTV_LN | GTVln | GTVLN | GTV LN 4R | GTV lymph node | GTVn | GTV-N | GTV_n1 | GTVn1 | GTVN2 | GTVnd | GTV nodes
GTV_nodal | GTV_Node | NodeGTV | Nodal GTV | Tumor node | tumor_LN | Tumor_LN4R | GTV 4R | GTV 10L | Tumor_4R
LN 7 | node | lymph | GTV hilum | hilar mass | mediastinal mass | GTV paratracheal | GTV_supraclav
GTVp and nodes | GTVpn | GTV lymphoma | GTV Lymphknoten | GTV_LK | GTV ggl | GTV ganglions | GTV adp | adeno
GTV adénopathie | GTV linfonodo | adenopatía | GTV淋巴结 | 肺门淋巴结 | リンパ節 | GTV met | GTVmet | GTV M1
mets | lesion M1 | GTV metastasis | Metastase | métastase | GTV brain | GTV brain met | brain mass | bone lesion
GTV_liver | liver lesion | Lebermetastase | GTV adrenal | 脑转移 | satellite lesion | secondary tumor
GTV recurrence | Rezidiv | tumor residual | PTV | CTV | ITV | IGTV | iGTV | IGTVp | PGTV | pGTV | GTV-PTV
PTV-GTV | GTV_ITV | GTV_exp | GTVexp | GTV exp 5 | GTV+5mm | GTV5mm | GTV_0.5cm | GTV ring | ring_GTV
GTV shell | GTV margin | Tumour margin | Tumor ring | peritumoral | GTV core | GTV_boost | Tumor bed
tumour_bed | GTVtb | GTV minus lung | lung minus GTV | LungMinusGTV | Lungs-GTV | GTV cropped | GTV_sub
Lunge ohne Tumor | Poumon sans GTV | polmone senza GTV | Body-GTV | Heart-GTV | GTV total | GTV_all | GTV_test
test GTV | GTV old | GTV_alt | zGTV | zzGTV_old | GTV copy | GTV draft | GTV dummy | not GTV | no tumor
GTV (not used) | non-tumor | GTV helper | Hilfsstruktur GTV | GTV_opt | GTV PET | GTV_MR | GTV MIP | PET_tumor
heart | Herz | coeur | cœur | cuore | corazón | 心脏 | lung | Lungs | lung_upper_lobe_left | seg_lungs
mask_Heart | LAD | esophagus | œsophage | Speiseröhre | Spinal cord | Rückenmark | moelle | aorta | BODY
External | rib_left_4 | vertebrae_T8 | trachea | pulmonary_vein | label_oesophagus | skin | chest wall | dose
thyroid_gland | face | 双肺
"""
UNSURE = """
GTV+5 | GTVp+N? | GTV? | GTV 50% | GTV/CTV? | GTV 7 | Tumor 5 | Lung-GTV | Lung_GTV | Lung_L-GTV | Lung-tumor
GTV_T8 | GTV L1 | GTV_R4 | GTV_Smith | xGTV | GTVs | Tumors | lesions | GTV_20150203 | GTV_xyz | something
GTV < 3 | GTV=CTV? | ~GTV | target
"""


def listed(text):
    return [name.strip() for line in text.strip().splitlines() for name in line.split("|")]


def chosen(names, **rules):
    entries = [RoiEntry(n, *name.split(":")) for n, name in enumerate(names)]
    rules = RoiRules(rules.get("tumour", TUMOUR_ROI), rules.get("others", ()), rules.get("lungs", ()))
    return [entries[n].name for n in choose_rois(entries, rules).tumour]


def test_names_of_a_primary_tumour():
    names = listed(PRIMARY)
    assert [n for n in names if primary_rank(n) is None] == []
    assert [n for n in names if says_other(n)] == []


def test_names_of_something_else():
    names = listed(OTHERS)
    assert [n for n in names if primary_rank(n) is not None] == []
    assert [n for n in names if not says_other(n)] == []


def test_names_that_are_not_sure():
    assert [n for n in listed(UNSURE) if primary_rank(n) is not None] == []


@pytest.mark.parametrize(
    "name", ["mask", "Seg", "segmentation", "label", "labels", "ROI-1", "mask1", "CT_mask", "Segment_1"]
)
def test_names_that_say_nothing(name):
    assert says_nothing(name)
    assert primary_rank(name) is None
    assert not says_other(name)


@pytest.mark.parametrize("name", ["", "P1", "mask_Heart", "seg_lungs", "mask_L", "GTV", "something", "mask_tumor", "1"])
def test_names_that_say_something(name):
    assert not says_nothing(name)


def test_order_of_the_usual_names():
    names = ["GTV-1", "GTVp", "GTV", "Tumour", "GTV_left"]
    assert [primary_rank(n) for n in names] == [0, 1, 2, 3, 4]
    assert [primary_rank(f"mask_{n}") for n in names] == [0, 1, 2, 3, 4]


def test_each_word_says_one_thing():
    assert not CORE & OTHER
    assert not CORE & QUALIFIERS
    assert not OTHER & QUALIFIERS, OTHER & QUALIFIERS


def test_no_word_for_something_else_leaves_a_tumour():
    for other in OTHER:
        for name in (f"GTV {other}", f"{other}_GTV", f"Tumor-{other}", f"mask_GTV-1_{other}", f"{other.upper()} TUMOR"):
            assert primary_rank(name) is None, name


def test_a_person_may_mean_the_tumour():
    assert [n for n in ["IGTV", "GTV_LN", "Heart", "Smith", "zGTV", "PTV", "mets"] if may_be_tumour(n)] == [
        "IGTV", "Smith", "zGTV",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("names", "tumour"),
    [
        (["IGTV", "GTV_LN"], []),
        (["Lung tumor", "GTV LN 4R"], ["Lung tumor"]),
        (["Tumor_RUL", "GTV lymph node"], ["Tumor_RUL"]),
        (["Primary RUL", "GTVmet"], ["Primary RUL"]),
        (["Tumor_c40", "LN_c40", "LLung_c40", "Vertebra_c40"], ["Tumor_c40"]),
        (["GTV_old", "GTV", "GTV_ring"], ["GTV"]),
        (["GTV 2", "GTV 3"], ["GTV 2", "GTV 3"]),
        (["PTV", "CTV", "ITV", "Lung-GTV"], []),
        (["Tumor:LYMPH NODE"], []),
        (["Lesion 1:Secondary malignant neoplasm", "Lesion 2:Neoplasm, Primary"], ["Lesion 2"]),
        (["GTV:ORGAN"], ["GTV"]),
    ],
)
def test_choice_without_a_rule_of_the_study_file(names, tumour):
    assert chosen(names) == tumour


@pytest.mark.parametrize(
    ("names", "rules", "tumour"),
    [
        (["Lung tumor"], {"lungs": (RoiRule(glob="*lung*"),)}, []),
        (["Lung tumor", "Tumor"], {"lungs": (RoiRule(glob="*lung*"),)}, ["Tumor"]),
        (["Tumor 2"], {"others": (RoiRule(exact="Tumor 2"),)}, []),
        (["GTV 2"], {"others": ("^GTV[- ]?[2-9]",)}, []),
        (["GTV-1", "GTV-2"], {"others": (RoiRule(glob="GTV*"),)}, ["GTV-1"]),
        (["mask_GTV", "mask_GTV_2"], {"others": (RoiRule(glob="mask_*"),)}, ["mask_GTV"]),
    ],
)
def test_what_another_rule_takes_is_not_the_tumour(names, rules, tumour):
    assert chosen(names, **rules) == tumour


@pytest.mark.parametrize(
    ("rule", "tumour"),
    [
        (RoiRule(exact="GTV_LN"), ["GTV_LN"]),
        (RoiRule(glob="*heart*"), ["Heart"]),
        ("^IGTV$", ["IGTV"]),
        (RoiRule(exact="GTV-1"), []),
    ],
)
def test_rules_of_the_study_file_are_not_overridden(rule, tumour):
    names = ["IGTV", "GTV_LN", "Heart", "GTV"]
    assert chosen(names, tumour=(rule,)) == tumour
    assert chosen(names, tumour=(rule, *TUMOUR_ROI)) == (tumour or ["GTV"])
