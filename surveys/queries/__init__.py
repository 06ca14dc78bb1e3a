"""Page-shaped reads of surveys."""

from surveys.queries.dry_run import plan_lines

__all__ = ["plan_lines"]
