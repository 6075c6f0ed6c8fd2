output "endpoint" {
  description = "Host name of the instance."
  value       = aws_db_instance.this.address
}

output "reader_endpoint" {
  description = "The same host name: an instance has no readers. It is here so that an Aurora cluster can take its place."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port of the instance."
  value       = aws_db_instance.this.port
}

output "database" {
  description = "Database that was created with the instance."
  value       = aws_db_instance.this.db_name
}

output "security_group_id" {
  description = "Security group of the instance, without any rule of its own."
  value       = aws_security_group.this.id
}

output "master_secret_arn" {
  description = "Secret with the master's user name and password, which changes every 7 days: for migrations and for making roles, never for a service."
  value       = one(aws_db_instance.this.master_user_secret[*].secret_arn)
}

output "resource_id" {
  description = "Identity of the instance in rds-db:connect permissions."
  value       = aws_db_instance.this.resource_id
}

output "identifier" {
  description = "Identifier of the instance: the dimension of its metrics."
  value       = aws_db_instance.this.identifier
}

output "arn" {
  description = "ARN of the instance."
  value       = aws_db_instance.this.arn
}

output "log_group_name" {
  description = "Log group of the PostgreSQL log."
  value       = aws_cloudwatch_log_group.this["postgresql"].name
}

output "party" {
  description = "What the table reach knows it by: its name and security group."
  value       = { name = var.name, security_group_id = aws_security_group.this.id }
}

output "url" {
  description = "Address of the database without a user: what libpq and every driver read, with TLS and a verified name."
  value       = "postgresql://${aws_db_instance.this.address}:${aws_db_instance.this.port}/${aws_db_instance.this.db_name}?sslmode=verify-full"
}

output "dimensions" {
  description = "What its metrics are about, as a row of the module alarms takes it."
  value       = { DBInstanceIdentifier = aws_db_instance.this.identifier }
}
