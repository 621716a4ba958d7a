"""Make src/perisurv/radiomics/ibsi_reference.csv from the reference values that the IBSI publishes.

python tests/golden/radiomics_ibsi1.py FOLDER_OF_IBSI_1_REFERENCE_VALUES > src/perisurv/radiomics/ibsi_reference.csv
"""

import csv
import sys
from pathlib import Path

FAMILIES = {"morph", "loc", "stat", "ih", "ivh", "cm", "rlm", "szm", "dzm", "ngt", "ngl"}


def main(folder: Path) -> None:
    print("# Image Biomarker Standardisation Initiative, IBSI 1 reference values, CC BY 4.0.")
    print("# Zwanenburg et al., Radiology 2020; 295:328-338. A tolerance of 0: to the published digits.")
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["configuration", "family", "tag", "value", "tolerance", "consensus"])
    for name in ("digital_phantom", *(f"config_{letter}" for letter in "ABCDE")):
        with (folder / f"ibsi_1_reference_values_{name}.csv").open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                # Diagnostics are no features; four densities have no reference value.
                if (
                    row["reference value"]
                    and row["tag"].split("_")[0] in FAMILIES
                    and not row["family"].startswith("Diag")
                ):
                    consensus = row["consensus"].replace("≥ 10", ">=10")
                    values = row["reference value"], row["tolerance"] or "0", consensus
                    writer.writerow([name.removeprefix("config_"), row["family"], row["tag"], *values])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
