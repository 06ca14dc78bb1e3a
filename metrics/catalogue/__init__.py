"""The pages of the catalogue: what is asked in an address, targets and owners, the figure in full, the rows behind it."""
