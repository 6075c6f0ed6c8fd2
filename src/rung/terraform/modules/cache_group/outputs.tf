output "endpoint" {
  description = "Host name of the primary: rediss://<endpoint>:<port>/0."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

output "reader_endpoint" {
  description = "Host name that spreads connections over the replicas."
  value       = aws_elasticache_replication_group.this.reader_endpoint_address
}

output "port" {
  description = "Port of the nodes, TLS only."
  value       = aws_elasticache_replication_group.this.port
}

output "security_group_id" {
  description = "Security group of the cache, without any rule of its own."
  value       = aws_security_group.this.id
}

output "replication_group_id" {
  description = "Identifier of the group: part of the token that applications sign, and the dimension of its metrics."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "arn" {
  description = "ARN of the group: elasticache:Connect is allowed on it and on user_arn together."
  value       = aws_elasticache_replication_group.this.arn
}

output "user_name" {
  description = "User that applications sign in as."
  value       = aws_elasticache_user.app.user_name
}

output "user_arn" {
  description = "ARN of that user: elasticache:Connect is allowed on it and on arn together."
  value       = aws_elasticache_user.app.arn
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = aws_security_group.this.id }
}

output "binding" {
  description = "What a task is told of it, the variable RUNG_BINDING_<NAME> as JSON: where it is, and as whom the task signs in."
  value = {
    kind              = "cache"
    url               = "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:${aws_elasticache_replication_group.this.port}/0"
    user              = aws_elasticache_user.app.user_name
    replication_group = aws_elasticache_replication_group.this.replication_group_id
    region            = split(":", aws_elasticache_replication_group.this.arn)[3]
  }
}
