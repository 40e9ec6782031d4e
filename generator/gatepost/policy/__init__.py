"""The policy: values, sections, and the model that every reader shares."""

from gatepost.policy.model import Model
from gatepost.policy.section import Section
from gatepost.policy.sections import KINDS, Entry, MailDomain, Policy
from gatepost.policy.values import Address, NextHop, Pattern

__all__ = ["KINDS", "Address", "Entry", "MailDomain", "Model", "NextHop", "Pattern", "Policy", "Section"]
