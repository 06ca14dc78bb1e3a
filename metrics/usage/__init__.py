"""What accounts do with the product, and how complete the facts about them are."""
