"""serve.toml, settings and the file of keys."""

from __future__ import annotations

import pytest

from poolwise.errors import OptionError
from poolwise.serving.config import read_config, settings_of
from poolwise.serving.server import listen
from poolwise.serving.settings import Settings, read_keys

WHOLE = """
host = "0.0.0.0"
port = 9000
api_key_file = "keys.txt"
[settings]
queue_tokens = 4096
auto_truncate = false
request_seconds = 5
precision = "fast"
[models.en]
model = "demo"
readouts = ["mean@-1", "cls@-1"]
max_length = 64
[models."de:base"]
model = "folder"
precision = "near"
"""


def test_a_whole_file_is_read(tmp_path):
    path = tmp_path / "serve.toml"
    path.write_text(WHOLE)
    config = read_config(path)
    assert (config.host, config.port, config.api_key_file) == ("0.0.0.0", 9000, "keys.txt")
    assert config.models["en"].readouts == ["mean@-1", "cls@-1"]
    assert config.models["en"].max_length == 64
    assert config.models["de:base"].precision == "near"
    settings = settings_of(config.settings, ["key"])
    assert (settings.queue_tokens, settings.auto_truncate) == (4096, False)
    assert (settings.precision, settings.api_keys) == ("fast", ("key",))
    assert settings.batch_tokens == Settings().batch_tokens


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("port = ", "is no TOML"),
        ("port = 70000", "port"),
        ("hosts = 'a'", "unknown field hosts"),
        ("[models.x]\nmodel = 'demo'\nreadout = ['mean@-1']", "unknown field readout"),
        ("[models.x]\nreadouts = ['mean@-1']", "missing required field model"),
        ("[models.x]\nmodel = 'demo'\nprecision = 'half'", "precision"),
        ("[settings]\nqueue_token = 3", "settings has queue_token"),
        ("[settings]\nqueue_tokens = 'many'", "settings.queue_tokens is 'many', expected int"),
        ("[settings]\nqueue_tokens = true", "settings.queue_tokens is True"),
        ("[settings]\nqueue_tokens = 0", "queue_tokens is 0"),
        ("[settings]\nprecision = 'half'", "precision is 'half'"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path, text, says):
    path = tmp_path / "serve.toml"
    path.write_text(text)
    with pytest.raises(OptionError) as error:
        read_config(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(OptionError, match="cannot be read"):
        read_config(tmp_path / "serve.toml")


def test_keys_are_lines(tmp_path):
    path = tmp_path / "keys"
    path.write_text("# of the search team\nabc\n\n  def  \n")
    assert read_keys(path) == ("abc", "def")
    path.write_text("# none\n")
    with pytest.raises(OptionError, match="holds no API key"):
        read_keys(path)
    with pytest.raises(OptionError, match="cannot be read"):
        read_keys(tmp_path / "other")
    with pytest.raises(OptionError, match="beyond ASCII"):
        Settings(api_keys=("schlüssel",))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "localhost"])
def test_loopback_needs_no_key(host):
    listen(host, 0, has_key=False).close()


def test_other_machines_need_a_key():
    with pytest.raises(OptionError, match="give --api-key-file"):
        listen("0.0.0.0", 0, has_key=False)
    listen("0.0.0.0", 0, has_key=True).close()
    listen("0.0.0.0", 0, has_key=False, insecure=True).close()


def test_a_port_that_is_taken_is_told():
    with listen("127.0.0.1", 0, has_key=False) as bound:
        bound.listen()
        port = bound.getsockname()[1]
        with pytest.raises(OptionError, match=f"127.0.0.1:{port} cannot be served at"):
            listen("127.0.0.1", port, has_key=False)
