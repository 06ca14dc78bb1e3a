"""The ROI studio: what keeping a few customers more is worth, less what the programme costs."""
