output "repository_url" {
  description = "What an image is pushed to and pulled from, without a tag."
  value       = aws_ecr_repository.this.repository_url
}

output "repository_arn" {
  description = "ARN of the repository, for the role that pulls."
  value       = aws_ecr_repository.this.arn
}
