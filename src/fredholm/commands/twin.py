"""`fredholm twin`: models beside machines."""

from pathlib import Path
from typing import Annotated

import typer

from fredholm.commands.printing import AsJson, listing, progress

twin_app = typer.Typer(help="Models beside machines.", no_args_is_help=True)


@twin_app.command("diagnose")
def twin_diagnose(
    log: Annotated[Path, typer.Argument(help="CSV of a diesel engine: a row every 0.2 s or so, units in the header.")],
    as_json: AsJson = False,
) -> None:
    """Estimate what wears out in an engine from a minute of its log; exits with 1 if something has left its band.

    Columns: time [s], speed [rpm], fuel [mg/cycle], EGR [%], VGT [%], p_im [Pa], p_em [Pa], omega_t [rad/s] and
    W_egr [kg/s]; other units of these are converted.
    """
    from fredholm.inverse import identification as twin

    record = twin.read_log(log)
    with progress("estimating"):
        findings = twin.diagnose(twin.EngineTwin(), record, twin.Shooting(), twin.HealthyBands(twin.BANDS))
    listing("Wear", [finding.row(as_json) for finding in findings], as_json)
    if any(finding.verdict is twin.Verdict.WORN for finding in findings):
        raise typer.Exit(1)
