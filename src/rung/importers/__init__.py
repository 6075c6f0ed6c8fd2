"""From what a team has, a compose file or the manifests of AWS Copilot, to a workload file to go on from."""
