"""The frame of the API that every app's `api/` stands on. It has no endpoint and no address of its own."""
