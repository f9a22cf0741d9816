"""The preview models: of each system what its networks are, and what the copy head goes by."""
