"""How likely each account is to leave, learnt from the installation's own history, and why."""
