output "id" {
  description = "Identity of the file system."
  value       = var.file_system_id
}

output "arn" {
  description = "ARN of the file system."
  value       = "${local.arn}:file-system/${var.file_system_id}"
}

output "access_point_id" {
  description = "Access point that tasks mount."
  value       = local.access_point_id
}

output "access_point_arn" {
  description = "ARN of the access point: the condition of elasticfilesystem:ClientMount permissions."
  value       = "${local.arn}:access-point/${local.access_point_id}"
}

output "security_group_id" {
  description = "Security group of the mount targets (port 2049)."
  value       = var.security_group_id
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = var.security_group_id }
}
