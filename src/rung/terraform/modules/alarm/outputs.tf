output "arn" {
  description = "ARN of the alarm: the stop condition of a drill."
  value       = aws_cloudwatch_metric_alarm.this.arn
}

output "name" {
  description = "Name of the alarm: what a deployment watches to roll itself back."
  value       = aws_cloudwatch_metric_alarm.this.alarm_name
}
