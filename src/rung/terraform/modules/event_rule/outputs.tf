output "name" {
  description = "Name of the rule: the dimension of its metrics."
  value       = aws_cloudwatch_event_rule.this.name
}

output "arn" {
  description = "ARN of the rule: what a target's policy lets in."
  value       = aws_cloudwatch_event_rule.this.arn
}

output "dead_letter_name" {
  description = "Name of the rule's own dead-letter queue: the dimension of its alarm; null when another queue was given."
  value       = one(aws_sqs_queue.dead[*].name)
}

output "dead_letter_url" {
  description = "URL of the rule's own dead-letter queue; null when another queue was given."
  value       = one(aws_sqs_queue.dead[*].url)
}
