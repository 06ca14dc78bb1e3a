"""The demo company: Kervan, a maker of fleet software, with the customers of two years.

Generated from a seed, never a fixed dump. `company` decides what happened, the other modules put it
into rows of the import kinds, `people` are the users who log in.
"""
