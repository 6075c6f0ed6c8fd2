output "arn" {
  description = "ARN of the certificate, once it is valid."
  value       = var.existing != null ? var.existing : one(aws_acm_certificate_validation.this[*].certificate_arn)
}

output "domain" {
  description = "Name the certificate is for."
  value       = var.domain
}

output "zone_id" {
  description = "Hosted zone of the domain, for its records."
  value       = data.aws_route53_zone.this.zone_id
}
