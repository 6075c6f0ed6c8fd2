output "data_key_arn" {
  description = "Key for rows, objects, messages and secrets."
  value       = aws_kms_key.data.arn
}

output "log_key_arn" {
  description = "Key for log groups and alarm topics."
  value       = aws_kms_key.log.arn
}
