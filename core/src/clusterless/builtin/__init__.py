"""Core's own plugins; they come in by entry point and keep to a provider's imports."""
