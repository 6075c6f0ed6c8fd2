output "endpoint" {
  description = "Host name of the writer."
  value       = aws_rds_cluster.this.endpoint

  # Nobody can connect before there is an instance.
  depends_on = [aws_rds_cluster_instance.this]
}

output "reader_endpoint" {
  description = "Host name that spreads connections over the readers; the writer when there is none."
  value       = aws_rds_cluster.this.reader_endpoint
}

output "port" {
  description = "Port of writer and readers."
  value       = aws_rds_cluster.this.port
}

output "database" {
  description = "Database that was created with the cluster."
  value       = aws_rds_cluster.this.database_name
}

output "security_group_id" {
  description = "Security group of the cluster, without any rule of its own."
  value       = aws_security_group.this.id
}

output "master_secret_arn" {
  description = "Secret with the master's user name and password, which changes every 7 days: for migrations and for making roles, never for a service."
  value       = one(aws_rds_cluster.this.master_user_secret[*].secret_arn)
}

output "resource_id" {
  description = "Identity of the cluster in rds-db:connect permissions."
  value       = aws_rds_cluster.this.cluster_resource_id
}

output "identifier" {
  description = "Identifier of the cluster: the dimension of its metrics."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "arn" {
  description = "ARN of the cluster."
  value       = aws_rds_cluster.this.arn
}

output "log_group_name" {
  description = "Log group of the PostgreSQL log."
  value       = aws_cloudwatch_log_group.this.name
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = aws_security_group.this.id }
}

output "url" {
  description = "Address of the database without a user: what libpq and every driver read, with TLS and a verified name."
  value       = "postgresql://${aws_rds_cluster.this.endpoint}:${aws_rds_cluster.this.port}/${aws_rds_cluster.this.database_name}?sslmode=verify-full"
}

output "dimensions" {
  description = "What its metrics are about, as a row of the module alarms takes it."
  value       = { DBClusterIdentifier = aws_rds_cluster.this.cluster_identifier }
}
