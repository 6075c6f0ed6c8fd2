"""A mail server for this machine: takes whatever is sent, delivers nothing, shows it. Run by `rung dev`."""
