"""What a policy may say of a directory: servers, names, and filters in which an address is a value and nothing else."""

from __future__ import annotations

import re

import pytest
from gatepost.policy import values as v
from gatepost.policy.ldap import (
    Server,
    distinguished_name,
    search_filter,
    secret_name,
    server,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from written import TEN_LINES, loaded_text

DIRECTORY = TEN_LINES.replace(
    "networks:",
    """\
  directory.example:
    deliver_to: smtp:[mailstore.example.org]:25
    recipients:
      ldap:
        servers: [ldap://ldap.example.org]
        base: ou=people,dc=example,dc=org
networks:""",
)

GOOD = {
    "(mail={recipient})": ("mail",),
    "(|(mail={recipient})(proxyAddresses=smtp:{recipient}))": ("mail", "proxyAddresses"),
    "(&(objectClass=person)(|(mail={recipient})(uid={local})))": ("mail", "uid"),
    "(&(mail={recipient})(!(accountStatus=disabled)))": ("mail",),
    "(&(mail={recipient})(userAccountControl:1.2.840.113556.1.4.803:=512))": ("mail",),
    r"(&(mail={recipient})(cn=100% \28sure\29 \2a $x *))": ("mail",),
    "(mail;lang-de:caseExactMatch:={recipient})": ("mail;lang-de",),
    "(&(mail={recipient})(name=Jürgen))": ("mail",),
    "(&(mail={recipient})(&)(a>=1)(b<=2)(c~=d)(:dn:2.5.13.2:=x))": ("mail",),
}
EVERYONE = (
    "(uid=*)",
    "(mail=anna@example.org)",
    "(|(mail={recipient})(uid=*))",
    "(|(mail={recipient})(&(uid=x)(cn=y)))",
    "(|(mail={recipient})(!(uid=x)))",
    "(&)",
    "(|(mail={recipient})(&))",
)
BAD = (
    "",
    "mail={recipient}",
    "(mail={recipient}",
    "(mail={recipient}))",
    "(mail={recipient})(uid=*)",
    "(mail={recipient})(uid=*",
    ")(uid=*",
    "(mail={recipient}*)",
    "(mail=*{recipient}*)",
    "({recipient}=x)",
    "(!(mail={recipient}))",
    "(&(a=b)(!(|(mail={recipient}))))",
    "(mail>={recipient})",
    "(mail~={recipient})",
    "(:caseExactMatch:={recipient})",
    "(mail={nobody})",
    "(mail={})",
    "(mail={recipient)",
    "(mail=recipient})",
    "( mail={recipient})",
    "(mail={recipient}) ",
    "(mail={recipient}\n)",
    "(mail=\\zz{recipient})",
    "(mail=\\)",
    "(&mail={recipient})",
    "(" * 60 + "mail={recipient}" + ")" * 60,
    "(!" * 60 + "(mail={recipient})" + ")" * 60,
    f"(mail={{recipient}}{'x' * 1000})",
)


@pytest.mark.parametrize(("text", "attributes"), GOOD.items())
def test_a_filter_is_read_with_the_attributes_that_hold_the_address(text: str, attributes: tuple[str, ...]) -> None:
    found = search_filter(text)
    assert (str(found), found.attributes) == (text, attributes)


@pytest.mark.parametrize("text", EVERYONE)
def test_a_filter_that_finds_somebody_whatever_the_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as told:
        search_filter(text)
    assert told.value.type == "filter-finds-everyone"  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", BAD)
def test_a_filter_in_which_the_address_is_more_than_a_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError) as told:
        search_filter(text)
    assert told.value.type == "bad-filter"  # type: ignore[attr-defined]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(["(", ")", "&", "|", "!", "mail=", "uid=", "*", "{recipient}", "x", "\\2a"]), max_size=14)
)
def test_whatever_passes_is_balanced_and_asks_for_the_address(pieces: list[str]) -> None:
    try:
        text = search_filter("".join(pieces)).text
    except ValueError:
        return
    assert text.count("(") == text.count(")")
    assert re.search(r"=\{recipient\}[^*]*\)", text) or "{recipient}" in text
    assert "{recipient}*" not in text and "*{recipient}" not in text


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_a_finding(text: str) -> None:
    try:
        assert search_filter(text).text == text
    except ValueError as error:
        assert error.type in ("bad-filter", "filter-finds-everyone")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("ldaps://ldap.example.org", Server("ldaps", "ldap.example.org", 636)),
        ("ldap://LDAP.example.org/", Server("ldap", "ldap.example.org", 389)),
        ("ldap://192.0.2.1:3389", Server("ldap", "192.0.2.1", 3389)),
        ("ldap://[2001:db8::1]", Server("ldap", "2001:db8::1", 389)),
        ("ldap://localhost", Server("ldap", "localhost", 389)),
    ],
)
def test_a_server_is_read(text: str, read: Server) -> None:
    assert server(text) == read
    assert server(str(read)) == read


