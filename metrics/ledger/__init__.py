"""Figures of many periods at once, from the ledger of MRR by calendar month.

`prepare` hands the KPI engine what it would otherwise work out piece by piece; `trailing` answers
retention over trailing months for every month. Both give exactly the figures of the exact path.
"""
