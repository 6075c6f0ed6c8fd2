output "arn" {
  description = "ARN of the load balancer."
  value       = data.aws_lb.this.arn
}

output "arn_suffix" {
  description = "Last part of the ARN, as metrics call the load balancer."
  value       = data.aws_lb.this.arn_suffix
}

output "dns_name" {
  description = "Name that AWS gave it."
  value       = data.aws_lb.this.dns_name
}

output "zone_id" {
  description = "Hosted zone of dns_name, for alias records."
  value       = data.aws_lb.this.zone_id
}

output "listener_arn" {
  description = "ARN of the listener that has the rules."
  value       = var.listener_arn
}

output "security_group_id" {
  description = "Security group of the load balancer, the first when it has several: our targets let it in, and it may reach them."
  value       = sort(data.aws_lb.this.security_groups)[0]
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
  value       = { name = var.name, security_group_id = sort(data.aws_lb.this.security_groups)[0] }
}

output "dimensions" {
  description = "What the metrics of its targets are about, by name of the target, as a row of the module alarms takes it."
  value       = { for name, group in aws_lb_target_group.this : name => { LoadBalancer = data.aws_lb.this.arn_suffix, TargetGroup = group.arn_suffix } }
}
