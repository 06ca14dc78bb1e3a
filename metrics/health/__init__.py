"""Health models as people edit them: a preview of what a draft would change."""
