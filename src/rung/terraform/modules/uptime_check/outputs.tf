output "id" {
  description = "Identity of the health check: the dimension of its metrics."
  value       = aws_route53_health_check.this.id
}

output "alarm_name" {
  description = "Name of the alarm, in us-east-1."
  value       = aws_cloudwatch_metric_alarm.this.alarm_name
}