@pytest.mark.parametrize(
    "text",
    ["ldap.example.org", "http://a.example", "ldap://", "ldap://a", "ldap://a.example:0", "ldap://a.example:99999",
     "ldap://a b.example", "ldap://a.example/dc=x", "ldap://[::1", "ldap://300.1.1.1", "ldapi:///run/x", "ldap://u@a.example"],
)  # fmt: skip
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        server(text)


@pytest.mark.parametrize(
    "text", ["dc=org", "ou=people,dc=example, dc=org", r"cn=Doe\, Jane+uid=x,o=100% \23", "cn=Müller,o=x"]
)
def test_a_distinguished_name_is_read(text: str) -> None:
    assert distinguished_name(text) == text


@pytest.mark.parametrize(
    "text", ["", "people", "ou=", "ou=a,,dc=b", "ou=a,", "ou=a;x", 'ou="a"', "ou=a\n", " ou=a", "ou=a "]
)
def test_what_is_no_distinguished_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        distinguished_name(text)


def test_a_secret_that_was_told_instead_of_named_is_not_repeated() -> None:
    with pytest.raises(ValueError) as told:
        secret_name("Hunter2!")
    assert "Hunter2" not in str(told.value)


@pytest.mark.parametrize("text", ["ca.pem", "/", "/etc/../x", "/etc/x ", "/etc/x\n", "/etc/"])
def test_what_is_no_path_on_a_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        v.server_path(text)


@pytest.mark.parametrize("text", ["0s", "61s", "2m", "1h"])
def test_a_time_out_lies_between_a_second_and_a_minute(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        v.short_time(text)


def test_encryption_and_the_usual_filter_are_the_default() -> None:
    model = loaded_text(DIRECTORY).model
    assert model is not None
    ldap = model.domains["directory.example"].recipients.ldap
    assert ldap is not None and (ldap.tls, ldap.timeout, ldap.bind) == ("required", 5, None)
    assert model.asked("directory.example") == "the directory" and model.asked("example.org") is None


@pytest.mark.parametrize("server_named", ["ldap://127.0.0.1", "ldap://[::1]", "ldap://localhost"])
def test_a_directory_on_the_server_itself_may_be_asked_in_the_clear(server_named: str) -> None:
    text = DIRECTORY.replace("[ldap://ldap.example.org]", f'["{server_named}"]\n        tls: none')
    assert loaded_text(text).findings == ()


@pytest.mark.parametrize("more", ["ask_next_hop: true", "list: [a@directory.example]", "file: x"])
def test_a_domain_has_one_source(more: str) -> None:
    text = DIRECTORY.replace("      ldap:", f"      {more}\n      ldap:")
    assert "one-source" in {finding.id for finding in loaded_text(text).findings}


@pytest.mark.parametrize("value", ["false", "1", '"true"', "null"])
def test_asking_the_next_hop_is_said_with_true_alone(value: str) -> None:
    text = TEN_LINES.replace("recipients: {list: [", f"recipients: {{ask_next_hop: {value}}} # {{")
    assert loaded_text(text).model is None
