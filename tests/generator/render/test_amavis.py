"""amavis's configuration, read back by Perl, says what the policy says."""

from __future__ import annotations

from typing import Any

from gatepost.bundle import Part
from gatepost.render import amavis
from gatepost.render.amavis.quoting import perl_number, perl_pattern, perl_string
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scanners import ALONE, GATE12, model_of, needs_perl, perl, perl_variables, text_of

PRINTABLE = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=40)


def part_of(more: str = "") -> Part:
    return amavis.render(model_of(more), GATE12)


def read(more: str, *names: str) -> dict[str, Any]:
    return perl_variables(text_of(part_of(more), amavis.CONFIG), *names)


@needs_perl
@settings(max_examples=20, deadline=None)
@given(st.lists(PRINTABLE, min_size=20, max_size=60))
@example(["\U00011d46"])
def test_any_text_of_a_policy_reads_back_from_perl_as_itself(texts: list[str]) -> None:
    literals = ",\n".join(perl_string(text) for text in texts)
    # As amavis reads its configuration: as bytes, where no sign combines with the quote before it.
    program = f"use JSON::PP; my @t = ({literals}); utf8::decode($_) for @t; print JSON::PP->new->utf8->encode(\\@t);"
    assert perl(program) == texts


@needs_perl
@settings(max_examples=20, deadline=None)
@given(st.lists(PRINTABLE, min_size=20, max_size=60))
def test_a_pattern_matches_its_own_text_and_nothing_else(texts: list[str]) -> None:
    pairs = ",\n".join(f"[qr'\\A(?:{perl_pattern(text)})\\z', {perl_string(text)}]" for text in texts)
    program = f"""use JSON::PP; my @p = ({pairs}); utf8::decode($_->[1]) for @p; my @n;
      for my $p (@p) {{ push @n, [grep {{ $p[$_][1] =~ $p->[0] }} 0 .. $#p] }} print encode_json(\\@n);"""
    found = perl(program)
    assert [[texts[i] for i in matching] for matching in found] == [[t for t in texts if t == text] for text in texts]


@given(st.floats(-1000, 1000))
def test_a_score_reads_back_as_the_same_number(score: float) -> None:
    assert float(perl_number(score)) == score


@needs_perl
def test_thresholds_come_from_the_policy() -> None:
    more = "filtering: {spam: {tag_at: -1.5, mark_at: 4, quarantine_at: 7.25}}\n"
    names = ("$sa_tag_level_deflt", "$sa_tag2_level_deflt", "$sa_kill_level_deflt")
    read_back = read(more, *names)
    assert [float(read_back[name]) for name in names] == [-1.5, 4.0, 7.25]


@needs_perl
def test_our_domains_are_local_without_their_subdomains() -> None:
    assert read("", "@local_domains_maps") == {"@local_domains_maps": [{"example.org": 1}]}


@needs_perl
def test_nothing_is_bounced_and_a_silent_scanner_defers() -> None:
    names = ("$final_virus_destiny", "$final_banned_destiny", "$final_spam_destiny", "$final_bad_header_destiny")
    assert list(read("", *sorted(names)).values()) == [1 if "bad_header" in n else 0 for n in sorted(names)]
    assert read("", "$virus_scanners_failure_is_fatal", "@av_scanners_backup") == {
        "$virus_scanners_failure_is_fatal": 1,
        "@av_scanners_backup": [],
    }


@needs_perl
def test_each_kind_of_quarantine_has_its_own_names() -> None:
    methods = read("", "$virus_quarantine_method", "$banned_files_quarantine_method", "$spam_quarantine_method")
    assert sorted(methods.values()) == ["local:banned-%m.gz", "local:spam-%m.gz", "local:virus-%m.gz"]


@needs_perl
def test_discarded_viruses_are_not_kept() -> None:
    more = "filtering: {viruses: {action: discard}}\n"
    assert read(more, "$virus_quarantine_method") == {"$virus_quarantine_method": None}


