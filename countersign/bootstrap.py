"""Prints pip's own configuration as the variables that uv reads; uses the standard library only.

uv knows neither pip.conf nor PIP_* variables. `./desk` evaluates what this prints, so that an
index, a certificate or a timeout set for pip holds for the installation, whatever it is.
"""

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping

_VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
}
_LISTS = {"UV_FIND_LINKS": ","}  # the others are separated by spaces


def exports(listing: str, environ: Mapping[str, str]) -> list[str]:
    """Return shell lines for the output of `pip config list`; set variables are left alone.

    Parameters
    ----------
    listing : str
        Lines like ``global.index-url='https://…'``; later lines win, as pip has it.
    environ : mapping
        The variables that are set already.
    """
    told: dict[str, str] = {}
    for line in listing.splitlines():
        key, separator, value = line.partition("=")
        variable = _VARIABLES.get(key.rsplit(".", 1)[-1])
        if separator and variable:
            parts = str(ast.literal_eval(value)).split()
            told[variable] = _LISTS.get(variable, " ").join(parts)
    return [
        f"export {variable}={shlex.quote(value)}"
        for variable, value in told.items()
        if variable not in environ
    ]


def main() -> None:
    """Print the lines for this interpreter's pip."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        text=True,
        check=False,
    )
    for line in exports(done.stdout, os.environ):
        sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main()
