output "arn" {
  description = "ARN of the distribution, for the policies of the buckets it reads."
  value       = aws_cloudfront_distribution.this.arn
}

output "id" {
  description = "Id of the distribution, for invalidations and metrics."
  value       = aws_cloudfront_distribution.this.id
}

output "domain_name" {
  description = "Name that AWS gave it."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "url" {
  description = "Where visitors go."
  value       = "https://${var.domain == null ? aws_cloudfront_distribution.this.domain_name : var.domain}"
}

output "origin_prefix_list_id" {
  description = "Addresses of CloudFront's side of VPC origins; the load balancer needs a rule from them. It weighs 55 of the 60 rules a group may have. Null without a load balancer."
  value       = one(data.aws_ec2_managed_prefix_list.origin_facing[*].id)
}
