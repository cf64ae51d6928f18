"""`seasa-da ui`: MLflow's own page on the recorded runs."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from seasa_da.errors import UserError
from seasa_da.tracking import OFF, resolve_uri, set_environment, sqlite_file

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", default=5000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--tracking-uri", metavar="URI", help="MLflow database [default: mlruns/ here].")
def ui(host: str, port: int, tracking_uri: str | None) -> None:
    """Open MLflow's page on the recorded runs; Ctrl-C ends it."""
    command = server_command(tracking_uri, host, port)
    click.echo(f"runs: http://{'localhost' if host in ('127.0.0.1', '0.0.0.0') else host}:{port}  (Ctrl-C ends it)")
    if host not in LOOPBACK:
        click.echo(
            f"warning: it listens on {host}: who reaches port {port} of this machine may read and change the records",
            err=True,
        )
    else:
        click.echo("only this machine can reach it (--host ADDRESS opens it to others)")
    sys.stdout.flush()
    os.execv(command[0], command)


def server_command(tracking_uri: str | None, host: str, port: int) -> list[str]:
    """The command of MLflow's server on a store; sets its environment in this process.

    Raises:
        UserError: there is no store yet, or it is a server with a page of its own.
    """
    uri = resolve_uri(tracking_uri)
    if uri == OFF:
        raise UserError('tracking is off ("none"): there is no store to show; leave out --tracking-uri')
    if uri.startswith(("http://", "https://", "databricks")):
        raise UserError(f"{uri} is a server with a page of its own; open it in a browser")
    database = sqlite_file(uri)
    if database is not None and not database.is_file():
        raise UserError(f"no runs are recorded in {database}; first run: seasa-da train --method ours")
    set_environment(uri)
    os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"  # its workers serve language models
    command = [sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri, "--workers", "1"]
    if database is not None:
        command += ["--default-artifact-root", _artifacts(database)]
    return [*command, "--host", host, "--port", str(port)]


def _artifacts(database: Path) -> str:
    """Where `tracking` keeps files; else MLflow makes a folder in the current one."""
    return (database.parent / "artifacts").as_uri()
