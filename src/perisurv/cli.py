"""The command line: all verbs and what an error becomes. Prints and exits through `terminal`."""

from __future__ import annotations

import logging
import platform
import signal
from importlib.metadata import version
from typing import Annotated

import typer

from perisurv.cli_archives import archive_verbs
from perisurv.cli_check import check_verbs
from perisurv.cli_common import Terminated, ends_on_signals
from perisurv.cli_init import begin_verbs
from perisurv.cli_predict import predict_verbs
from perisurv.cli_simulate import simulate_verbs
from perisurv.cli_study import study_verbs
from perisurv.cli_who import who_verbs
from perisurv.core.errors import InputError, PerisurvError
from perisurv.terminal import fail, say, settle_streams

__all__ = ["app", "main"]

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Overall survival or another endpoint from a CT and a tumour contour: rings, radiomics, a 3D network, a study "
    "that cannot leak.",
)
for _verbs in (begin_verbs, simulate_verbs, check_verbs, study_verbs, who_verbs, predict_verbs, archive_verbs):
    app.add_typer(_verbs)


def _version(wanted: bool) -> None:
    if wanted:
        number = version("perisurv")
        say({"perisurv": number}, f"perisurv {number}, Python {platform.python_version()}", as_json=False)
        raise typer.Exit


@app.callback()
def _all_verbs(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version, and stop.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """Entry point: 0 done, 1 a check failed, 2 bad input with one clear sentence, 130 and 143 stopped."""
    settle_streams()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    signal.signal(signal.SIGTERM, _terminated)
    with ends_on_signals():
        try:
            app()
        except InputError as error:
            fail(str(error), 2)
        except PerisurvError as error:
            fail(str(error), 1)
        except OSError as error:  # a path that is wrong, a disk that is full, a right that is lacking
            where = f" {error.filename}" if error.filename else ""
            told = f"The file or folder{where} cannot be used: {error.strerror or error}. Check path, rights and disk."
            fail(told, 2)


def _terminated(number: int, frame: object) -> None:  # noqa: ARG001 (a signal handler takes both)
    raise Terminated
