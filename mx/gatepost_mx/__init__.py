"""What runs on each mail server beside the daemons: the milter, the firewall's helper, and the command for both.

Debian's own Python and python3-milter are all that it needs. It reaches the server as one file, made by
`gatepost_mx.archive`; what it must know of the policy stands in /etc/gatepost/mx.json, described in `config`.
"""

VERSION = "1"
