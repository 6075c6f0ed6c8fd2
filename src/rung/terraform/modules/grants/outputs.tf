output "rule_ids" {
  description = "Ids of the security-group rules by what they allow, out and in."
  value       = module.reach.rule_ids
}

output "policies" {
  description = "The policies as written, by role."
  value       = module.access.policies
}
