output "name" {
  description = "Name of the bus."
  value       = aws_cloudwatch_event_bus.this.name
}

output "arn" {
  description = "ARN of the bus: events:PutEvents is allowed on it."
  value       = aws_cloudwatch_event_bus.this.arn
}

output "archive_arn" {
  description = "ARN of the archive that a replay reads; null without one."
  value       = one(aws_cloudwatch_event_archive.this[*].arn)
}
