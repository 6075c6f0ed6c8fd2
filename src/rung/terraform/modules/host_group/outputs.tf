output "group_name" {
  description = "Name of the auto-scaling group, as metrics and commands call it."
  value       = aws_autoscaling_group.this.name
}

output "security_group_id" {
  description = "Security group of the machines."
  value       = aws_security_group.this.id
}

output "role_name" {
  description = "Name of the machines' role; grants are attached to it."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of the machines' role."
  value       = aws_iam_role.this.arn
}

output "log_group_arn" {
  description = "ARN of the log group."
  value       = aws_cloudwatch_log_group.this.arn
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "party" {
  description = "What the tables reach and access know it by: its name, security group and role."
  value       = { name = var.name, security_group_id = aws_security_group.this.id, role_name = aws_iam_role.this.name }
}
