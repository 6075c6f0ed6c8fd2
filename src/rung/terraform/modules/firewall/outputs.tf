output "arn" {
  description = "ARN of the web ACL."
  value       = aws_wafv2_web_acl.this.arn
}

output "name" {
  description = "Name of the web ACL, as metrics call it."
  value       = aws_wafv2_web_acl.this.name
}

output "log_group_name" {
  description = "Log of what was blocked or counted."
  value       = aws_cloudwatch_log_group.this.name
}
