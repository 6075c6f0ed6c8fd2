output "name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "ARN of the table. Its indexes are <arn>/index/<name>."
  value       = aws_dynamodb_table.this.arn
}

output "stream_arn" {
  description = "ARN of the stream of changes; null when there is none."
  value       = var.stream ? aws_dynamodb_table.this.stream_arn : null
}
