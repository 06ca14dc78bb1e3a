"""The KPI engine: one question in, one explained figure out."""
