"""The last minutes, live: `pulse` says what they were, `sources` where they come from, `screen` how they look."""
