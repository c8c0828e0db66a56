"""The ground floor: errors, files, identity, numbers, text, settings and processes."""
