"""What the pages of the support lead read: filters, today's queue, panels, agents, customers, and the rows behind each figure."""
