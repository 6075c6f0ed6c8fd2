"""The rules of the shop as pure functions: no input, no output, no clock, no database."""
