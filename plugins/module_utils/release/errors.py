"""The ways a release can end other than well.

For    telling the person at the playbook what happened and what to do, without a traceback.
In     nothing.
Out    exceptions whose text is the whole message.
Fails  never.
"""

from __future__ import annotations


class ReleaseError(Exception):
    """Something the person at the playbook has to know; the text stands by itself."""


class ManifestError(ReleaseError):
    """The manifest, or a file of the bundle, is not what the contract says."""


class SecretError(ReleaseError):
    """A file needs a secret that was not given."""


class BusyError(ReleaseError):
    """Another release is at work on this server."""


class DriftError(ReleaseError):
    """Files were changed by hand since they were released."""


class CheckError(ReleaseError):
    """A daemon refuses the staged files; the server was not touched."""


class ServiceError(ReleaseError):
    """systemd could not do what the release asked for."""


class ProofError(ReleaseError):
    """The daemons run, but do not do what the release promises."""


class RolledBackError(ReleaseError):
    """The activation failed and what stood before was put back."""