@needs_perl
def test_ambiguous_mail_and_bombs_are_kept_and_not_just_gone() -> None:
    names = ("%final_destiny_maps_by_ccat", "%quarantine_method_by_ccat", "%quarantine_to_maps_by_ccat")
    for settings_by_category in read("", *names).values():
        assert set(settings_by_category) == {"7,2", "7,3"}


@needs_perl
def test_extensions_are_matched_by_name_and_at_the_end_alone() -> None:
    more = "filtering: {attachments: {forbidden: [exe, tar-gz]}}\n"
    [pattern] = read(more, "$banned_filename_re")["$banned_filename_re"]
    hidden = ["a.exe. ", "a.exe'", "a.exe\x01", "a.exe_"]
    names = ["a.exe", "a.pdf.EXE", "a.tar-gz", *hidden, ".exe", "a.exe.txt", "aexe", "a.exec", "a.targz"]
    matched = perl(
        "use JSON::PP; my @n = ("
        + ",".join(map(perl_string, names))
        + f"); print encode_json([grep {{ $_ =~ qr/{pattern}/ }} @n]);"
    )
    assert matched == names[:7]


@needs_perl
def test_no_forbidden_extension_bans_nothing() -> None:
    assert read("filtering: {attachments: {forbidden: []}}\n", "$banned_filename_re") == {"$banned_filename_re": []}


@needs_perl
def test_allowed_recipients_and_destinations_are_spared_by_their_own_score() -> None:
    more = """filtering:
  allow:
    - {recipient: Abuse@example.org}
    - {recipient: '"odd ''name"@example.org'}
    - {recipient: "@example.org"}
    - {destination: partner.example}
"""
    [by_recipient] = read(more, "@score_sender_maps")["@score_sender_maps"]
    keys = {"abuse@example.org", "odd 'name@example.org", "example.org", "partner.example"}
    assert by_recipient == {key: [{".": -10000}] for key in keys}


@needs_perl
def test_a_client_that_is_allowed_and_internal_is_both() -> None:
    more = """filtering:
  allow:
    - {client: 192.0.2.7}
    - {client: 198.51.100.0/24}
    - {client: "2001:db8::/32"}
"""
    pairs = read(more, "@client_ipaddr_policy")["@client_ipaddr_policy"]
    assert pairs == [
        ["192.0.2.7/32", "2001:db8:1::/48"],
        "INTERNAL,SPARED",
        ["192.0.2.7/32", "198.51.100.0/24", "2001:db8::/32"],
        "SPARED",
        ["192.0.2.0/24", "2001:db8:1::/48"],
        "INTERNAL",
    ]


@needs_perl
def test_senders_are_not_amavis_s_business_since_it_would_believe_the_from_header() -> None:
    more = "filtering: {allow: [{sender: billing@supplier.example}]}\n"
    assert read(more, "@score_sender_maps") == {"@score_sender_maps": [{}]}


def test_each_block_names_its_policy_line() -> None:
    text = text_of(part_of("filtering:\n  spam: {mark_at: 4}\n"), amavis.CONFIG)
    assert "# policy.yml:9 filtering.spam.mark_at\n$sa_tag2_level_deflt = 4.0;\n" in text
    assert "# policy.yml filtering.spam.tag_at (default)\n" in text


def test_the_same_model_gives_each_host_its_own_name_and_else_the_same() -> None:
    model = model_of()
    one, other = (text_of(amavis.render(model, host), amavis.CONFIG) for host in (GATE12, ALONE))
    assert one.replace("gate12", "gate13") == other


def test_the_unit_reads_our_file_and_nothing_of_debians() -> None:
    unit = text_of(part_of(), amavis.DROP_IN)
    assert f"ExecStart=\nExecStart=/usr/sbin/amavisd -c {amavis.CONFIG} foreground\n" in unit
