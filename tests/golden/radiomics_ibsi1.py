"""Make radiomics_ibsi1.csv from the reference values that the IBSI publishes.

python tests/golden/radiomics_ibsi1.py FOLDER_OF_IBSI_1_REFERENCE_VALUES > tests/golden/radiomics_ibsi1.csv
"""

import csv
import sys
from pathlib import Path

FAMILIES = {"morph", "stat", "ih", "cm", "rlm", "szm", "ngt", "ngl"}
ENDINGS = {"_3D_comb": ("merged",), "_3D_avg": ("averaged",), "_3D": ("merged", "averaged")}
# These have no reference value or are no features.
SKIPPED = ("morph_mask_", "_2D_avg", "_2D_comb", "_2_5D_avg", "_2_5D_comb", "_2D", "_2_5D")


def main(folder: Path) -> None:
    print("# Image Biomarker Standardisation Initiative, IBSI 1 reference values, CC BY 4.0.")
    print("# Zwanenburg et al., Radiology 2020; 295:328-338. A tolerance of 0: to the published digits.")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["dataset", "aggregation", "feature", "value", "tolerance", "consensus"])
    for dataset in ("digital_phantom", "config_C"):
        path = folder / f"ibsi_1_reference_values_{dataset}.csv"
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                tag = row["tag"]
                if not row["reference value"] or tag.split("_")[0] not in FAMILIES or skipped(tag):
                    continue
                feature, aggregations = split(tag)
                for aggregation in aggregations:
                    consensus = row["consensus"].replace("≥ 10", ">=10")
                    value, tolerance = row["reference value"], row["tolerance"]
                    writer.writerow([dataset, aggregation, feature, value, tolerance, consensus])


def skipped(tag: str) -> bool:
    return tag.startswith(SKIPPED[0]) or tag.endswith(SKIPPED[1:])


def split(tag: str) -> tuple[str, tuple[str, ...]]:
    for ending, aggregations in ENDINGS.items():
        if tag.endswith(ending):
            return tag.removesuffix(ending), aggregations
    return tag, ("merged", "averaged")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
