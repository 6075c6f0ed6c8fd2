output "arn" {
  description = "ARN of the cluster."
  value       = aws_ecs_cluster.this.arn

  # A service that names FARGATE_SPOT before the cluster has it is refused.
  depends_on = [aws_ecs_cluster_capacity_providers.this]
}

output "name" {
  description = "Name of the cluster, as metrics and commands call it."
  value       = aws_ecs_cluster.this.name
}

output "session_log_group_arn" {
  description = "ARN of the log of sessions into containers."
  value       = aws_cloudwatch_log_group.sessions.arn
}

output "namespace_id" {
  description = "Id of the private DNS zone; null without one."
  value       = one(aws_service_discovery_private_dns_namespace.this[*].id)
}
