"""The wire: one file per channel. Only actions.deliver comes in here."""
