output "bucket" {
  description = "Name of the bucket, for backend \"s3\"."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the bucket, for the module deploy_identity."
  value       = aws_s3_bucket.this.arn
}

output "key_arn" {
  description = "Key of the states, for backend \"s3\" (kms_key_id) and for the module deploy_identity."
  value       = aws_kms_key.this.arn
}
