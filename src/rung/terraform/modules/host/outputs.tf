output "instance_id" {
  description = "Id of the machine, for sessions and metrics."
  value       = aws_instance.this.id
}

output "public_ip" {
  description = "Address of the machine; it stays when the machine is replaced."
  value       = aws_eip.this.public_ip
}

output "security_group_id" {
  description = "Security group of the machine."
  value       = aws_security_group.this.id
}

output "role_name" {
  description = "Name of the machine's role; grants are attached to it."
  value       = aws_iam_role.this.name
}

output "role_arn" {
  description = "ARN of the machine's role."
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

output "data_volume_id" {
  description = "Id of the data volume."
  value       = aws_ebs_volume.data.id
}

output "name" {
  description = "Name of the machine: the dimension of the metrics that its own scripts publish."
  value       = var.name
}

output "party" {
  description = "What the tables reach and access know it by: its name, security group and role."
  value       = { name = var.name, security_group_id = aws_security_group.this.id, role_name = aws_iam_role.this.name }
}
