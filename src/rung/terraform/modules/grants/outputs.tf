output "policy_json" {
  description = "The policy as written."
  value       = aws_iam_role_policy.this.policy
}
