import os
import sys

import pytest

from seasa_da.commands.ui import server_command
from seasa_da.errors import UserError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ.pop("MLFLOW_TRACKING_URI", None)


def test_the_store_here(tmp_path):
    (tmp_path / "mlruns").mkdir()
    (tmp_path / "mlruns" / "mlflow.db").touch()
    command = server_command(None, "127.0.0.1", 5001)
    assert command[:4] == [sys.executable, "-m", "mlflow", "ui"]
    options = dict(zip(command[4::2], command[5::2], strict=True))
    assert options == {
        "--backend-store-uri": f"sqlite:///{tmp_path}/mlruns/mlflow.db",
        "--default-artifact-root": (tmp_path / "mlruns" / "artifacts").as_uri(),
        "--workers": "1",
        "--host": "127.0.0.1",
        "--port": "5001",
    }
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        (None, "first run: seasa-da train"),
        ("sqlite:///other.db", "first run: seasa-da train"),
        ("http://host:5000", "browser"),
        ("none", "tracking is off"),
        ("./mlruns", "plain folder"),
    ],
)
def test_nothing_to_show(uri, message):
    with pytest.raises(UserError, match=message) as raised:
        server_command(uri, "127.0.0.1", 5000)
    assert "\n" not in str(raised.value)
