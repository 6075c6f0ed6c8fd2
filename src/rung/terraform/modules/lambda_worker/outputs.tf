output "arn" {
  description = "ARN of the function."
  value       = aws_lambda_function.this.arn
}

output "name" {
  description = "Name of the function: the dimension of its metrics."
  value       = aws_lambda_function.this.function_name
}

output "role_name" {
  description = "Name of its role; grants are attached to it."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of its role."
  value       = aws_iam_role.this.arn
}

output "security_group_id" {
  description = "Security group of the function; null outside of the network."
  value       = one(aws_security_group.this[*].id)
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "party" {
  description = "What the tables reach and access know it by: its name, security group and role."
  value       = { name = var.name, security_group_id = one(aws_security_group.this[*].id), role_name = aws_iam_role.this.name }
}
