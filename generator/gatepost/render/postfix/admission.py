"""Who passes the front door unasked, who may log in, and whose a sender address is.

In: the model. Out: rows of tables. Pure; it fails never.
"""

from __future__ import annotations

from gatepost.bundle import ConfigFile
from gatepost.policy import Model
from gatepost.render.entries import comment, entries
from gatepost.render.postfix.lists import Row

FRONT_DOOR = "/etc/postfix/maps/front-door.cidr"
MAY_LOG_IN = "OK"


def door_clients(model: Model, top: str) -> ConfigFile:
    """Partners and allowed clients. A new process of postscreen reads it, so a change needs a reload."""
    partners = model.policy.networks.partners
    known = [(comment(model.line("networks", "partners", number)), str(net)) for number, net in enumerate(partners)]
    known += [(one.line, str(one.entry.client)) for one in entries(model, "allow", "client")]
    lines = "".join(f"# {line}\n{network} permit\n" for line, network in known)
    return ConfigFile(FRONT_DOOR, f"{top}\n{lines}".encode(), "postfix", "reload")


def login_rows(model: Model) -> list[Row]:
    """The login names."""
    return [Row(_line(model, name), name, MAY_LOG_IN) for name in sorted(model.logins)]


def owner_rows(model: Model) -> list[Row]:
    """For each sender address the logins that may use it."""
    owners: dict[str, list[str]] = {}
    for name in sorted(model.logins):
        for key in model.logins[name]:
            owners.setdefault(key, []).append(name)
    return [Row(_line(model, names[0]), key, ", ".join(names)) for key, names in sorted(owners.items())]


def _line(model: Model, name: str) -> str:
    in_file = model.policy.submission is not None and model.policy.submission.users_file is not None
    return comment(model.line("submission", "users_file") if in_file else model.line("submission", "users", name))
