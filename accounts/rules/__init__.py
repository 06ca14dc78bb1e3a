"""The language of rules: conditions over an account's fields, contacts, use and events, as stored JSON. Pure.

`parse` reads and checks (a `RuleFault` names the place), `compile_where` makes a condition of SQL, `fields_of` tells
what a rule reads, `moves_with_time` whether days alone change it, `sentence` says it in the reader's language.
"""

from accounts.rules.language import Condition, Contacts, Entry, Group, Happened, Leaf, Not, Rule, Usage, faults_of, fields_of, leaves, moves_with_time, parse, refuse_fields
from accounts.rules.sql import compile_leaf, compile_where, value_expression
from accounts.rules.telling import sentence
from accounts.rules.values import RuleFault

__all__ = [
    "Condition", "Contacts", "Entry", "Group", "Happened", "Leaf", "Not", "Rule", "RuleFault", "Usage", "compile_leaf", "compile_where", "faults_of", "fields_of",
    "leaves", "moves_with_time", "parse", "refuse_fields", "sentence", "value_expression",
]  # fmt: skip
