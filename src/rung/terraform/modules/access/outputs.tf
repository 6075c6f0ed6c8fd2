output "policies" {
  description = "The policies as written, by role."
  value       = local.policies
}
