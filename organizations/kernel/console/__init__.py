"""The console's frame: who is let in, what they see of which organization, how a form saves.

Pages of the apps subclass ``base.ConsoleModelAdmin`` (or ``base.ReadOnlyConsoleAdmin``); tenant
scope, permission check and versioned saving are there and nowhere else.
"""
