output "arn" {
  description = "ARN of the schedule."
  value       = aws_scheduler_schedule.this.arn
}

output "group_name" {
  description = "Group of the schedule, the dimension ScheduleGroup of its metrics."
  value       = aws_scheduler_schedule_group.this.name
}

output "dead_letter_queue_name" {
  description = "Queue of the starts that failed, as metrics call it."
  value       = aws_sqs_queue.dead.name
}

output "dead_letter_queue_arn" {
  description = "ARN of that queue."
  value       = aws_sqs_queue.dead.arn
}

output "role_name" {
  description = "Role of the scheduler."
  value       = aws_iam_role.this.name
}
