"""Values of scikit-survival on the data of ``discrimination.json``; run it where that library is installed.

``python tests/golden/discrimination_scikit_survival.py > tests/golden/discrimination_scikit_survival.json``
"""

import json
from pathlib import Path

import numpy as np
import sksurv
from sksurv.metrics import brier_score, concordance_index_ipcw, cumulative_dynamic_auc, integrated_brier_score
from sksurv.util import Surv

golden = json.loads((Path(__file__).parent / "discrimination.json").read_text(encoding="utf-8"))
rows = golden["tied"]["data"]
time = np.array([row["t"] for row in rows], float)
follow_up = Surv.from_arrays(np.array([row["e"] for row in rows]) == 1, time)
# G of the same patients and a last death: G may not reach zero there.
given = Surv.from_arrays(np.append(follow_up["event"], True), np.append(time, 40.0))
risk = np.array([row["x"] for row in rows], float)
taus = (5.0, 11.0, 15.0)
auc, mean = cumulative_dynamic_auc(given, follow_up, risk, [5, 8, 11])
tied = {
    "uno": {str(tau): float(concordance_index_ipcw(given, follow_up, risk, tau=tau)[0]) for tau in taus},
    "auc": auc.tolist(),
    "auc_mean": float(mean),
    "brier": brier_score(
        given, follow_up, 1 / (1 + np.exp(np.stack([risk - 1, risk - 0.5, risk], axis=1))), [5, 8, 11]
    )[1].tolist(),
}
part = golden["veteran"]
follow_up = Surv.from_arrays(np.array(part["status"]) == 1, np.array(part["time"], float))
auc, mean = cumulative_dynamic_auc(follow_up, follow_up, np.array(part["lp_a"]), part["times"])
survival = np.array(part["survival_a"])
veteran = {
    "auc": auc.tolist(),
    "auc_mean": float(mean),
    "brier": brier_score(follow_up, follow_up, survival, part["times"])[1].tolist(),
    "integrated_brier": float(integrated_brier_score(follow_up, follow_up, survival, part["times"])),
}
print(json.dumps({"version": sksurv.__version__, "tied": tied, "veteran": veteran}, indent=1))
