output "bucket" {
  description = "Name of the bucket, for the upload."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
}

output "regional_domain_name" {
  description = "Where the distribution fetches files."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}
