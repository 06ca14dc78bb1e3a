"""What people fill in about accounts and about themselves."""
