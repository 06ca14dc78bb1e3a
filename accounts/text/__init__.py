"""Reading what customers write, offline, in English and Turkish: language, tokens, stems, sentiment, topics, a trained classifier. Pure."""
