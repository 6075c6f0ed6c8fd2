output "id" {
  description = "Identity of the file system."
  value       = aws_efs_file_system.this.id

  # A task that starts before its zone has a mount target fails.
  depends_on = [aws_efs_mount_target.this]
}

output "arn" {
  description = "ARN of the file system."
  value       = aws_efs_file_system.this.arn
}

output "access_point_id" {
  description = "Access point that tasks mount."
  value       = aws_efs_access_point.this.id
}

output "access_point_arn" {
  description = "ARN of the access point: the condition of elasticfilesystem:ClientMount permissions."
  value       = aws_efs_access_point.this.arn
}

output "security_group_id" {
  description = "Security group of the mount targets (port 2049), without any rule of its own."
  value       = aws_security_group.this.id
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = aws_security_group.this.id }
}
