"""The verb that tests an installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from perisurv.cli_common import AsJson, Panel, remark_on_cache, verb
from perisurv.terminal import say

__all__ = ["check", "check_verbs"]

check_verbs = typer.Typer()


@verb(check_verbs, Panel.BEGIN)
def check(
    ct_phantom: Annotated[
        Path | None, typer.Option(help="Folder ibsi_1_ct_radiomics_phantom/nifti of the data sets of the IBSI.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Compare this installation with the reference values of the IBSI and show its environment.

    Example: perisurv check --ct-phantom data_sets/ibsi_1_ct_radiomics_phantom/nifti
    """
    from perisurv.study.provenance import VERSION, installed  # noqa: PLC0415
    from perisurv.study.selfcheck import by_family, ibsi_check  # noqa: PLC0415

    remark_on_cache()
    rows = ibsi_check(ct_phantom)
    bad = [row for row in rows if not row.ok]
    lines = [f"perisurv {VERSION}, Python {sys.version.split()[0]}"]
    lines += [f"  {name} {number}" for name, number in installed().items()]
    for (configuration, family), (matched, total) in by_family(rows).items():
        lines.append(f"  {configuration:<16} {family:<48} {matched:>3} of {total:>3}")
    lines += [
        f"  WRONG {row.configuration} {row.tag}: {row.got:g}, IBSI says {row.expected:g} +- {row.tolerance:g}"
        for row in bad
    ]
    lines.append(f"IBSI: {len(rows) - len(bad)} of {len(rows)} reference values within tolerance")
    if ct_phantom is None:
        lines.append("Configurations A to E need the CT phantom: --ct-phantom FOLDER (see docs/radiomics.md)")
    wrong = [f"{row.configuration} {row.tag}" for row in bad]
    summary = {"version": VERSION, "packages": installed(), "checked": len(rows), "wrong": wrong}
    say(summary, "\n".join(lines), as_json)
    if bad:
        raise typer.Exit(1)
