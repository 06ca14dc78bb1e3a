"""The weekly report: when it is due, what it says, how it looks. Sending is `metrics.actions.reports`."""
