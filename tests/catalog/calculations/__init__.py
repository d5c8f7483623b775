"""The calculation language by its rules, its examples, and a second evaluator."""
