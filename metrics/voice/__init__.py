"""The voice dashboard: what customers answer, what they speak of, how the loop is closed, who is silent."""
