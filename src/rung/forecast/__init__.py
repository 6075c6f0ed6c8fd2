"""How a design behaves under traffic and faults: a simulator on arrays, its autoscalers, and what it says."""
