"""The policy: its keys, what they mean, and the safe default of each.

In: plain data, as `source` read it. Out: a frozen `Policy`. The JSON schema for editors and the reference page in
docs/ are made from these classes, so a description here is what the administrator reads.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from gatepost.policy import values as v
from gatepost.policy.doors import Each, FrontDoor, Submission, Tls
from gatepost.policy.lockout import LockOut
from gatepost.policy.section import Section


class Organisation(Section):
    """Who runs these mail servers."""

    name: v.Line = Field(description="The name of the organisation, for people to read.")
    postmaster: v.MailAddress = Field(
        description="Where people reach whoever runs the mail. Mail to postmaster at each domain (RFC 5321 §4.5.1) "
        "goes there, unless that address is in the domain's own list."
    )
    help_url: v.Url | None = Field(None, description="A page that helps a sender whose mail was refused.")


class Ldap(Section):
    """A directory that is asked for each address. Its connection is encrypted, and its certificate is verified.

    While none of its servers answers, its domain's mail is put off (451), and nobody is refused.
    """

    servers: tuple[v.LdapServer, ...] = Field(
        description="Asked in this order until one answers. ldap:// becomes encrypted by STARTTLS."
    )
    base: v.DistinguishedName = Field(description="Where the search begins; everything below it is looked through.")
    filter: v.LdapFilter = Field(
        v.search_filter("(|(mail={recipient})(proxyAddresses=smtp:{recipient}))"),
        description="What finds an address. {recipient} is the whole of it, {local} the part before the @; signs with "
        "a meaning in filters are escaped in them.",
    )
    bind: v.DistinguishedName | None = Field(
        None, description="Who asks. Without it the directory is asked anonymously."
    )
    secret: v.SecretName | None = Field(
        None,
        description="The name of the password that goes with bind. Its value is in gatepost_secrets (Ansible Vault).",
    )
    tls: Literal["required", "none"] = Field(
        "required",
        description="none sends the password and every address in the clear: for a directory on this very host.",
    )
    ca: v.ServerPath = Field(
        "/etc/ssl/certs/ca-certificates.crt",
        description="The certificates that are trusted to sign the directory's own. The file is on the mail servers.",
    )
    timeout: v.ShortTime = Field(5, description="How long a server has to answer before the next one is asked.")

    @model_validator(mode="after")
    def _fits_together(self) -> Ldap:
        if not self.servers:
            raise v.bad("bad-value", "at least one server is needed", "servers: [ldap://ldap.example.org]")
        schemes = {server.scheme for server in self.servers}
        if len(schemes) > 1:
            raise v.bad("ldap-tls", "either all servers are ldaps:// or none is", "write the same for all of them")
        if self.tls == "none" and "ldaps" in schemes:
            raise v.bad("ldap-tls", "ldaps:// is encrypted, and tls: none says otherwise", "leave tls: none out")
        if (self.bind is None) != (self.secret is None):
            raise v.bad("bind-without-secret", "bind and secret go together", "who asks, and the name of his password")
        return self


class Recipients(Section):
    """The addresses that exist in a domain, from one source: a list here, a file, a directory, or the next hop."""

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": [source]} for source in ("list", "file", "ldap", "ask_next_hop")]}
    )

    list: tuple[v.MailAddress, ...] | None = Field(None, description="The addresses, written out.")
    file: v.Line | None = Field(
        None,
        description="A text file, one full address a line (# begins a comment). The path starts at the policy's "
        "folder.",
    )
    ldap: Ldap | None = Field(None, description="A directory that is asked while the client waits.")
    ask_next_hop: v.JustTrue | None = Field(
        None,
        description="deliver_to is asked while the client waits, and its answer is remembered. It must refuse "
        "addresses that do not exist when they are named to it (RCPT TO): one that takes every address makes "
        "backscatter.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Recipients:
        if sum(source is not None for source in (self.list, self.file, self.ldap, self.ask_next_hop)) != 1:
            raise v.bad(
                "one-source",
                "exactly one source of recipients was expected",
                "write list:, file:, ldap: or ask_next_hop: true",
            )
        return self

    @property
    def asked(self) -> Literal["the directory", "the next hop"] | None:
        """Who is asked for each address; None where all of them are known beforehand."""
        if self.ldap is not None:
            return "the directory"
        return "the next hop" if self.ask_next_hop else None


class MailDomain(Section):
    """A domain whose mail is accepted here."""

    deliver_to: v.Hop = Field(
        description="The next hop: smtp:[host]:port or lmtp:[host]:port for this very host, smtp:host to follow "
        "its MX records."
    )
    recipients: Recipients = Field(description="The addresses that exist. All others are refused at SMTP time.")


class Networks(Section):
    """Who is who, by address."""

    internal: tuple[v.Network, ...] = Field(
        description="Networks whose clients may send to anyone. Everyone else may only reach our own domains."
    )
    partners: tuple[v.Network, ...] = Field(
        (),
        description="Networks of known senders: they pass the front door unasked and are never locked out. They may "
        "not relay, and all else that is said of mail holds for theirs.",
    )


Score = Annotated[float, Field(strict=True, ge=-1000, le=1000, allow_inf_nan=False)]


class Spam(Section):
    """What happens at which SpamAssassin score."""

    tag_at: Score = Field(2.0, description="From this score on, headers tell the score.")
    mark_at: Score = Field(5.0, description="From this score on, the mail is marked as spam (X-Spam-Flag: YES).")
    quarantine_at: Score = Field(9.0, description="From this score on, the mail is quarantined, and nobody is told.")


class Viruses(Section):
    """What happens to a mail in which ClamAV finds something."""

    action: Literal["quarantine", "discard"] = Field(
        "quarantine", description="quarantine keeps the mail aside; discard keeps nothing. Nothing is ever bounced."
    )
    when_scanner_is_down: Literal["wait"] = Field(
        "wait", description="Mail that cannot be scanned waits in the queue. It never passes unscanned."
    )


class Attachments(Section):
    """Attachments that nobody needs by mail."""

    forbidden: tuple[v.Extension, ...] = Field(
        ("bat", "cmd", "com", "exe", "hta", "iso", "js", "jse", "lnk", "msi", "pif", "scr", "vbe", "vbs", "wsf"),
        description="File name extensions, also inside archives. A mail with one of them is quarantined.",
    )


class Signatures(Section):
    """How fresh the virus signatures have to be."""

    no_older_than: v.Duration = Field(
        36 * 3600, description="The greatest age of the signatures that clamd has loaded.", examples=["36h"]
    )


KINDS = ("sender", "client", "recipient", "destination", "term")


class Entry(Section):
    """One entry of the allow or the block list: exactly one of sender, client, recipient, destination, term."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [kind]} for kind in KINDS]})

    sender: v.MailPattern | None = Field(None, description="The envelope sender: an address or @domain.")
    client: v.Network | None = Field(None, description="The address or network of the sending server.")
    recipient: v.MailPattern | None = Field(None, description="One of our own recipients, or @domain.")
    destination: v.Domain | None = Field(None, description="A foreign domain to which our people send.")
    term: v.Term | None = Field(None, description="Words in the Subject; case and the kind of blank do not matter.")
    within: Literal["subject"] = Field("subject", alias="in", description="Where the term is looked for.")
    reason: v.Line | None = Field(None, description="Why the entry is here.")
    owner: v.Line | None = Field(None, description="Who asked for it.")
    until: v.Date | None = Field(None, description="The last day of the entry; after it, `check` asks to remove it.")

    @model_validator(mode="after")
    def _one_kind(self) -> Entry:
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise v.bad("one-kind", f"exactly one of {', '.join(KINDS)} was expected", "write an entry for each")
        if "within" in self.model_fields_set and self.term is None:
            raise v.bad("one-kind", "`in` goes with `term` alone")
        return self

    @property
    def kind(self) -> str:
        """sender, client, recipient, destination or term."""
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class Filtering(Section):
    """Spam, viruses, attachments, and the lists that people keep by hand."""

    spam: Spam = Field(Spam.model_construct(), description="Thresholds of the spam score.")
    viruses: Viruses = Field(Viruses.model_construct(), description="Mail with a virus.")
    attachments: Attachments = Field(Attachments.model_construct(), description="Forbidden attachments.")
    signatures: Signatures = Field(Signatures.model_construct(), description="The freshness of signatures.")
    allow: tuple[Entry, ...] = Field(
        (),
        description="Spared by the spam filter and by block entries of the same kind; never by the virus scanner, "
        "the attachment rules, or the rules about relaying and unknown recipients.",
    )
    block: tuple[Entry, ...] = Field((), description="Refused at SMTP time.")


