"""How well health told who would leave: who was a customer when, who left, and the scores as they would have stood."""
