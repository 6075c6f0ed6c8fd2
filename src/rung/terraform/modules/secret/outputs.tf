output "name" {
  description = "Name of the secret."
  value       = aws_secretsmanager_secret.this.name
}

output "arn" {
  description = "ARN that readers are allowed and given; the value is read at run time."
  value       = aws_secretsmanager_secret.this.arn

  # A reader that starts at once must find the generated value.
  depends_on = [aws_secretsmanager_secret_version.this]
}
