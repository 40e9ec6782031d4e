"""The release of a bundle on a mail server: everything that runs there.

For    the module gatepost_release, and the recovery program that it leaves on the server.
In     a manifest, a bundle's files, and the server as it stands.
Out    a server that is wholly on the old release or wholly on the new one.
Fails  with errors.ReleaseError, whose text is for the person who started the playbook.

Only Python's own library is used (3.11 on Debian 12, 3.13 on Debian 13). The order of reading:
manifest (what is wanted), place (where things lie), records (what stands at a path), store (the releases kept),
drift, stage, checks, plan, journal, activate, proof, release (which strings them together), recovery.
"""
