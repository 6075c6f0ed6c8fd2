output "arn" {
  description = "ARN of the distribution, for the policies of the buckets it reads."
  value       = module.distribution.arn
}

output "id" {
  description = "Id of the distribution, for invalidations and metrics."
  value       = module.distribution.id
}

output "domain_name" {
  description = "Name that AWS gave it."
  value       = module.distribution.domain_name
}

output "url" {
  description = "Where visitors go."
  value       = module.distribution.url
}
