"""What a workload becomes on AWS: inert, sized parts. Behaviour lives in the rooms that read them."""
