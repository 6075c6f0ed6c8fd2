output "url" {
  description = "Where clients connect, TLS only, without a user: amqps://<host>:5671. The names and passwords are in the secret."
  value       = aws_cloudformation_stack.this.outputs["Endpoint"]
}

output "id" {
  description = "Id of the broker, as the API of Amazon MQ wants it."
  value       = aws_cloudformation_stack.this.outputs["Id"]
}

output "arn" {
  description = "ARN of the broker."
  value       = aws_cloudformation_stack.this.outputs["Arn"]
}

output "broker_name" {
  description = "Name of the broker: the dimension of its metrics."
  value       = var.name
}

output "security_group_id" {
  description = "Security group of the broker, without any rule of its own."
  value       = aws_security_group.this.id
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = aws_security_group.this.id }
}
