output "vault_arn" {
  description = "ARN of the vault."
  value       = aws_backup_vault.this.arn
}

output "vault_name" {
  description = "Name of the vault: the dimension of its metrics."
  value       = aws_backup_vault.this.name
}

output "plan_id" {
  description = "Identity of the plan."
  value       = aws_backup_plan.this.id
}
