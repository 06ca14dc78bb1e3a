"""Which kinds of events the rules of segments and stages ask about: one of those marks its account, so that the sweeps look at it soon.

Other rules (playbooks, plans, offers, lists) are asked of everybody each time and need no mark.
"""

from __future__ import annotations

# worked out where the event is written, from the rules as they stand in that transaction; some dozen small documents
ASKED_KINDS = """
SELECT asked #>> '{}' FROM (
    SELECT rule AS written FROM accounts_segment
    UNION ALL SELECT jsonb_build_array(start_rule, end_rule, goals) FROM accounts_lifecyclestage
) rules, jsonb_path_query(written, '$.**.event.kind') asked
"""
