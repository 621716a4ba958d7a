"""The command line: all verbs and what an error becomes. Prints and exits through `terminal`."""

from __future__ import annotations

import logging

import typer

from perisurv.cli_archives import archive_verbs
from perisurv.cli_check import check_verbs
from perisurv.cli_predict import predict_verbs
from perisurv.cli_simulate import simulate_verbs
from perisurv.cli_study import study_verbs
from perisurv.core import InputError, PerisurvError
from perisurv.terminal import fail

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Overall survival from a CT and a tumour contour: rings, radiomics, a 3D network, a study that cannot leak.",
)
for _verbs in (study_verbs, predict_verbs, simulate_verbs, check_verbs, archive_verbs):
    app.add_typer(_verbs)


def main() -> None:
    """Entry point: 0 done, 1 a check failed, 2 bad input with one clear sentence."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except InputError as error:
        fail(str(error), 2)
    except PerisurvError as error:
        fail(str(error), 1)
    except OSError as error:  # a path that is wrong, a disk that is full, a right that is lacking
        where = f" {error.filename}" if error.filename else ""
        fail(f"The file or folder{where} cannot be used: {error.strerror or error}. Check path, rights and disk.", 2)
