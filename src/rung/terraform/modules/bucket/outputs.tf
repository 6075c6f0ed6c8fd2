output "name" {
  description = "The bucket's name, account id included."
  value       = aws_s3_bucket.this.bucket

  # Whoever delivers logs here needs the policy and not only the bucket.
  depends_on = [aws_s3_bucket_policy.this, aws_s3_bucket_ownership_controls.this]
}

output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
}

output "domain_name" {
  description = "The bucket's host name in its region."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}
