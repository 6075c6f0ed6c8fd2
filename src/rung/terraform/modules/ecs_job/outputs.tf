output "task_definition_arn" {
  description = "ARN of the task definition with its revision."
  value       = aws_ecs_task_definition.this.arn
}

output "task_family" {
  description = "Family of the task definitions."
  value       = aws_ecs_task_definition.this.family
}

output "task_role_name" {
  description = "Name of the role the program has; grants are attached to it."
  value       = aws_iam_role.task.name
}

output "task_role_arn" {
  description = "ARN of the role the program has."
  value       = aws_iam_role.task.arn
}

output "execution_role_name" {
  description = "Name of the role that starts tasks."
  value       = aws_iam_role.execution.name
}

output "execution_role_arn" {
  description = "ARN of the role that starts tasks."
  value       = aws_iam_role.execution.arn
}

output "security_group_id" {
  description = "Security group of the task."
  value       = aws_security_group.this.id
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

output "party" {
  description = "What the tables reach and access know it by: its name, security group and role."
  value       = { name = var.name, security_group_id = aws_security_group.this.id, role_name = aws_iam_role.task.name }
}

output "schedule_arn" {
  description = "ARN of its schedule; null without."
  value       = one(module.schedule[*].arn)
}

output "schedule_group_name" {
  description = "Group of its schedule, the dimension ScheduleGroup of its metrics; null without."
  value       = one(module.schedule[*].group_name)
}