class UnknownRecipients(Section):
    """What a sender reads who wrote to an address that does not exist."""

    text: v.ReplyText = Field(
        "Please check the spelling of the address, or ask {postmaster}",
        description="Added to the reply 550 5.1.1. {help_url}, {postmaster} and {recipient} are filled in.",
    )
    lock_out: LockOut = Field(LockOut.model_construct(), description="Who guesses addresses is locked out.")


class Limits(Section):
    """Limits for every mail, and for one outside client at port 25. Internal networks have the first alone."""

    message_size: v.Size = Field(50 * 1024**2, description="The largest mail, encoded as it is sent.", examples=["50M"])
    connections: Each = Field(
        50, description="The most connections at a time: half of the processes stay free for everyone else."
    )
    connections_per_minute: Each = Field(
        600, description="The most connections in a minute: a new one every tenth of a second is no honest mail server."
    )
    mails_per_minute: Each = Field(
        6000, description="The most mails in a minute: several times what the filter gets through."
    )
    recipients_per_minute: Each = Field(
        12000, description="The most recipients asked for in a minute, known or not: who guesses asks for more."
    )


class LogTls(Section):
    """Certificates of yours for the way to the log host, as files on the mail servers and on the log host alike."""

    ca: v.ServerPath = Field(description="The authority that signed all of them (PEM).")
    certificate: v.ServerPath = Field(description="The host's own certificate, which names it as the inventory does.")
    key: v.ServerPath = Field(description="Its private key, which root alone may read.")


