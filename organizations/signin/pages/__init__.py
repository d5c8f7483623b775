"""The pages of signing in, and of what a person has set up for themselves."""
