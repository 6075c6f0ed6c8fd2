output "arn" {
  description = "ARN of the load balancer."
  value       = aws_lb.this.arn
}

output "arn_suffix" {
  description = "Last part of the ARN, as metrics call the load balancer."
  value       = aws_lb.this.arn_suffix
}

output "dns_name" {
  description = "Name that AWS gave it."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Hosted zone of dns_name, for alias records."
  value       = aws_lb.this.zone_id
}

output "listener_arn" {
  description = "ARN of the listener that has the rules."
  value       = one(concat(aws_lb_listener.https, aws_lb_listener.http)).arn
}

output "security_group_id" {
  description = "Security group of the load balancer."
  value       = aws_security_group.this.id
}

output "target_group_arns" {
  description = "ARNs of the target groups by name of the target."
  value       = { for name, group in aws_lb_target_group.this : name => group.arn }

  # ECS refuses a service whose target group no listener leads to yet.
  depends_on = [aws_lb_listener_rule.this]
}

output "target_group_suffixes" {
  description = "Last parts of the ARNs by name of the target, as metrics call the groups."
  value       = { for name, group in aws_lb_target_group.this : name => group.arn_suffix }
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = aws_security_group.this.id }
}

output "dimensions" {
  description = "What the metrics of its targets are about, by name of the target, as a row of the module alarms takes it."
  value       = { for name, group in aws_lb_target_group.this : name => { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = group.arn_suffix } }
}

output "certificate_arn" {
  description = "ARN of the certificate that was made here, once it is valid; null without."
  value       = one(module.certificate[*].arn)
}
