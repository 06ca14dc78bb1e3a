"""What a playbook would have done in the past year, and what it did: back-runs and hold-out groups."""
