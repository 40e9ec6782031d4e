"""The doors of the released servers: certificates, logins, the front door. `prove` asks the rest, from outside."""

from __future__ import annotations

from conftest import run
from testinfra.host import Host

CHECK = "gatepost-check-certificate /etc/gatepost/tls/{0}.lab.test.pem /etc/gatepost/tls/{0}.lab.test.key"


def test_the_certificate_is_good_and_its_alarm_comes_before_its_end(server: Host, name: str) -> None:
    assert server.run(CHECK.format(name)).rc == 0
    soon = server.run(CHECK.format(name) + " 365")
    assert soon.rc == 1
    assert "within 365 days" in soon.stderr


def test_a_certificate_with_the_key_of_another_is_told(server: Host, name: str) -> None:
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout $k -out /dev/null"
    wrong = server.run(
        f"k=$(mktemp); {made} 2>/dev/null; gatepost-check-certificate /etc/gatepost/tls/{name}.lab.test.pem $k; "
        "code=$?; rm $k; exit $code"
    )
    assert wrong.rc == 1
    assert "is not the key of" in wrong.stderr


def test_dovecot_answers_postfix_alone(server: Host) -> None:
    socket = server.file("/var/spool/postfix/private/auth")
    assert (socket.user, socket.group, socket.mode) == ("postfix", "postfix", 0o600)
    assert "dovecot" not in server.check_output("ss -Hltnp")


def test_the_passwords_are_hashes_that_nobody_else_reads(server: Host) -> None:
    assert server.run("gatepost-check-passwords /etc/gatepost/passwords").rc == 0
    assert server.file("/etc/gatepost/passwords").mode == 0o640


def test_the_server_speaks_no_older_tls_than_1_2(name: str) -> None:
    old = "openssl s_client -connect 10.91.0.{}:465 -tls1_1 -cipher DEFAULT@SECLEVEL=0".format(
        name.removeprefix("gate")
    )
    assert run("sh", "-c", f"{old} </dev/null", check=False).returncode != 0


def test_the_front_door_has_its_table_and_its_lists(server: Host) -> None:
    assert server.file("/var/lib/gatepost-lists/open.cidr").exists
    assert server.service("gatepost-lists.timer").is_running
