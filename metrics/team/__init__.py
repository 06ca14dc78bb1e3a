"""The team dashboard: each person's book, load, work and outcome, and each agent's performance with its components."""
