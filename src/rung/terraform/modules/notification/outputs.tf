output "topic_arn" {
  description = "Topic of alarms for which somebody gets up (severity page)."
  value       = aws_sns_topic.page.arn

  # Who publishes before the policy is there is refused.
  depends_on = [aws_sns_topic_policy.this]
}

output "ticket_topic_arn" {
  description = "Topic of alarms for which somebody looks tomorrow (severity ticket), and of the budget."
  value       = aws_sns_topic.ticket.arn

  depends_on = [aws_sns_topic_policy.this]
}
