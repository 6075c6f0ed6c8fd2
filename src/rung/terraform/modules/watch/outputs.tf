output "topic_arn" {
  description = "Topic of alarms for which somebody gets up (severity page)."
  value       = module.topics.topic_arn
}

output "ticket_topic_arn" {
  description = "Topic of alarms for which somebody looks tomorrow (severity ticket), and of the budget."
  value       = module.topics.ticket_topic_arn
}

output "alarm_names" {
  description = "Names of the alarms, by row and kind."
  value       = module.alarms.names
}

output "dashboard_name" {
  description = "Name of the page of graphs."
  value       = module.dashboard.name
}