class LogReport(Section):
    """The report on what came, went and was refused, by mail."""

    to: Annotated[tuple[v.MailAddress, ...], Field(min_length=1)] | None = Field(
        None, description="Who gets it. Not given: the postmaster."
    )
    daily: v.Switch = Field(True, description="A report each morning.")
    weekly: v.Switch = Field(True, description="A report each Monday morning.")


class Logs(Section):
    """What is written down, and for how long."""

    keep: v.Duration = Field(
        90 * 86400, description="How long log files and the events made of them are kept.", examples=["90d"]
    )
    central: v.Domain | None = Field(
        None,
        description="The log host, which gets every line of the mail log over TLS: the full name of a host of the "
        "inventory's group loghosts. While it is down, the lines wait on the mail server's disk.",
        examples=["loghost.example.org"],
    )
    tls: LogTls | None = Field(
        None,
        description="Certificates of yours for the way there. Not given: the playbook makes them, and renews them.",
    )
    forget_addresses_after: v.Duration | None = Field(
        None,
        description="From this age on, mail and IP addresses are replaced in the events that the log host keeps, so "
        "that they can be counted but not known; at least a day. Text cannot forget: log files are then kept no longer "
        "than this, whatever keep says.",
        examples=["14d"],
    )
    report: LogReport = Field(LogReport.model_construct(), description="The report that the log host sends.")
    countries: v.ServerPath | None = Field(
        None, description="A database of countries by address on the log host (MaxMind's format), for the reports."
    )


class Proof(Section):
    """What `gatepost prove` may use on a production server."""

    recipient: v.MailAddress = Field(
        description="The only mailbox of ours to which proof mails are delivered; other addresses are only asked for."
    )
    destination: v.MailAddress | None = Field(
        None, description="A foreign mailbox of yours, to prove that our people may send out."
    )


class Policy(Section):
    """The whole policy. organisation, domains and networks are needed; all else has a safe default."""

    policy: v.Version = Field(description="The version of this format: 1.")
    organisation: Organisation
    domains: dict[v.Domain, MailDomain] = Field(min_length=1, description="The domains whose mail is accepted.")
    networks: Networks
    tls: Tls = Field(Tls.model_construct(), description="Encryption.")
    submission: Submission | None = Field(
        None, description="Mail from people who log in. Without it ports 587 and 465 are closed."
    )
    front_door: FrontDoor = Field(FrontDoor.model_construct(), description="What is asked before a client may speak.")
    filtering: Filtering = Field(Filtering.model_construct(), description="What is filtered.")
    unknown_recipients: UnknownRecipients = Field(
        UnknownRecipients.model_construct(), description="Mail to addresses that do not exist."
    )
    limits: Limits = Field(Limits.model_construct(), description="Limits for every mail.")
    logs: Logs = Field(Logs.model_construct(), description="Log files.")
    proof: Proof | None = Field(None, description="What prove may use on a production server.")
