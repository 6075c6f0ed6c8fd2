output "plan_role_arn" {
  description = "Role of pull requests: reads what exists, no data."
  value       = aws_iam_role.plan.arn
}

output "apply_role_arn" {
  description = "Role of the environment's jobs."
  value       = aws_iam_role.apply.arn
}

output "boundary_arn" {
  description = "Policy that limits both roles, and the roles they make when require_boundary is set."
  value       = aws_iam_policy.boundary.arn
}

output "provider_arn" {
  description = "The account's identity provider for GitHub: give it to a second environment in the same account."
  value       = local.provider_arn
}
