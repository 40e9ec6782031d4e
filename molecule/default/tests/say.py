"""Says COUNT lines at /dev/log from twenty processes at once, as busy daemons do. No two lines are alike.

    python3 - MARK COUNT < say.py

Each is a refusal to a recipient of its own at MARK.example, so that the events made of them can be counted.
"""

import os
import sys
import syslog

PROCESSES = 20
REFUSAL = (
    "NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 550 5.1.1 <{to}>: Recipient address rejected: User unknown"
    " in relay recipient table; from=<a@b.example> to=<{to}> proto=ESMTP helo=<mail.b.example>"
)


def say(process: int, mark: str, count: int) -> None:
    """What one daemon says."""
    syslog.openlog("postfix/smtpd", syslog.LOG_PID, syslog.LOG_MAIL)
    for number in range(count):
        syslog.syslog(syslog.LOG_INFO, REFUSAL.format(to=f"{process}.{number}@{mark}.example"))


def main(mark: str, count: int) -> None:
    """Start the daemons and wait for the last."""
    for process in range(PROCESSES):
        if os.fork() == 0:
            say(process, mark, count // PROCESSES)
            os._exit(0)
    for _ in range(PROCESSES):
        _, status = os.wait()
        if status:
            sys.exit(1)


main(sys.argv[1], int(sys.argv[2]))
