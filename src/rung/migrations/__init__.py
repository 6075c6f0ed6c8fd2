"""What is wrong with migrations before they run: locks that block, and what versions before would miss."""
