"""What decisions are made by: initiatives and what came of them, budgets, where revenue is lost, what keeping it may cost."""
